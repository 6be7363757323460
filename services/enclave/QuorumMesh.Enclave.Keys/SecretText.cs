using System.Buffers;
using System.Buffers.Text;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Base64 between locked buffers.</summary>
internal static class SecretText
{
    /// <exception cref="FormatException">Not base64.</exception>
    public static SecretBuffer DecodeBase64(ReadOnlySpan<byte> utf8)
    {
        utf8 = Trim(utf8);
        using var decoded = new SecretBuffer(Base64.GetMaxDecodedFromUtf8Length(utf8.Length));
        if (Base64.DecodeFromUtf8(utf8, decoded.Span, out _, out var written) != OperationStatus.Done)
            throw new FormatException("not base64");
        // Cut to size: padding leaves up to two bytes over, and a key's length is checked.
        return SecretBuffer.CopyOf(decoded.Span[..written]);
    }

    public static SecretBuffer EncodeBase64(ReadOnlySpan<byte> secret)
    {
        var text = new SecretBuffer(Base64.GetMaxEncodedToUtf8Length(secret.Length));
        Base64.EncodeToUtf8(secret, text.Span, out _, out _);
        return text;
    }

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8);
}
