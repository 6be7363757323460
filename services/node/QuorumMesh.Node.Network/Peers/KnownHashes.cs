using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>Hashes of what a peer has (transactions, blocks, messages), the latest so many. Thread safe.</summary>
internal sealed class KnownHashes(int capacity)
{
    private readonly Lock _lock = new();
    private readonly HashSet<Hash256> _known = [];
    private readonly Queue<Hash256> _order = [];

    /// <summary>False when it was known already.</summary>
    public bool Add(in Hash256 hash)
    {
        lock (_lock)
            return AddLocked(hash);
    }

    public bool Contains(in Hash256 hash)
    {
        lock (_lock)
            return _known.Contains(hash);
    }

    public void AddAll(ReadOnlySpan<Hash256> hashes)
    {
        lock (_lock)
            foreach (ref readonly var hash in hashes)
                AddLocked(hash);
    }

    /// <summary>For one that was not sent after all. Its place in the order stays taken until it is its turn.</summary>
    public void Remove(in Hash256 hash)
    {
        lock (_lock)
            _known.Remove(hash);
    }

    private bool AddLocked(in Hash256 hash)
    {
        if (!_known.Add(hash))
            return false;
        _order.Enqueue(hash);
        while (_order.Count > capacity)
            _known.Remove(_order.Dequeue());
        return true;
    }
}
