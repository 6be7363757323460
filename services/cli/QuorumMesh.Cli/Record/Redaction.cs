using System.Text.Json;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Record;

/// <summary>
/// Takes out of JSON-RPC messages what nobody should send to others: the parameters and results of <c>personal_*</c>, callback URLs,
/// and unless it is asked for the data of private sends and what reads private state back.
/// </summary>
internal static class Redaction
{
    private const string LeftOut = "left out";

    private static readonly HashSet<string> Fields = ["data", "input"];

    /// <param name="text">A request or a batch.</param>
    /// <param name="withPrivateData">Keeps the data of private sends.</param>
    /// <returns>The same with what is secret left out; of a text that is no JSON its length alone.</returns>
    public static JsonNode Request(string text, bool withPrivateData)
    {
        if (Parse(text) is not { } message) return $"{LeftOut}: {text.Length} characters that are no JSON";
        foreach (var call in Messages(message)) Clean(call, withPrivateData);
        return message;
    }

    /// <param name="text">The answer to <paramref name="request"/>.</param>
    /// <param name="request">As it came.</param>
    /// <param name="withPrivateData">Keeps what reads private state back.</param>
    /// <returns>The same with what is secret left out; of a text that is no JSON its length alone.</returns>
    public static JsonNode Response(string text, string request, bool withPrivateData)
    {
        if (Parse(text) is not { } message) return $"{LeftOut}: {text.Length} characters that are no JSON";
        // A batch may be answered in another order: what one of its calls hides is hidden in all answers.
        var hides = Parse(request) is not { } asked || Messages(asked).Any(call => Hides(Method(call), withPrivateData));
        if (!hides) return message;
        foreach (var answer in Messages(message))
            if (answer.ContainsKey("result")) answer["result"] = LeftOut;
        return message;
    }

    private static void Clean(JsonObject call, bool withPrivateData)
    {
        if (Method(call).StartsWith("personal_", StringComparison.OrdinalIgnoreCase))
        {
            call["params"] = LeftOut;
            return;
        }
        foreach (var transaction in (call["params"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (transaction.ContainsKey("callbackUrl")) transaction["callbackUrl"] = LeftOut;
            if (withPrivateData || transaction["privateFor"] is null) continue;
            foreach (var field in transaction.Select(f => f.Key).Where(Fields.Contains).ToList())
                transaction[field] = $"{LeftOut}: {transaction[field]?.ToString().Length ?? 0} characters";
        }
    }

    private static bool Hides(string method, bool withPrivateData) => method.StartsWith("personal_", StringComparison.OrdinalIgnoreCase)
        || (!withPrivateData && (method == "eth_getQuorumPayload" || method.StartsWith("debug_", StringComparison.Ordinal)));

    private static string Method(JsonObject call) =>
        call["method"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : "";

    private static IEnumerable<JsonObject> Messages(JsonNode message) =>
        message is JsonArray batch ? batch.OfType<JsonObject>() : [.. new[] { message }.OfType<JsonObject>()];

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }
}
