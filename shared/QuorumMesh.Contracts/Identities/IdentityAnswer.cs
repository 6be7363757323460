using System.Security.Cryptography;

namespace QuorumMesh.Contracts.Identities;

/// <summary>
/// How managers of ours learn each other's identity: <c>POST /quorummesh/identity</c> with 32 random bytes. The answer is the signature of
/// the identity's presence (64; over those bytes and the URL that was called), the announcement's signature (64) and the announcement.
/// </summary>
/// <param name="Presence">Shows that the identity is at that URL now: an announcement alone may be handed on by anyone.</param>
public sealed record IdentityAnswer(byte[] Presence, SignedAnnouncement Announcement)
{
    /// <summary>The route.</summary>
    public const string Path = "quorummesh/identity";

    /// <summary>Bytes of the question.</summary>
    public const int NonceSize = 32;

    /// <summary>Bytes of the longest answer.</summary>
    public const int MaxSize = (2 * SignatureSize) + KeyAnnouncementCodec.MaxSize;

    private const int SignatureSize = 64;

    /// <summary>The answer's body.</summary>
    public byte[] Write() => [.. Presence, .. Announcement.Signature, .. Announcement.Bytes];

    /// <summary>Reads one; whether the signatures hold is another question.</summary>
    /// <exception cref="WireFormatException">It is none.</exception>
    public static IdentityAnswer Read(ReadOnlySpan<byte> body)
    {
        if (body.Length is < 2 * SignatureSize or > MaxSize)
            throw new WireFormatException($"an answer has {2 * SignatureSize} to {MaxSize} bytes", body.Length);
        var announcement = body[(2 * SignatureSize)..];
        return new IdentityAnswer(body[..SignatureSize].ToArray(), new SignedAnnouncement(
            KeyAnnouncementCodec.Decode(announcement), announcement.ToArray(), body.Slice(SignatureSize, SignatureSize).ToArray()));
    }

    /// <summary>
    /// Names an announcement in a header (<see cref="RestHeaders.Identity"/>): who has it need not ask. 43 characters.
    /// </summary>
    public static string Tag(ReadOnlySpan<byte> announcement) => Convert.ToBase64String(SHA256.HashData(announcement)).TrimEnd('=');
}
