using System.Net.Sockets;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>A stream of requests without delimiters over a Unix socket; each answer ends with a line feed.</summary>
internal sealed class IpcConnection(Socket socket, RpcEngine engine, CancellationToken stopping) : DuplexConnection(engine, null, stopping)
{
    private const int FirstBuffer = 4096;
    private static readonly byte[] LineFeed = [(byte)'\n'];

    private byte[] _buffer = new byte[FirstBuffer];
    private int _length;

    protected override async Task ReceiveLoopAsync()
    {
        var framer = new JsonFramer();
        while (true)
        {
            if (_length == _buffer.Length && !TryGrow()) return;
            var read = await socket.ReceiveAsync(_buffer.AsMemory(_length), Closed).ConfigureAwait(false);
            if (read == 0)
            {
                if (framer.IsInside) SendError(RpcErrorCode.Parse, "parse error: unexpected end of input");
                return;
            }
            var scanned = _length;
            _length += read;
            while (scanned < _length)
            {
                var end = framer.Scan(_buffer.AsSpan(scanned, _length - scanned));
                if (end == -2)
                {
                    SendError(RpcErrorCode.Parse, "parse error: a JSON object or array must begin here; the connection is closed");
                    return;
                }
                if (end == -1) break;
                await DispatchAsync(_buffer.AsSpan(0, scanned + end).ToArray()).ConfigureAwait(false);
                _length -= scanned + end;
                _buffer.AsSpan(scanned + end, _length).CopyTo(_buffer);
                scanned = 0;
            }
            if (!framer.IsInside) _length = 0;
        }
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
        if (_length >= Limits.MaxBody)
        {
            SendError(RpcErrorCode.InvalidRequest, $"request too large, at most {Limits.MaxBody} bytes; the connection is closed");
            return false;
        }
        Array.Resize(ref _buffer, Math.Min(_length * 2, Limits.MaxBody));
        return true;
    }
}
