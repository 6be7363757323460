using System.Buffers.Binary;
using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>
/// ECIES as RLPx uses it: secp256k1, NIST SP 800-56 concatenation KDF and HMAC with SHA-256, AES-128 in counter mode.
/// A message is <c>0x04 ‖ ephemeral public key (64) ‖ IV (16) ‖ cipher text ‖ MAC (32)</c>.
/// </summary>
public static class Ecies
{
    /// <summary>Bytes a message is longer than its plain text.</summary>
    public const int Overhead = 1 + PublicSize + IvSize + MacSize;

    private const int PublicSize = 64;
    private const int IvSize = 16;
    private const int MacSize = 32;
    private const int CipherStart = 1 + PublicSize + IvSize;

    /// <param name="sharedMacData">Authenticated with the message but not part of it.</param>
    /// <param name="ephemeralKey">32 random bytes, a valid private key, used once.</param>
    /// <param name="iv">16 random bytes.</param>
    /// <exception cref="RlpxException">The recipient's key is not a point of the curve.</exception>
    public static byte[] Encrypt(
        ReadOnlySpan<byte> recipientPublic, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> sharedMacData, ReadOnlySpan<byte> ephemeralKey,
        ReadOnlySpan<byte> iv)
    {
        Span<byte> shared = stackalloc byte[32];
        if (!Secp256k1.TryEcdh(ephemeralKey, recipientPublic, shared))
            throw new RlpxException("The remote node id is not a valid secp256k1 public key.");
        var message = new byte[plain.Length + Overhead];
        message[0] = 0x04;
        Secp256k1.PublicKey(ephemeralKey).CopyTo(message, 1);
        iv.CopyTo(message.AsSpan(1 + PublicSize));
        plain.CopyTo(message.AsSpan(CipherStart));
        var keys = DeriveKeys(shared);
        ApplyCipher(keys, iv, message.AsSpan(CipherStart, plain.Length));
        Mac(keys, message.AsSpan(0, message.Length - MacSize), sharedMacData).CopyTo(message.AsSpan(message.Length - MacSize));
        return message;
    }

    /// <summary>False when the message is not for this key, or was changed.</summary>
    public static bool TryDecrypt(NodeKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> sharedMacData, out byte[] plain)
    {
        plain = [];
        if (message.Length < Overhead || message[0] != 0x04)
            return false;
        Span<byte> shared = stackalloc byte[32];
        if (!key.TryEcdh(message.Slice(1, PublicSize), shared))
            return false;
        var keys = DeriveKeys(shared);
        var signed = message[..^MacSize];
        // Checked before anything is decrypted, and in constant time: no byte of the plain text depends on what a stranger
        // changed.
        if (!CryptographicOperations.FixedTimeEquals(Mac(keys, signed, sharedMacData), message[^MacSize..]))
            return false;
        plain = signed[CipherStart..].ToArray();
        ApplyCipher(keys, message.Slice(1 + PublicSize, IvSize), plain);
        return true;
    }

    /// <summary>AES key (16 bytes) and the material of the MAC key (16 bytes).</summary>
    private static byte[] DeriveKeys(ReadOnlySpan<byte> shared)
    {
        Span<byte> input = stackalloc byte[4 + 32];
        BinaryPrimitives.WriteUInt32BigEndian(input, 1);
        shared.CopyTo(input[4..]);
        // One round of the concatenation KDF is enough: 32 bytes are asked for (NIST SP 800-56A, 5.8.1).
        return SHA256.HashData(input);
    }

    private static void ApplyCipher(byte[] keys, ReadOnlySpan<byte> iv, Span<byte> data)
    {
        using var cipher = new AesCtr(keys.AsSpan(0, 16), iv);
        cipher.Apply(data);
    }

    private static byte[] Mac(byte[] keys, ReadOnlySpan<byte> messageWithoutMac, ReadOnlySpan<byte> sharedMacData)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, SHA256.HashData(keys.AsSpan(16, 16)));
        hmac.AppendData(messageWithoutMac[(1 + PublicSize)..]);
        hmac.AppendData(sharedMacData);
        return hmac.GetHashAndReset();
    }
}
