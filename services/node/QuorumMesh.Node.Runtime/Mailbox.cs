using System.Collections.Concurrent;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The way into the writer loop: two bounded queues, one for what keeps the node going (Raft, payload answers, queries) and one
/// for transactions, so that a flood of the latter never starves the former. Many producers, one consumer. Once disposed it takes
/// nothing more: producers that end later are refused.
/// </summary>
/// <param name="weigh">What an item counts against capacities and portions, one or more; null for one each.</param>
public sealed class Mailbox<T>(int urgentCapacity = 16_384, int bulkCapacity = 65_536, Func<T, int>? weigh = null) : IDisposable
{
    private readonly ConcurrentQueue<T> _urgent = new();
    private readonly ConcurrentQueue<T> _bulk = new();
    private readonly AutoResetEvent _signal = new(false);
    private int _urgentCount;
    private int _bulkCount;
    private int _signalled;
    private volatile bool _closed;

    public void Dispose()
    {
        _closed = true;
        _signal.Dispose();
    }

    internal int BulkCount => Volatile.Read(ref _bulkCount);

    /// <returns>False when the queue is full, so that the sender tries again or drops, and for ever once the mailbox is disposed.</returns>
    public bool TryPostUrgent(T item) => TryPost(_urgent, ref _urgentCount, urgentCapacity, item);

    /// <inheritdoc cref="TryPostUrgent"/>
    public bool TryPostBulk(T item) => TryPost(_bulk, ref _bulkCount, bulkCapacity, item);

    /// <summary>
    /// Waits for items until the deadline and moves all urgent ones, and then bulk items until they weigh <paramref name="maxBulk"/> or
    /// more, to <paramref name="batch"/>.
    /// </summary>
    public void Take(List<T> batch, int maxBulk, TimeSpan wait)
    {
        if (_urgent.IsEmpty && _bulk.IsEmpty && wait > TimeSpan.Zero)
            _signal.WaitOne(wait);
        Volatile.Write(ref _signalled, 0);
        while (_urgent.TryDequeue(out var item))
        {
            Interlocked.Add(ref _urgentCount, -Weight(item));
            batch.Add(item);
        }
        for (var taken = 0; taken < maxBulk && _bulk.TryDequeue(out var item);)
        {
            var weight = Weight(item);
            taken += weight;
            Interlocked.Add(ref _bulkCount, -weight);
            batch.Add(item);
        }
    }

    private bool TryPost(ConcurrentQueue<T> queue, ref int count, int capacity, T item)
    {
        if (_closed) return false;
        var weight = Weight(item);
        // One that is larger than all the room goes into an empty queue: refused for ever, it would never come in.
        if (Interlocked.Add(ref count, weight) is var full && full > capacity && full > weight)
        {
            Interlocked.Add(ref count, -weight);
            return false;
        }
        queue.Enqueue(item);
        // One pending signal is enough: the consumer drains everything it finds.
        return Interlocked.Exchange(ref _signalled, 1) != 0 || TrySignal();
    }

    private int Weight(T item) => weigh?.Invoke(item) ?? 1;

    private bool TrySignal()
    {
        try
        {
            return _signal.Set();
        }
        catch (ObjectDisposedException)
        {
            return false; // closed while the item went in: nobody will take it
        }
    }
}
