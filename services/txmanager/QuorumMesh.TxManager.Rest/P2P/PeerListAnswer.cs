using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>
/// The answer to <c>GET /partyinfo</c>: <c>{"url", "peers": [{"url"}], "keys": [{"key", "url"}]}</c> (tessera 2.1).
/// </summary>
public static class PeerListAnswer
{
    /// <summary>Keys that are read of one answer, as many as the managers of a party info.</summary>
    private const int MaxKeys = PartyInfoCodec.MaxParties;

    /// <returns>False when it is not of that form. Entries that are no text are left out.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out IReadOnlyList<string>? urls) =>
        TryRead(utf8, "peers", PartyInfoCodec.MaxParties, peer => Text(peer, "url"), out urls);

    /// <summary>The keys that the other manager knows, and where.</summary>
    /// <returns>False when it is not of that form. Entries that are no keys are left out.</returns>
    public static bool TryReadKeys(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out IReadOnlyList<KnownKey>? keys) =>
        TryRead(
            utf8, "keys", MaxKeys,
            entry => Text(entry, "key") is { } key && Text(entry, "url") is { } url && PublicKey.TryFromBase64(key, out var read)
                ? new KnownKey(read, url) : null,
            out keys);

    private static string? Text(JsonElement entry, string member) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static bool TryRead<T>(
        ReadOnlyMemory<byte> utf8, string member, int most, Func<JsonElement, T?> read, [NotNullWhen(true)] out IReadOnlyList<T>? entries)
        where T : class
    {
        entries = null;
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(member, out var list)
                || list.ValueKind != JsonValueKind.Array)
                return false;
            entries = [.. list.EnumerateArray().Take(most).Select(read).OfType<T>()];
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
