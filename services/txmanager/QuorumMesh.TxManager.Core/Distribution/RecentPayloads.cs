using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Payloads that were pushed to us a moment ago, as they were opened then: our node asks for each of them next, and would have it opened
/// once more. Short ones, for some seconds, bounded, in memory. Thread safe.
/// </summary>
public sealed class RecentPayloads(TimeProvider clock)
{
    /// <summary>Bytes of a payload that is kept.</summary>
    private const int MostBytes = 64 * 1024;

    private const int MaxCount = 16_384;
    private const long MaxBytes = 8L * 1024 * 1024;

    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<PayloadHash, Entry> _entries = [];
    private readonly Queue<Entry> _byAge = [];
    private long _bytes;

    /// <summary>
    /// Before it is stored, for whoever hears of the stored row: one that comes in parts, a box at a time, is not kept, for its row has
    /// more than any part.
    /// </summary>
    public void Keep(PayloadHash hash, ReceivedPayload payload)
    {
        lock (_gate)
        {
            Forget();
            if (_entries.TryGetValue(hash, out var before))
            {
                before.Payload = null;
                return;
            }

            if (payload.Payload.Length > MostBytes)
                return;
            var entry = new Entry(hash, payload, payload.Payload.Length, clock.GetTimestamp());
            _entries[hash] = entry;
            _byAge.Enqueue(entry);
            _bytes += entry.Bytes;
            while (_entries.Count > MaxCount || _bytes > MaxBytes)
                DropOldest();
        }
    }

    /// <summary>The row is not as it was pushed, or gone.</summary>
    public void Drop(PayloadHash hash)
    {
        lock (_gate)
            if (_entries.TryGetValue(hash, out var entry))
                entry.Payload = null;
    }

    /// <summary>What a look at the row would give; to be asked by who knows that the row is stored.</summary>
    /// <returns>Null when it must be looked at.</returns>
    public ReceivedPayload? Find(PayloadHash hash)
    {
        lock (_gate)
        {
            Forget();
            return _entries.GetValueOrDefault(hash)?.Payload;
        }
    }

    private void Forget()
    {
        while (_byAge.TryPeek(out var oldest) && clock.GetElapsedTime(oldest.Since) >= Kept)
            DropOldest();
    }

    private void DropOldest()
    {
        var oldest = _byAge.Dequeue();
        _entries.Remove(oldest.Hash);
        _bytes -= oldest.Bytes;
    }

    private sealed class Entry(PayloadHash hash, ReceivedPayload payload, int bytes, long since)
    {
        public PayloadHash Hash { get; } = hash;

        /// <summary>Null for one that is not to be used.</summary>
        public ReceivedPayload? Payload { get; set; } = payload;

        public int Bytes { get; } = bytes;

        public long Since { get; } = since;
    }
}
