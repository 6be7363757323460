using System.IO.Pipelines;
using System.Threading.Channels;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Sending half of a stream: a member has asked for it by GET, messages go out in the answer's body. A newer request replaces an
/// older.
/// </summary>
internal sealed class RaftStreamWriter(ulong peer, Func<bool, IRaftStreamEncoder> newEncoder, RaftTransportOptions options,
    Action<ulong> unreachable) : IDisposable
{
    private const long FlushBytes = 1 << 20;

    /// <summary>From the last message of a stream that is closed in good order to its end: what ends a stream may overtake it.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Connection? _connection;
    private bool _disposed;

    public bool IsConnected => Volatile.Read(ref _connection) is not null;

    /// <summary>Whether the connection is of who has proven to be the member.</summary>
    public bool IsProven => Volatile.Read(ref _connection) is { IsProven: true };

    /// <summary>False when no connection is there or its queue is full.</summary>
    public bool TrySend(RaftMessage message) => Volatile.Read(ref _connection)?.TryAdd(message, options.StreamQueueBytes) ?? false;

    /// <summary>Serves one connection until it breaks or is replaced.</summary>
    /// <param name="isCompact">The member takes compact blocks.</param>
    public async Task ServeAsync(PipeWriter output, bool isProven, bool isCompact, CancellationToken aborted)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var connection = new Connection(
            Channel.CreateBounded<RaftMessage>(new BoundedChannelOptions(options.StreamQueue) { SingleReader = true }), stop, isProven);
        lock (_gate)
        {
            // A proven one may have come since the request was looked at: no plain one takes its place.
            if (_disposed || (!isProven && _connection is { IsProven: true })) return;
            _connection?.Stop.Cancel();
            _connection = connection;
        }
        try
        {
            await RunAsync(connection, output, newEncoder(isCompact), stop).ConfigureAwait(false);
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

    /// <summary>Ends once what waits is sent.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _disposed = true;
            _connection?.Queue.Writer.TryComplete();
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

    private async Task RunAsync(Connection connection, PipeWriter output, IRaftStreamEncoder encoder, CancellationTokenSource stopping)
    {
        var (queue, stop) = (connection.Queue.Reader, stopping.Token);
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
                if (!await ready.ConfigureAwait(false))
                {
                    await Task.Delay(Linger, stop).ConfigureAwait(false);
                    return;
                }
                for (var n = 0; n < 256 && output.UnflushedBytes < FlushBytes && queue.TryRead(out var message); n++)
                {
                    encoder.Write(message, output);
                    connection.Taken(message);
                }
                ready = queue.WaitToReadAsync(stop).AsTask();
            }
            var flush = output.FlushAsync(stop);
            if (!flush.IsCompleted) stopping.CancelAfter(options.WriteTimeout);
            var flushed = await flush.ConfigureAwait(false);
            stopping.CancelAfter(Timeout.InfiniteTimeSpan);
            if (flushed.IsCompleted || flushed.IsCanceled) return;
        }
    }

    private sealed record Connection(Channel<RaftMessage> Queue, CancellationTokenSource Stop, bool IsProven)
    {
        private const long Overhead = 128;
        private long _bytes;

        /// <summary>One message always fits, so that a limit below the largest block stops nothing for good.</summary>
        public bool TryAdd(RaftMessage message, long limit)
        {
            var size = Size(message);
            var total = Interlocked.Add(ref _bytes, size);
            if ((total <= limit || total == size) && Queue.Writer.TryWrite(message)) return true;
            Interlocked.Add(ref _bytes, -size);
            return false;
        }

        public void Taken(RaftMessage message) => Interlocked.Add(ref _bytes, -Size(message));

        private static long Size(RaftMessage message)
        {
            var size = Overhead + (message.Snapshot?.Data.Length ?? 0);
            foreach (var entry in message.Entries) size += entry.Data.Length;
            return size;
        }
    }
}
