using System.IO.Pipelines;
using System.Threading.Channels;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Sending half of a stream: a member has asked for it by GET, messages go out in the answer's body. A newer request replaces an older.</summary>
internal sealed class RaftStreamWriter(ulong peer, Func<IRaftStreamEncoder> newEncoder, RaftTransportOptions options, Action<ulong> unreachable) : IDisposable
{
    private readonly Lock _gate = new();
    private Connection? _connection;
    private bool _disposed;

    public bool IsConnected => Volatile.Read(ref _connection) is not null;

    /// <summary>False when no connection is there or its queue is full.</summary>
    public bool TrySend(RaftMessage message) => Volatile.Read(ref _connection)?.Queue.Writer.TryWrite(message) ?? false;

    /// <summary>Serves one connection until it breaks or is replaced.</summary>
    public async Task ServeAsync(PipeWriter output, CancellationToken aborted)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var connection = new Connection(Channel.CreateBounded<RaftMessage>(new BoundedChannelOptions(options.StreamQueue) { SingleReader = true }), stop);
        lock (_gate)
        {
            if (_disposed) return;
            _connection?.Stop.Cancel();
            _connection = connection;
        }
        try
        {
            await RunAsync(connection.Queue.Reader, output, stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The connection is gone; the member asks again.
        }
        finally
        {
            lock (_gate)
            {
                if (_connection == connection) _connection = null;
            }
            connection.Queue.Writer.TryComplete();
            if (connection.Queue.Reader.TryRead(out _)) unreachable(peer);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _connection?.Stop.Cancel();
        }
    }

    private async Task RunAsync(ChannelReader<RaftMessage> queue, PipeWriter output, CancellationToken stop)
    {
        var encoder = newEncoder();
        using var heartbeat = new PeriodicTimer(options.ReadTimeout / 3);
        var tick = heartbeat.WaitForNextTickAsync(stop).AsTask();
        var ready = queue.WaitToReadAsync(stop).AsTask();
        while (true)
        {
            await Task.WhenAny(ready, tick).ConfigureAwait(false);
            if (tick.IsCompleted)
            {
                if (!await tick.ConfigureAwait(false)) return;
                encoder.WriteLinkHeartbeat(output);
                tick = heartbeat.WaitForNextTickAsync(stop).AsTask();
            }
            if (ready.IsCompleted)
            {
                if (!await ready.ConfigureAwait(false)) return;
                for (var n = 0; n < 256 && queue.TryRead(out var message); n++) encoder.Write(message, output);
                ready = queue.WaitToReadAsync(stop).AsTask();
            }
            var flushed = await output.FlushAsync(stop).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled) return;
        }
    }

    private sealed record Connection(Channel<RaftMessage> Queue, CancellationTokenSource Stop);
}
