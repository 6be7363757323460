using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Pool;

/// <summary>
/// Finds pooled transactions above a gas limit. A heap, so that adding costs next to nothing where limits are alike; those that left the
/// pool stay in it until they come up or are the greater part.
/// </summary>
internal sealed class GasLimitIndex
{
    private const int Slack = 1024;

    // By complement: the largest limit comes first.
    private readonly PriorityQueue<Hash256, ulong> _hashes = new();

    public void Add(Transaction tx) => _hashes.Enqueue(tx.Hash, ~tx.GasLimit);

    /// <summary>Takes one above the limit out, or one that has left the pool.</summary>
    public bool TryTakeAbove(ulong limit, out Hash256 hash)
    {
        if (_hashes.TryPeek(out hash, out var complement) && ~complement > limit)
        {
            _hashes.Dequeue();
            return true;
        }
        return false;
    }

    /// <summary>Call it when transactions have left: costs constant time on average.</summary>
    public void Trim(Dictionary<Hash256, PoolEntry> pooled)
    {
        if (_hashes.Count <= (2 * pooled.Count) + Slack)
            return;
        _hashes.Clear();
        _hashes.EnqueueRange(pooled.Select(static p => (p.Key, ~p.Value.Transaction.Tx.GasLimit)));
    }
}
