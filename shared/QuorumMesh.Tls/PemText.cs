using System.Text;

namespace QuorumMesh.Tls;

internal static class PemText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FormatException">These bytes are no text.</exception>
    public static string Read(byte[] bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new FormatException("is no text; PEM is wanted, not DER", e);
        }
    }
}
