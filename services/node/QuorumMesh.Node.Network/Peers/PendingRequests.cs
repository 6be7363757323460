using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Requests of one kind that wait for their replies. eth/63 and 64 have no request ids: replies come in the order of the
/// requests, so a request nobody waits for any more keeps its place until its reply has come.
/// </summary>
internal sealed class PendingRequests(string what)
{
    private readonly Lock _lock = new();
    private readonly Queue<Entry> _entries = [];
    private bool _closed;

    /// <param name="send">
    /// Called under the lock, so that the order here is the order on the wire; false when it could not be queued.
    /// </param>
    public Task<List<byte[]>> Add(int asked, long now, int maxInFlight, Func<bool> send)
    {
        lock (_lock)
        {
            if (_closed)
                throw new PeerRequestException("The peer is gone.");
            if (_entries.Count >= maxInFlight)
                throw new PeerRequestException(
                    $"{maxInFlight} requests for {what} are under way to this peer already: wait for their replies.");
            var entry = new Entry(asked, now);
            if (!send())
                throw new PeerRequestException("The peer is too slow: its queue is full.");
            _entries.Enqueue(entry);
            return entry.Completion.Task;
        }
    }

    /// <summary>How many items the oldest request asked for; null when there is none.</summary>
    public int? NextAsked()
    {
        lock (_lock)
            return _entries.TryPeek(out var entry) ? entry.Asked : null;
    }

    public void Complete(List<byte[]> items)
    {
        Entry? entry;
        lock (_lock)
            _entries.TryDequeue(out entry);
        entry?.Completion.TrySetResult(items);
    }

    /// <summary>Fails those older than the limit; returns the age of the oldest without reply.</summary>
    public TimeSpan Expire(TimeSpan limit, Func<long, TimeSpan> ageOf)
    {
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                if (ageOf(entry.Sent) < limit)
                    break;
                entry.Completion.TrySetException(
                    new PeerRequestException($"The peer did not answer a request for {what} within {limit.TotalSeconds:0} s."));
            }
            return _entries.TryPeek(out var oldest) ? ageOf(oldest.Sent) : TimeSpan.Zero;
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            while (_entries.TryDequeue(out var entry))
                entry.Completion.TrySetException(new PeerRequestException($"The peer went away before it answered a request for {what}."));
        }
    }

    private sealed class Entry(int asked, long sent)
    {
        public int Asked { get; } = asked;

        public long Sent { get; } = sent;

        public TaskCompletionSource<List<byte[]>> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
