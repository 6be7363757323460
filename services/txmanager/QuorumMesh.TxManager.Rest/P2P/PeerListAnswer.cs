using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using QuorumMesh.Contracts.Parties;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>
/// The answer to <c>GET /partyinfo</c>: <c>{"url", "peers": [{"url"}], "keys": […]}</c> (tessera 2.1). Only the peers are of use.
/// </summary>
public static class PeerListAnswer
{
    /// <returns>False when it is not of that form. Entries that are no text are left out.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out IReadOnlyList<string>? urls)
    {
        urls = null;
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("peers", out var peers)
                || peers.ValueKind != JsonValueKind.Array)
                return false;
            urls =
            [
                .. peers.EnumerateArray().Take(PartyInfoCodec.MaxParties)
                    .Where(p => p.ValueKind == JsonValueKind.Object && p.TryGetProperty("url", out var url)
                        && url.ValueKind == JsonValueKind.String)
                    .Select(p => p.GetProperty("url").GetString()!),
            ];
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
