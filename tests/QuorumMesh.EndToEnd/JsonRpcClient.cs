using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Cli;

namespace QuorumMesh.EndToEnd;

/// <summary>A plain JSON-RPC 2.0 client over HTTP.</summary>
public sealed class JsonRpcClient(HttpClient http, string url)
{
    private int _id;

    /// <exception cref="CommandException">The node answered with an error, or did not answer.</exception>
    public async Task<JsonNode?> CallAsync(string method, CancellationToken cancel, params JsonNode?[] parameters)
    {
        var request = new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = Interlocked.Increment(ref _id),
            ["method"] = method,
            ["params"] = new JsonArray(parameters)
        };
        using var content = new StringContent(request.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        try
        {
            using var answer = await http.PostAsync(url, content, cancel).ConfigureAwait(false);
            var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false));
            if (body?["error"] is { } error)
                throw new CommandException($"{method} at {url}: {error["message"]}");
            return body?["result"];
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            throw new CommandException($"{method} at {url}: {e.Message}");
        }
    }
}
