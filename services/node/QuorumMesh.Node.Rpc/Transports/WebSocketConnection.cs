using System.Net.WebSockets;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

internal sealed class WebSocketConnection(WebSocket socket, RpcEngine engine, IReadOnlySet<string>? namespaces, CancellationToken stopping)
    : DuplexConnection(engine, namespaces, stopping)
{
    private const int FirstBuffer = 4096;

    /// <summary>1013 of IANA's registry.</summary>
    private const int TryAgainLater = 1013;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private WebSocketCloseStatus _status = WebSocketCloseStatus.NormalClosure;
    private string _reason = "";

    protected override async Task ReceiveLoopAsync()
    {
        while (await ReceiveMessageAsync().ConfigureAwait(false) is { } message)
            await DispatchAsync(message).ConfigureAwait(false);
    }

    protected override ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation) =>
        socket.SendAsync(message, WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage, cancellation);

    /// <summary>The peer answers the closing frame, which ends the receiving side.</summary>
    protected override Task TellEndAsync(string reason)
    {
        (_status, _reason) = ((WebSocketCloseStatus)TryAgainLater, reason);
        return CloseAsync();
    }

    protected override async Task CloseAsync()
    {
        using var timeout = new CancellationTokenSource(CloseTimeout);
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(_status, _reason, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsDisconnect(e))
        {
            // Closed as well as can be.
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReceiveMessageAsync()
    {
        var buffer = new byte[FirstBuffer];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), Closed).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            length += part.Count;
            if (part.EndOfMessage) return buffer.AsMemory(0, length);
            if (length < buffer.Length) continue;
            if (length >= Limits.MaxBody)
            {
                _status = WebSocketCloseStatus.MessageTooBig;
                _reason = $"a message may have {Limits.MaxBody} bytes";
                return null;
            }
            Array.Resize(ref buffer, Math.Min(length * 2, Limits.MaxBody));
        }
    }
}
