using System.Text.Json;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Record;

/// <summary>
/// Takes out of JSON-RPC messages what nobody should send to others: the parameters and results of <c>personal_*</c>, callback URLs,
/// and unless it is asked for the data of private sends and what reads private payloads back.
/// </summary>
internal static class Redaction
{
    private const string LeftOut = "left out";

    // With two fields of a name it would be open which one a reader takes.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private static readonly HashSet<string> Fields = ["data", "input"];

    /// <param name="text">A request or a batch.</param>
    /// <param name="withPrivateData">Keeps the data of private sends.</param>
    /// <returns>
    /// The same with what is secret left out; its length alone when it is no JSON, names a field twice or has text that is no Unicode.
    /// </returns>
    public static JsonNode Request(string text, bool withPrivateData) => OrLength(text, () =>
    {
        var message = Parse(text);
        foreach (var call in Messages(message)) Clean(call, withPrivateData);
        return message;
    });

    /// <param name="text">The answer to <paramref name="request"/>.</param>
    /// <param name="request">As it came.</param>
    /// <param name="withPrivateData">Keeps what reads private payloads back.</param>
    /// <returns>The same with what is secret left out; its length alone when it or the request is as above.</returns>
    public static JsonNode Response(string text, string request, bool withPrivateData) => OrLength(text, () =>
    {
        var message = Parse(text);
        // A batch may be answered in another order: what one of its calls hides is hidden in all answers.
        if (!Messages(Parse(request)).Any(call => Hides(Method(call), withPrivateData))) return message;
        foreach (var answer in Messages(message))
        {
            if (answer.ContainsKey("result")) answer["result"] = LeftOut;
            if (answer["error"] is JsonObject error && error.ContainsKey("data")) error["data"] = LeftOut;
        }
        return message;
    });

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
        || (!withPrivateData && (method.StartsWith("eth_getQuorumPayload", StringComparison.OrdinalIgnoreCase)
            || method.StartsWith("debug_", StringComparison.OrdinalIgnoreCase)));

    private static string Method(JsonObject call) =>
        call["method"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : "";

    private static IEnumerable<JsonObject> Messages(JsonNode message) =>
        message is JsonArray batch ? batch.OfType<JsonObject>() : [.. new[] { message }.OfType<JsonObject>()];

    private static JsonNode Parse(string text) =>
        JsonNode.Parse(text, documentOptions: Strict) ?? throw new JsonException("null is no message");

    /// <summary>What cannot be read as a whole could hide a secret, and is not written.</summary>
    private static JsonNode OrLength(string text, Func<JsonNode> clean)
    {
        try
        {
            var message = clean();
            // Text is read as late as here, and may be none.
            _ = message.ToJsonString();
            return message;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return $"{LeftOut}: {text.Length} characters that cannot be read as JSON";
        }
    }
}
