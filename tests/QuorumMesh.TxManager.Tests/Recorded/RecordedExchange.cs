using System.Text;
using System.Text.Json;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <param name="Path">As sent, percent-encoded.</param>
/// <param name="Headers">In their order; a name may come twice.</param>
internal sealed record RecordedRequest(string Method, string Path, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body);

internal sealed record RecordedAnswer(int Status, string Reason, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>In lower case, without parameters; empty without one.</summary>
    public string ContentType =>
        (Headers.FirstOrDefault(h => h.Name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)).Value ?? string.Empty)
            .Split(';')[0].Trim().ToLowerInvariant();
}

/// <summary>One exchange of the recordings (vectors tessera/README.md, "Form of an exchange").</summary>
/// <param name="Server">For example <c>Q2T A</c>.</param>
/// <param name="Answer">Null where the connection ended without one.</param>
/// <param name="ByRecorder">The answer is the recorder's, which played a peer.</param>
internal sealed record RecordedExchange(
    string Id, string Server, RecordedRequest Request, RecordedAnswer? Answer, IReadOnlyList<RecordedExchange> Between, bool ByRecorder)
{
    public string App => Server.Split(' ')[0];

    public string Manager => Server.Split(' ')[1];

    public static IReadOnlyList<RecordedExchange> List(JsonElement exchanges) => [.. exchanges.EnumerateArray().Select(Read)];

    private static RecordedExchange Read(JsonElement exchange)
    {
        var request = exchange.GetProperty("request");
        RecordedAnswer? answer = null;
        if (exchange.TryGetProperty("response", out var response) && response.ValueKind == JsonValueKind.Object)
            answer = new RecordedAnswer(
                response.GetProperty("status").GetInt32(), Text(response, "reason"), HeadersOf(response), BodyOf(response));
        return new RecordedExchange(
            Text(exchange, "id"),
            Text(exchange, "server"),
            new RecordedRequest(Text(request, "method"), Text(request, "path"), HeadersOf(request), BodyOf(request)),
            answer,
            exchange.TryGetProperty("between", out var between) ? List(between) : [],
            Text(exchange, "answered_by") == "recorder");
    }

    private static string Text(JsonElement from, string member) =>
        from.TryGetProperty(member, out var value) ? value.GetString() ?? string.Empty : string.Empty;

    private static (string, string)[] HeadersOf(JsonElement from) =>
        [.. from.GetProperty("headers").EnumerateArray().Select(h => (h[0].GetString()!, h[1].GetString()!))];

    private static byte[] BodyOf(JsonElement from) =>
        from.TryGetProperty("body_base64", out var octets) ? octets.GetBytesFromBase64() : Encoding.UTF8.GetBytes(Text(from, "body"));
}
