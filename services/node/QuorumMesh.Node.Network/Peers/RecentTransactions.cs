using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Transactions that peers sent or were sent, for peers that ask for what was announced to them and for blocks that name them: the latest,
/// bounded in bytes. Thread safe.
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

    /// <summary>Slices of a message's buffer: they are copied.</summary>
    public void AddCopies(ReadOnlySpan<Hash256> hashes, IReadOnlyList<ReadOnlyMemory<byte>> slices)
    {
        lock (_lock)
            for (var i = 0; i < hashes.Length; i++)
            {
                if (_raw.ContainsKey(hashes[i])) continue;
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

    /// <summary>One for each hash, in the order asked; empty where it is not here.</summary>
    public ReadOnlyMemory<byte>[] FindEach(IReadOnlyList<Hash256> hashes)
    {
        var found = new ReadOnlyMemory<byte>[hashes.Count];
        lock (_lock)
            for (var i = 0; i < found.Length; i++) _raw.TryGetValue(hashes[i], out found[i]);
        return found;
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
