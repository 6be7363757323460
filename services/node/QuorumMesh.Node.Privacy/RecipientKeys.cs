using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Privacy;

/// <summary>Checks the base64 public keys of an RPC call.</summary>
internal static class RecipientKeys
{
    private const int MaxRecipients = 4096;

    public static byte[] Decode(string field, string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var written) && written > 0
            ? bytes[..written]
            : throw new TransactionManagerException($"{field}: '{Shorten(base64)}' is not a base64 public key");
    }

    public static List<byte[]> DecodeAll(string field, IReadOnlyList<string> keys)
    {
        if (keys.Count > MaxRecipients)
            throw new TransactionManagerException($"{field} names {keys.Count} recipients, more than {MaxRecipients}");
        return [.. keys.Select(k => Decode(field, k))];
    }

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "…";
}
