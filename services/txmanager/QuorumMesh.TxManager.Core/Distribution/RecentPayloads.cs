using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Payloads that were pushed to us a moment ago, as they were opened then: our node asks for each of them next, and would have it opened
/// once more. Short ones, for some seconds, bounded, in memory. Thread safe.
/// </summary>
public sealed class RecentPayloads(TimeProvider clock)
{
    /// <summary>Bytes of a payload that is kept, with what was sent beside it.</summary>
    private const int MostBytes = 64 * 1024;

    /// <summary>About what an affected transaction and a key take.</summary>
    private const int AffectedBytes = 128;

    private const int KeyBytes = 64;

    private const int MaxCount = 16_384;
    private const long MaxBytes = 8L * 1024 * 1024;

    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<PayloadHash, Entry> _entries = [];
    private readonly Queue<Entry> _byAge = [];
    private long _bytes;
    private Task _forgetting = Task.CompletedTask;

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

            var bytes = BytesOf(payload);
            if (bytes > MostBytes)
                return;
            var entry = new Entry(hash, payload, bytes, clock.GetTimestamp());
            _entries[hash] = entry;
            _byAge.Enqueue(entry);
            _bytes += entry.Bytes;
            while (_entries.Count > MaxCount || _bytes > MaxBytes)
                DropOldest();
            if (_forgetting.IsCompleted)
                _forgetting = ForgetInTimeAsync();
        }
    }

    /// <summary>How many are held, whether they may be used or not.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _entries.Count;
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

    private static long BytesOf(ReceivedPayload payload)
    {
        long keys = payload.ManagedParties.Count;
        long bytes = payload.Payload.Length;
        if (payload.Envelope is { } envelope)
        {
            keys += envelope.MandatoryRecipients.Count;
            bytes += envelope.ExecutionHash.Length + (envelope.PrivacyGroupId?.Length ?? 0)
                + ((long)AffectedBytes * envelope.AffectedTransactions.Count);
        }

        return bytes + (KeyBytes * keys);
    }

    /// <summary>Plain text must not stay because nobody asks and nothing more comes. Ends with the last one.</summary>
    private async Task ForgetInTimeAsync()
    {
        for (var isEmpty = false; !isEmpty;)
        {
            await Task.Delay(Kept, clock).ConfigureAwait(false);
            lock (_gate)
            {
                Forget();
                isEmpty = _byAge.Count == 0;
                if (isEmpty)
                    _forgetting = Task.CompletedTask;
            }
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

    private sealed class Entry(PayloadHash hash, ReceivedPayload payload, long bytes, long since)
    {
        public PayloadHash Hash { get; } = hash;

        /// <summary>Null for one that is not to be used.</summary>
        public ReceivedPayload? Payload { get; set; } = payload;

        public long Bytes { get; } = bytes;

        public long Since { get; } = since;
    }
}
