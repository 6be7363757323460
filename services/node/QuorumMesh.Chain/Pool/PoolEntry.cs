namespace QuorumMesh.Chain.Pool;

/// <summary>One pooled transaction.</summary>
/// <param name="sequence">Arrival order over the whole pool.</param>
internal sealed class PoolEntry(RecoveredTransaction transaction, ulong sequence)
{
    public RecoveredTransaction Transaction { get; } = transaction;

    public ulong Sequence { get; } = sequence;

    public ulong Nonce => Transaction.Tx.Nonce;

    /// <summary>In the list of transactions that were submitted at this node.</summary>
    public LinkedListNode<RecoveredTransaction>? LocalNode { get; set; }
}
