using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Rest;

/// <summary>Base64 from callers: the standard alphabet with padding; a refusal names the member.</summary>
public static class Base64Text
{
    /// <summary>Throws <see cref="Failure.BadRequest"/> naming <paramref name="what"/>.</summary>
    public static byte[] Decode(string what, string text)
    {
        var bytes = new byte[(text.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(text, bytes, out var written)
            ? bytes[..written]
            : throw Refused(what);
    }

    internal static PrivacyException Refused(string what) =>
        new(Failure.BadRequest, $"{what}: not base64 (standard alphabet, with padding)");

    /// <summary>A key in base64. Throws <see cref="Failure.BadRequest"/> naming <paramref name="what"/>.</summary>
    public static PublicKey Key(string what, string text) =>
        PublicKey.TryFromBase64(text, out var key)
            ? key
            : throw new PrivacyException(Failure.BadRequest, $"{what}: not a public key in base64 (standard alphabet, with padding)");
}
