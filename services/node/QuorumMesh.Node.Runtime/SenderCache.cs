using System.Collections.Concurrent;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Recovers senders once: a bounded cache of transaction hash → sender, filled at the edge (RPC, p2p, block bodies). Thread safe.
/// Two generations stand in for recency: when the young one is full it becomes the old one, and the old one is dropped.
/// </summary>
public sealed class SenderCache(int capacity = 131_072)
{
    /// <summary>Below this a block body is recovered on the calling thread: handing it out would cost more.</summary>
    private const int ParallelFrom = 8;

    private volatile ConcurrentDictionary<Hash256, Address> _young = new();
    private volatile ConcurrentDictionary<Hash256, Address> _old = new();
    private int _count;

    /// <returns>Null when the signature is not valid under the rules ("invalid sender").</returns>
    public RecoveredTransaction? Recover(Transaction tx, in SenderRules rules)
    {
        if (TryGet(tx.Hash, out var known)) return new RecoveredTransaction(tx, known);
        if (!TransactionSigner.TryRecover(tx, rules, out var sender)) return null;
        Add(tx.Hash, sender);
        return new RecoveredTransaction(tx, sender);
    }

    /// <summary>The transactions of a block with their senders, in order; null when any signature is not valid.</summary>
    public RecoveredTransaction[]? RecoverAll(IReadOnlyList<Transaction> transactions, SenderRules rules)
    {
        var result = new RecoveredTransaction?[transactions.Count];
        var missing = new List<int>();
        for (var i = 0; i < result.Length; i++)
        {
            if (TryGet(transactions[i].Hash, out var sender)) result[i] = new RecoveredTransaction(transactions[i], sender);
            else missing.Add(i);
        }
        if (missing.Count < ParallelFrom)
            missing.ForEach(RecoverOne);
        else
            Parallel.ForEach(missing, RecoverOne);
        return Array.TrueForAll(result, r => r is not null) ? Array.ConvertAll(result, r => r!) : null;

        void RecoverOne(int i) => result[i] = Recover(transactions[i], rules);
    }

    private bool TryGet(in Hash256 hash, out Address sender) => _young.TryGetValue(hash, out sender) || _old.TryGetValue(hash, out sender);

    private void Add(in Hash256 hash, in Address sender)
    {
        if (!_young.TryAdd(hash, sender) || Interlocked.Increment(ref _count) < capacity / 2) return;
        lock (this)
        {
            if (_count < capacity / 2) return;
            _old = _young;
            _young = new ConcurrentDictionary<Hash256, Address>();
            _count = 0;
        }
    }
}
