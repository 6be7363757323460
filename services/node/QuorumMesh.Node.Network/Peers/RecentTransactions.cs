using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Transactions of one kind, the latest, bounded in bytes: those that peers were sent or told of, for peers that ask, or those that peers
/// sent, for blocks that name them. Apart, so that no peer has the first kind forgotten by what it sends. Thread safe.
/// </summary>
internal sealed class RecentTransactions(long maxBytes)
{
    /// <summary>What an entry costs beside its bytes, so that many tiny ones are bounded too.</summary>
    private const int EntryOverhead = 128;

    private readonly Lock _lock = new();
    private readonly Dictionary<Hash256, ReadOnlyMemory<byte>> _raw = [];
    private readonly Queue<Hash256> _order = [];
    private long _bytes;

    /// <param name="raw">Kept as it is: not to be changed, and no small part of something large.</param>
    public void Add(in Hash256 hash, ReadOnlyMemory<byte> raw)
    {
        lock (_lock)
            if (_raw.TryAdd(hash, raw)) Added(hash, raw.Length);
    }

    /// <summary>Slices of a message's buffer: they are copied. What is longer than any transaction that is relayed is not kept.</summary>
    public void AddCopies(ReadOnlySpan<Hash256> hashes, IReadOnlyList<ReadOnlyMemory<byte>> slices)
    {
        lock (_lock)
            for (var i = 0; i < hashes.Length; i++)
            {
                if (slices[i].Length > EthLimits.TransactionBytes || _raw.ContainsKey(hashes[i])) continue;
                _raw.Add(hashes[i], slices[i].ToArray());
                Added(hashes[i], slices[i].Length);
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

    /// <summary>Fills in those that are here.</summary>
    /// <param name="found">One for each hash, in the order asked; empty where it was not found yet.</param>
    public void FindEach(IReadOnlyList<Hash256> hashes, ReadOnlyMemory<byte>[] found)
    {
        lock (_lock)
            for (var i = 0; i < found.Length; i++)
                if (found[i].IsEmpty) _raw.TryGetValue(hashes[i], out found[i]);
    }

    private void Added(in Hash256 hash, int length)
    {
        _order.Enqueue(hash);
        _bytes += length + EntryOverhead;
        while (_bytes > maxBytes && _order.Count > 1)
        {
            _raw.Remove(_order.Dequeue(), out var oldest);
            _bytes -= oldest.Length + EntryOverhead;
        }
    }
}
