using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

/// <summary>XSalsa20-Poly1305 with a 24-byte nonce: 16 bytes of tag, then the ciphertext.</summary>
public static unsafe class NaClBox
{
    /// <summary>Bytes of an X25519 or XSalsa20 key.</summary>
    public const int KeySize = 32;
    /// <summary>Bytes of an XSalsa20 nonce: long enough to be drawn at random.</summary>
    public const int NonceSize = 24;
    /// <summary>Bytes of a Poly1305 tag, before the ciphertext.</summary>
    public const int TagSize = 16;

    /// <summary>Characters of a key in base64.</summary>
    private const int KeyTextSize = 44;

    /// <summary>Encrypts and authenticates. A pair of key and nonce must never seal two different messages.</summary>
    /// <param name="box">16 bytes longer than the message.</param>
    public static void Seal(ReadOnlySpan<byte> message, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key, Span<byte> box)
    {
        Check(nonce, key);
        if (box.Length != message.Length + TagSize)
            throw new ArgumentException("the box has the message's length and 16 bytes", nameof(box));
        Sodium.Initialise();
        fixed (byte* m = message, n = nonce, k = key, b = box)
            if (Sodium.crypto_secretbox_easy(b, m, (ulong)message.Length, n, k) != 0)
                throw new CryptographicException("the payload could not be encrypted");
    }

    /// <returns>False when the tag does not fit.</returns>
    public static bool TryOpen(ReadOnlySpan<byte> box, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key, Span<byte> message)
    {
        Check(nonce, key);
        // The length is a stranger's: an answer, not an exception.
        if (box.Length < TagSize || message.Length != box.Length - TagSize)
            return false;
        Sodium.Initialise();
        fixed (byte* m = message, n = nonce, k = key, b = box)
            // The tag is checked first, in constant time: of a forged box not a byte is decrypted.
            return Sodium.crypto_secretbox_open_easy(m, b, (ulong)box.Length, n, k) == 0;
    }

    /// <summary>X25519's public key of a private key.</summary>
    public static PublicKey PublicKeyOf(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != KeySize)
            throw new ArgumentException($"a private key has {KeySize} bytes, not {privateKey.Length}", nameof(privateKey));
        Sodium.Initialise();
        Span<byte> bytes = stackalloc byte[KeySize];
        fixed (byte* p = privateKey, o = bytes)
            // libsodium clamps the number itself (RFC 7748, 5), so that any 32 bytes are a private key.
            if (Sodium.crypto_scalarmult_base(o, p) != 0)
                throw new CryptographicException("the private key is of no use");
        return new PublicKey(bytes);
    }

    /// <summary>Reads a public key as Tessera writes it: the base64 of 32 bytes.</summary>
    public static bool TryParseKey(string? base64, [NotNullWhen(true)] out PublicKey? key) =>
        PublicKey.TryFromBase64(base64, out key) && key.Length == KeySize && base64!.Length == KeyTextSize;

    /// <summary>HSalsa20 of the X25519 point, NaCl's "beforenm".</summary>
    /// <returns>False for a public key of low order.</returns>
    /// <remarks>libsodium refuses a point of low order. With one the shared key would be the same for every private key, and
    /// known to all.</remarks>
    internal static bool TrySharedKey(PublicKey peer, ReadOnlySpan<byte> privateKey, Span<byte> shared)
    {
        if (peer.Length != KeySize)
            throw new ArgumentException($"a public key has {KeySize} bytes, not {peer.Length}", nameof(peer));
        Sodium.Initialise();
        fixed (byte* s = shared, p = peer.Span, k = privateKey)
            return Sodium.crypto_box_beforenm(s, p, k) == 0;
    }

    private static void Check(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key)
    {
        if (nonce.Length != NonceSize)
            throw new InvalidCipherException($"a nonce has {NonceSize} bytes, not {nonce.Length}");
        if (key.Length != KeySize)
            throw new ArgumentException($"a key has {KeySize} bytes", nameof(key));
    }
}
