using System.Net.WebSockets;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

internal sealed class WebSocketConnection(WebSocket socket, RpcEngine engine, ByteBudget budget, RpcSession session,
    CancellationToken stopping)
    : DuplexConnection(engine, budget, session, stopping)
{
    private const int FirstBuffer = 4096;

    /// <summary>1013 of IANA's registry.</summary>
    private const int TryAgainLater = 1013;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);

    private WebSocketCloseStatus _status = WebSocketCloseStatus.NormalClosure;
    private string _reason = "";

    protected override async Task ReceiveLoopAsync()
    {
        while (true)
        {
            var lease = Lease();
            if (await ReceiveMessageAsync(lease).ConfigureAwait(false) is { } message)
            {
                await DispatchAsync(message, lease).ConfigureAwait(false);
                continue;
            }
            lease.Dispose();
            return;
        }
    }

    /// <summary>In fragments, for the library copies each whole before it sends it.</summary>
    protected override async ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        for (var at = 0; at < message.Length; at += BoundedAnswer.Slice)
        {
            var slice = message.Slice(at, Math.Min(BoundedAnswer.Slice, message.Length - at));
            var isLast = at + slice.Length == message.Length;
            await socket.SendAsync(slice, WebSocketMessageType.Text, isLast, cancellation).ConfigureAwait(false);
        }
    }

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

    private async Task<ReadOnlyMemory<byte>?> ReceiveMessageAsync(ByteLease lease)
    {
        var buffer = new byte[FirstBuffer];
        var length = 0;
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(length), Reading).ConfigureAwait(false);
                if (part.MessageType == WebSocketMessageType.Close) return null;
                if (length == 0) MessageBegun();
                length += part.Count;
                if (part.EndOfMessage) break;
                if (length == buffer.Length && !TryGrow(ref buffer, lease)) return null;
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }
        MessageEnded();
        return buffer.AsMemory(0, length);
    }

    /// <summary>Closes with the reason when there is no room.</summary>
    private bool TryGrow(ref byte[] buffer, ByteLease lease)
    {
        var size = Math.Min(buffer.Length * 2, Limits.MaxBody);
        if (size == buffer.Length)
            return Refuse(WebSocketCloseStatus.MessageTooBig, $"a message may have {Limits.MaxBody} bytes");
        if (!lease.TryHold(size))
            return Refuse(WebSocketCloseStatus.InternalServerError, "this listener holds too much for other clients: try again later");
        Array.Resize(ref buffer, size);
        return true;
    }

    private bool Refuse(WebSocketCloseStatus status, string reason)
    {
        (_status, _reason) = (status, reason);
        return false;
    }
}
