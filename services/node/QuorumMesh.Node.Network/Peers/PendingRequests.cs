using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Requests of one kind that wait for their replies. Before eth/66 there are no request ids: replies come in the order of the requests,
/// so a request nobody waits for any more keeps its place until its reply has come. The same holds with ids, by which a reply finds it.
/// </summary>
internal sealed class PendingRequests(string what)
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private ulong _lastId;
    private bool _closed;

    /// <param name="send">
    /// Takes the request's id. Called under the lock, so that the order here is the order on the wire; false when it could not be queued.
    /// </param>
    public Task<List<byte[]>> Add(int asked, long now, int maxInFlight, Func<ulong, bool> send)
    {
        lock (_lock)
        {
            if (_closed)
                throw new PeerRequestException("The peer is gone.");
            if (_entries.Count >= maxInFlight)
                throw new PeerRequestException(
                    $"{maxInFlight} requests for {what} are under way to this peer already: wait for their replies.");
            var entry = new Entry(++_lastId, asked, now);
            if (!send(entry.Id))
                throw new PeerRequestException("The peer is too slow: its queue is full.");
            _entries.Add(entry);
            return entry.Completion.Task;
        }
    }

    /// <summary>How many items the request asked for that a reply belongs to; null when there is none.</summary>
    /// <param name="id">Of the reply; null for the oldest request.</param>
    public int? AskedBy(ulong? id)
    {
        lock (_lock)
            return Find(id)?.Asked;
    }

    /// <param name="id">See <see cref="AskedBy"/>.</param>
    public void Complete(ulong? id, List<byte[]> items)
    {
        Entry? entry;
        lock (_lock)
        {
            entry = Find(id);
            if (entry is not null)
                _entries.Remove(entry);
        }
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
            return _entries.Count > 0 ? ageOf(_entries[0].Sent) : TimeSpan.Zero;
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var entry in _entries)
                entry.Completion.TrySetException(new PeerRequestException($"The peer went away before it answered a request for {what}."));
            _entries.Clear();
        }
    }

    private Entry? Find(ulong? id) => id is null ? _entries.FirstOrDefault() : _entries.Find(entry => entry.Id == id);

    private sealed class Entry(ulong id, int asked, long sent)
    {
        public ulong Id { get; } = id;

        public int Asked { get; } = asked;

        public long Sent { get; } = sent;

        public TaskCompletionSource<List<byte[]>> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
