using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// The texts that managers seal for each other to prove keys (tessera 2.3). A Tessera answers any UUID, so a stranger can hand a challenge
/// on to the key's real holder and prove a key that he has not. Ours is a UUID too, so that a Tessera answers it, but of version 8 (RFC
/// 9562) and its second half is a digest of the URL that it is for: a manager of ours recognises it and answers only for its own URL.
/// </summary>
public static class KeyChallenge
{
    private const int Half = 8;
    private const string NamedPrefix = "quorummesh-key ";
    private const string IdentityPrefix = "quorummesh-key-of ";

    /// <summary>Characters of an identity in base64.</summary>
    private const int IdentityText = 44;

    /// <summary>A fresh challenge for a URL: 60 random bits and a digest of 62.</summary>
    public static string Create(string url)
    {
        var bytes = new byte[2 * Half];
        RandomNumberGenerator.Fill(bytes.AsSpan(0, Half));
        bytes[6] = (byte)(0x80 | (bytes[6] & 0x0f));
        Digest(bytes.AsSpan(0, Half), url, bytes.AsSpan(Half));
        return new Guid(bytes, bigEndian: true).ToString("D");
    }

    /// <summary>
    /// A fresh challenge that names its URL in words and is no UUID: no Tessera answers it, so an answer shows that one of ours holds the
    /// key at that very URL.
    /// </summary>
    public static string CreateNamed(string url) => $"{NamedPrefix}{url} {RandomNumberGenerator.GetHexString(32, lowercase: true)}";

    /// <summary>
    /// A fresh challenge that also names an identity: who answers holds the key, is at that URL, and says that the key is that identity's.
    /// </summary>
    public static string CreateFor(string url, PublicKey identity) =>
        $"{IdentityPrefix}{identity.ToBase64()} {url} {RandomNumberGenerator.GetHexString(32, lowercase: true)}";

    /// <summary>
    /// Whether the holder of a key at a URL should answer. A Tessera's challenges, random UUIDs of version 4, name no URL and are answered
    /// as Tessera does.
    /// </summary>
    /// <param name="ownIdentity">Null where there is none: challenges that name one are not answered.</param>
    public static bool MayAnswer(string text, string ownUrl, PublicKey? ownIdentity = null)
    {
        if (text.StartsWith(NamedPrefix, StringComparison.Ordinal))
            return IsNamed(text[NamedPrefix.Length..], ownUrl);
        if (text.StartsWith(IdentityPrefix, StringComparison.Ordinal))
            return ownIdentity is not null && IsNamed(text[IdentityPrefix.Length..], $"{ownIdentity.ToBase64()} {ownUrl}");

        if (text.Length != 36 || !Guid.TryParseExact(text, "D", out var uuid))
            return false;
        var bytes = uuid.ToByteArray(bigEndian: true);
        if (bytes[6] >> 4 != 8)
            return true;
        Span<byte> digest = stackalloc byte[Half];
        Digest(bytes.AsSpan(0, Half), ownUrl, digest);
        return CryptographicOperations.FixedTimeEquals(digest, bytes.AsSpan(Half));
    }

    /// <summary>The longest text that is a challenge.</summary>
    public static int MaxLength => IdentityPrefix.Length + IdentityText + Contracts.Parties.PartyInfoCodec.MaxUrl + 64;

    /// <summary>A name, a blank and 32 digits.</summary>
    private static bool IsNamed(string text, string name) =>
        text.Length == name.Length + 33 && text.StartsWith(name + " ", StringComparison.Ordinal);

    private static void Digest(ReadOnlySpan<byte> random, string url, Span<byte> digest)
    {
        byte[] input = [.. "QuorumMesh key challenge\0"u8, .. random, .. Encoding.UTF8.GetBytes(url)];
        var bits = BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(input));
        // The variant's two bits are those of every UUID.
        BinaryPrimitives.WriteUInt64BigEndian(digest, (bits & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000);
    }
}
