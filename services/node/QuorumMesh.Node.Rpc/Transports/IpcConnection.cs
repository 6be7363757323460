using System.Net.Sockets;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>A stream of requests without delimiters over a Unix socket; each answer ends with a line feed.</summary>
internal sealed class IpcConnection(Socket socket, RpcEngine engine, ByteBudget budget, CancellationToken stopping)
    : DuplexConnection(engine, budget, new RpcSession(null, null), stopping)
{
    private const int FirstBuffer = 4096;
    private static readonly byte[] LineFeed = [(byte)'\n'];

    private readonly ByteLease _held = budget.Lease();
    private JsonFramer _framer;
    private byte[] _buffer = new byte[FirstBuffer];
    private int _length;

    protected override async Task ReceiveLoopAsync()
    {
        try
        {
            while (_length < _buffer.Length || TryGrow())
            {
                var read = await socket.ReceiveAsync(_buffer.AsMemory(_length), Reading).ConfigureAwait(false);
                if (read == 0)
                {
                    if (_framer.IsInside) SendError(RpcErrorCode.Parse, "parse error: unexpected end of input");
                    return;
                }
                if (!await TakeAsync(read).ConfigureAwait(false)) return;
            }
        }
        finally
        {
            _held.Dispose();
        }
    }

    /// <summary>Dispatches what is complete with the bytes just read.</summary>
    /// <returns>False when the connection has to end.</returns>
    private async Task<bool> TakeAsync(int read)
    {
        var begins = !_framer.IsInside;
        var scanned = _length;
        _length += read;
        while (scanned < _length)
        {
            var end = _framer.Scan(_buffer.AsSpan(scanned, _length - scanned));
            if (end == -2) return Refuse(RpcErrorCode.Parse, "parse error: a JSON object or array must begin here");
            if (end == -1) break;
            MessageEnded();
            if (!await TryDispatchAsync(scanned + end).ConfigureAwait(false)) return Refuse(RpcErrorCode.LimitExceeded, BudgetText);
            _length -= scanned + end;
            _buffer.AsSpan(scanned + end, _length).CopyTo(_buffer);
            scanned = 0;
            begins = true;
        }
        if (!_framer.IsInside) _length = 0;
        else if (begins) MessageBegun();
        return true;
    }

    private async Task<bool> TryDispatchAsync(int length)
    {
        var lease = Lease();
        if (!lease.TryHold(length))
        {
            lease.Dispose();
            return false;
        }
        await DispatchAsync(_buffer.AsSpan(0, length).ToArray(), lease).ConfigureAwait(false);
        return true;
    }

    private bool Refuse(int code, string why)
    {
        SendError(code, $"{why}; the connection is closed");
        return false;
    }

    protected override async ValueTask WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        await SendAllAsync(message, cancellation).ConfigureAwait(false);
        await SendAllAsync(LineFeed, cancellation).ConfigureAwait(false);
    }

    protected override async Task TellEndAsync(string reason)
    {
        await WriteAsync(ErrorMessage(RpcErrorCode.Server, reason), Closed).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Both);
    }

    protected override Task CloseAsync()
    {
        socket.Dispose();
        return Task.CompletedTask;
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, cancellation).ConfigureAwait(false)..];
    }

    private bool TryGrow()
    {
        var size = Math.Min(_length * 2, Limits.MaxBody);
        if (size == _length) return Refuse(RpcErrorCode.InvalidRequest, $"request too large, at most {Limits.MaxBody} bytes");
        if (!_held.TryHold(size)) return Refuse(RpcErrorCode.LimitExceeded, BudgetText);
        Array.Resize(ref _buffer, size);
        return true;
    }
}
