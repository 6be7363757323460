using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// JSON-RPC batches over one HTTP connection pool, written and read without object graphs so that the load process stays cheap.
/// </summary>
internal sealed class RpcConnection(string url, int connections = 16) : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = connections })
    {
        Timeout = TimeSpan.FromSeconds(60),
    };

    public string Url => url;

    /// <summary>Sends one batch; gives each call's result, or its error's text as a negative outcome, in the order of the calls.</summary>
    public async Task<IReadOnlyList<RpcOutcome>> BatchAsync(IReadOnlyList<(string Method, Action<Utf8JsonWriter> Parameters)> calls)
    {
        var buffer = new ArrayBufferWriter<byte>(64 * calls.Count);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            for (var i = 0; i < calls.Count; i++)
            {
                writer.WriteStartObject();
                writer.WriteString("jsonrpc", "2.0");
                writer.WriteNumber("id", i);
                writer.WriteString("method", calls[i].Method);
                writer.WriteStartArray("params");
                calls[i].Parameters(writer);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        using var content = new ReadOnlyMemoryContent(buffer.WrittenMemory) { Headers = { ContentType = Json } };
        using var answer = await _http.PostAsync(url, content).ConfigureAwait(false);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync().ConfigureAwait(false));
        var outcomes = new RpcOutcome[calls.Count];
        foreach (var item in document.RootElement.EnumerateArray())
            outcomes[item.GetProperty("id").GetInt32()] = item.TryGetProperty("error", out var error)
                ? new RpcOutcome(null, error.GetProperty("message").GetString())
                : new RpcOutcome(item.GetProperty("result").Clone(), null);
        return outcomes;
    }

    public async Task<JsonElement> CallAsync(string method, Action<Utf8JsonWriter> parameters)
    {
        var outcome = (await BatchAsync([(method, parameters)]).ConfigureAwait(false))[0];
        return outcome.Result ?? throw new InvalidOperationException($"{method} at {url}: {outcome.Error}");
    }

    public async Task<ulong> QuantityAsync(string method, Action<Utf8JsonWriter> parameters) =>
        Convert.ToUInt64((await CallAsync(method, parameters).ConfigureAwait(false)).GetString(), 16);

    public void Dispose() => _http.Dispose();
}

internal readonly record struct RpcOutcome(JsonElement? Result, string? Error);
