using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Tests;

namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>What one library sent in its scenario, and what it was answered (the README beside the files says more).</summary>
/// <param name="Name">Of the file, without its ending.</param>
internal sealed record RecordedFile(string Name, IReadOnlyList<RecordedExchange> Exchanges)
{
    /// <summary>Names of all recordings; those that begin with <c>goquorum-</c> were answered by GoQuorum.</summary>
    public static IReadOnlyList<string> Names =>
        [.. Directory.EnumerateFiles(Vectors.Path("dapp-clients"), "*.json").Select(f => Path.GetFileNameWithoutExtension(f))
            .Order(StringComparer.Ordinal)];

    public static RecordedFile Read(string name)
    {
        var root = JsonNode.Parse(Vectors.ReadText($"dapp-clients/{name}.json"))!;
        return new RecordedFile(name, [.. root["exchanges"]!.AsArray().Select(e => RecordedExchange.Read(e!.AsObject()))]);
    }
}

/// <param name="Request">Null for a notification, and for the opening of a WebSocket.</param>
/// <param name="Subscription">The parameters that a notification was asked for with.</param>
/// <param name="Line">Only where it is no JSON-RPC: method and path, or the opening of a WebSocket.</param>
/// <param name="Response">Null when it is cut, or there is none.</param>
/// <param name="IsExpectedToDiffer">The recording says that the answer was, or could be thought, wrong.</param>
internal sealed record RecordedExchange(char Node, bool IsWebSocket, bool IsBinary, bool IsManagers, string? Line, string? Request,
    string? Subscription, JsonNode? Response, string? ResponseText, bool IsExpectedToDiffer)
{
    public bool IsOpening => Line == "opening of the WebSocket";

    public static RecordedExchange Read(JsonObject exchange)
    {
        var node = (string)exchange["node"]!;
        var text = (string?)exchange["response"];
        return new RecordedExchange(node[0], (string)exchange["transport"]! == "ws", (string?)exchange["frame"] == "binary",
            node.Contains("transaction manager", StringComparison.Ordinal), (string?)exchange["line"],
            exchange.ContainsKey("requestCut") ? null : (string?)exchange["request"], (string?)exchange["subscription"],
            exchange.ContainsKey("responseCut") ? null : Parse(text), text, exchange.ContainsKey("expected"));
    }

    private static JsonNode? Parse(string? text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
