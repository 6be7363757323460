using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Transactions that this node has announced by hash, for peers that ask for them: the latest, bounded in bytes. Thread safe.
/// </summary>
internal sealed class AnnouncedTransactions(long maxBytes)
{
    /// <summary>What an entry costs beside its bytes, so that many tiny ones are bounded too.</summary>
    private const int EntryOverhead = 128;

    private readonly Lock _lock = new();
    private readonly Dictionary<Hash256, ReadOnlyMemory<byte>> _raw = [];
    private readonly Queue<Hash256> _order = [];
    private long _bytes;

    public void Add(in Hash256 hash, ReadOnlyMemory<byte> raw)
    {
        lock (_lock)
        {
            if (!_raw.TryAdd(hash, raw)) return;
            _order.Enqueue(hash);
            _bytes += raw.Length + EntryOverhead;
            while (_bytes > maxBytes && _order.Count > 1)
            {
                _raw.Remove(_order.Dequeue(), out var oldest);
                _bytes -= oldest.Length + EntryOverhead;
            }
        }
    }

    /// <summary>Those that are still here, in the order asked; the one that passes the bytes is the last.</summary>
    public List<ReadOnlyMemory<byte>> Find(IReadOnlyList<Hash256> hashes, int atMostBytes)
    {
        var found = new List<ReadOnlyMemory<byte>>(hashes.Count);
        var bytes = 0;
        lock (_lock)
        {
            foreach (var hash in hashes)
            {
                if (bytes >= atMostBytes) break;
                if (!_raw.TryGetValue(hash, out var raw)) continue;
                found.Add(raw);
                bytes += raw.Length;
            }
        }
        return found;
    }
}
