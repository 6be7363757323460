using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>A WebSocket to a node: calls in text or binary frames, and the notifications of each subscription.</summary>
internal sealed class WebSocketPeer : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<string, BlockingCollection<JsonNode>> _heard = new();
    private readonly BlockingCollection<JsonNode> _answers = [];
    private Task _reading = Task.CompletedTask;

    public static async Task<WebSocketPeer> OpenAsync(string url)
    {
        var peer = new WebSocketPeer();
        await peer._socket.ConnectAsync(new Uri(url), CancellationToken.None);
        peer._reading = Task.Run(peer.ReadAsync);
        return peer;
    }

    /// <summary>One call, or one batch, at a time.</summary>
    public async Task<JsonNode?> CallAsync(string request, bool isBinary)
    {
        await _socket.SendAsync(Encoding.UTF8.GetBytes(request),
            isBinary ? WebSocketMessageType.Binary : WebSocketMessageType.Text, true, CancellationToken.None);
        return await Task.Run(() => _answers.TryTake(out var answer, Patience) ? answer : null);
    }

    /// <returns>The next notification of a subscription; null when none came.</returns>
    public Task<JsonNode?> HearAsync(string subscription, TimeSpan patience) =>
        Task.Run(() => Queue(subscription).TryTake(out var heard, patience) ? heard : null);

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
    }

    private BlockingCollection<JsonNode> Queue(string subscription) => _heard.GetOrAdd(subscription, _ => []);

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (true)
            {
                using var message = new MemoryStream();
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                    message.Write(buffer, 0, part.Count);
                }
                while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close) return;
                var read = JsonNode.Parse(message.ToArray())!;
                if (read is JsonObject && read["method"] is not null) Queue((string)read["params"]!["subscription"]!).Add(read);
                else _answers.Add(read);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The test is done with it.
        }
    }
}
