using System.Collections.Concurrent;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Recovers senders once, and the authorities of authorisation lists: a bounded cache by transaction hash, filled at the edge
/// (RPC, p2p, block bodies). Thread safe. Two generations stand in for recency: when the young one is full it becomes the old
/// one, and the old one is dropped.
/// </summary>
public sealed class SenderCache(int capacity = 131_072)
{
    /// <summary>Below this a block body is recovered on the calling thread: handing it out would cost more.</summary>
    private const int ParallelFrom = 8;

    /// <summary>A power of two: transactions whose recovery has to wait for one another are rare.</summary>
    private const int Stripes = 256;

    private volatile ConcurrentDictionary<Hash256, Signers> _young = new();
    private volatile ConcurrentDictionary<Hash256, Signers> _old = new();
    private readonly Lock[] _recovering = [.. Enumerable.Range(0, Stripes).Select(static _ => new Lock())];
    private int _count;
    private long _recoveries;

    /// <summary>How many senders were recovered, and not found here.</summary>
    internal long Recoveries => Volatile.Read(ref _recoveries);

    /// <returns>Null when the signature is not valid under the rules ("invalid sender").</returns>
    public RecoveredTransaction? Recover(Transaction tx, in SenderRules rules)
    {
        if (TryGet(tx.Hash, out var known)) return known.Of(tx);
        // The same transaction comes from several peers, and in a block, at once: one recovers it, the others wait for that.
        lock (_recovering[tx.Hash.GetHashCode() & (Stripes - 1)])
        {
            if (TryGet(tx.Hash, out known)) return known.Of(tx);
            if (TransactionSigner.Recover(tx, rules) is not { } recovered) return null;
            Interlocked.Increment(ref _recoveries);
            Add(tx.Hash, new Signers(recovered.Sender, recovered.Authorities));
            return recovered;
        }
    }

    /// <summary>A transaction that was signed here: nothing has to be found out about it.</summary>
    /// <param name="signer">Whose key it was signed with; it has no authorisation list.</param>
    public void Signed(Transaction tx, in Address signer) => Add(tx.Hash, new Signers(signer, []));

    /// <summary>Whether the transaction has been here, lately.</summary>
    public bool Knows(in Hash256 transaction) => TryGet(transaction, out _);

    /// <summary>The transactions of a block with their senders, in order; null when any signature is not valid.</summary>
    public RecoveredTransaction[]? RecoverAll(IReadOnlyList<Transaction> transactions, SenderRules rules)
    {
        var result = RecoverEach(transactions, rules);
        return Array.TrueForAll(result, r => r is not null) ? Array.ConvertAll(result, r => r!) : null;
    }

    /// <summary>Some transactions with their senders, in order; null where a signature is not valid.</summary>
    public RecoveredTransaction?[] RecoverEach(IReadOnlyList<Transaction> transactions, SenderRules rules)
    {
        var result = new RecoveredTransaction?[transactions.Count];
        var missing = new List<int>();
        for (var i = 0; i < result.Length; i++)
        {
            if (TryGet(transactions[i].Hash, out var known)) result[i] = known.Of(transactions[i]);
            else missing.Add(i);
        }
        if (missing.Count < ParallelFrom)
            missing.ForEach(RecoverOne);
        else
            Parallel.ForEach(missing, RecoverOne);
        return result;

        void RecoverOne(int i) => result[i] = Recover(transactions[i], rules);
    }

    private bool TryGet(in Hash256 hash, out Signers signers) =>
        _young.TryGetValue(hash, out signers) || _old.TryGetValue(hash, out signers);

    private void Add(in Hash256 hash, in Signers signers)
    {
        if (!_young.TryAdd(hash, signers) || Interlocked.Add(ref _count, 1 + signers.Authorities.Count) < capacity / 2) return;
        lock (this)
        {
            if (_count < capacity / 2) return;
            _old = _young;
            _young = new ConcurrentDictionary<Hash256, Signers>();
            _count = 0;
        }
    }

    private readonly record struct Signers(Address Sender, IReadOnlyList<Address?> Authorities)
    {
        public RecoveredTransaction Of(Transaction tx) => new(tx, Sender) { Authorities = Authorities };
    }
}
