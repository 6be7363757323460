using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;
using Xunit.Abstractions;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// The requests that GoQuorum 2.5.0 networks answered, asked of a node with the same chain: status, fields, values, codes and texts are
/// the same but for what deviations.txt (Raft) and deviations-ibft.txt list, and those lists have nothing that is not so.
/// </summary>
public sealed class RecordedSamplesTests(ITestOutputHelper output)
{
    private const string ShapeNote = "compare the shape only";
    private const string TimeNote = "\"time\" fields are wall-clock";
    private static readonly string[] Apis = ["admin", "debug", "eth", "miner", "net", "personal", "txpool", "web3", "rpc", "raft",
        "istanbul"];

    [VectorTheory]
    [InlineData(RecordedNetwork.Folder, "deviations.txt")]
    [InlineData(RecordedNetwork.IbftFolder, "deviations-ibft.txt")]
    public async Task Answers_are_the_recorded_ones(string folder, string deviations)
    {
        var listed = Deviations(deviations);
        var seen = new SortedDictionary<string, string>(StringComparer.Ordinal);
        await using var network = await RecordedServers.StartAsync(folder);
        using var samples = RecordedNetwork.Json("rpc-samples.json", folder);
        var same = 0;
        foreach (var sample in samples.RootElement.EnumerateArray())
        {
            var name = $"{sample.GetProperty("node").GetInt32()} {sample.GetProperty("name").GetString()}";
            if (await DifferenceAsync(network, sample) is not { } difference) same++;
            else if (!seen.TryAdd(name, difference)) seen[name] += "; " + difference;
        }
        foreach (var (name, difference) in seen) output.WriteLine(
            $"{(listed.ContainsKey(name) ? "listed" : "NEW")}: {name} | {difference}");
        output.WriteLine($"{same} answers are the same, {seen.Count} differ");
        Assert.Empty(seen.Keys.Except(listed.Keys));
        Assert.Empty(listed.Keys.Except(seen.Keys));
    }

    /// <summary>Lines of "node sample | reason"; # begins a comment.</summary>
    private static Dictionary<string, string> Deviations(string file) =>
        File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, file))
            .Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => l.Split(" | ", 2))
            .ToDictionary(p => p[0], p => p[1]);

    private static async Task<string?> DifferenceAsync(RecordedServers network, JsonElement sample)
    {
        var expected = sample.GetProperty("response");
        using var answer = await network.AskAsync(sample);
        var status = (int)answer.StatusCode;
        if (status != expected.GetProperty("httpStatus").GetInt32()) return $"HTTP status {status}";
        var (body, wanted) = (await answer.Content.ReadAsStringAsync(), expected.GetProperty("body").GetString()!);
        if (wanted.Length == 0 || wanted[0] is not ('{' or '['))
            return body.Trim() == wanted.Trim() ? null : $"body {Shorten(body)} instead of {Shorten(wanted)}";
        if (body.Length == 0) return "no body";
        using var left = JsonDocument.Parse(wanted);
        using var right = JsonDocument.Parse(body);
        var note = sample.TryGetProperty("note", out var given) && given.ValueKind == JsonValueKind.String ? given.GetString()! : "";
        return JsonDifference.Find(left.RootElement, right.RootElement, note.Contains(ShapeNote, StringComparison.Ordinal), "",
            note.Contains(TimeNote, StringComparison.Ordinal));
    }

    private static string Shorten(string text) => text.Length <= 80 ? text.Trim() : text[..80];

    private sealed class RecordedServers : IAsyncDisposable
    {
        private readonly Dictionary<int, (FakeNode Node, RpcServer Server)> _nodes = [];
        private readonly HttpClient _http = new();

        public static async Task<RecordedServers> StartAsync(string folder)
        {
            var servers = new RecordedServers();
            foreach (var number in new[] { 1, 2, 3 })
            {
                var node = RecordedNetwork.Node(number, folder: folder);
                var server = new RpcServer(node, new RpcServerOptions { Http = new RpcEndpointOptions("127.0.0.1", 0, Apis) },
                    NullLoggerFactory.Instance);
                await server.StartAsync(default);
                servers._nodes[number] = (node, server);
            }
            return servers;
        }

        public Task<HttpResponseMessage> AskAsync(JsonElement sample)
        {
            var method = Text(sample, "httpMethod") ?? "POST";
            var request = new HttpRequestMessage(new HttpMethod(method), _nodes[sample.GetProperty("node").GetInt32()].Server.HttpAddress);
            if (Text(sample, "request") is { } body && method != "GET")
            {
                if (body.StartsWith("(web3_sha3 with 300000", StringComparison.Ordinal))
                    body = $$"""{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x{{new string('0', 600_000)}}"]}""";
                request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
                var type = sample.TryGetProperty("requestContentType", out var given) ? given.GetString() : "application/json";
                if (type is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            }
            return _http.SendAsync(request);
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            foreach (var (node, server) in _nodes.Values)
            {
                await server.DisposeAsync();
                node.Dispose();
            }
        }

        private static string? Text(JsonElement sample, string name) =>
            sample.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
