using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>Transactions waiting for one peer's connection, bounded in bytes; when full the oldest go. Thread safe.</summary>
internal sealed class TransactionQueue(long maxBytes)
{
    /// <summary>What an entry costs beside its bytes, so that many tiny ones are bounded too.</summary>
    private const int EntryOverhead = 64;

    private readonly Lock _lock = new();
    private readonly Queue<(Hash256 Hash, ReadOnlyMemory<byte> Raw)> _entries = [];
    private long _bytes;

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
                return _entries.Count == 0;
        }
    }

    /// <summary>True when there is enough for a full message.</summary>
    public bool HasBatch(int count, long bytes)
    {
        lock (_lock)
            return _entries.Count >= count || _bytes >= bytes;
    }

    /// <param name="dropped">Called for each entry that had to make room.</param>
    public void Enqueue(in Hash256 hash, ReadOnlyMemory<byte> raw, Action<Hash256> dropped)
    {
        lock (_lock)
        {
            _entries.Enqueue((hash, raw));
            _bytes += raw.Length + EntryOverhead;
            while (_bytes > maxBytes && _entries.Count > 1)
            {
                var oldest = _entries.Dequeue();
                _bytes -= oldest.Raw.Length + EntryOverhead;
                dropped(oldest.Hash);
            }
        }
    }

    /// <summary>Moves the oldest entries to the list: at least one if there are any, else up to the count and the bytes.</summary>
    public void Take(List<ReadOnlyMemory<byte>> batch, int maxCount, int maxBatchBytes)
    {
        int bytes = 0;
        lock (_lock)
        {
            while (batch.Count < maxCount && _entries.TryPeek(out var next))
            {
                if (batch.Count > 0 && bytes + next.Raw.Length > maxBatchBytes)
                    return;
                _entries.Dequeue();
                _bytes -= next.Raw.Length + EntryOverhead;
                bytes += next.Raw.Length;
                batch.Add(next.Raw);
            }
        }
    }
}
