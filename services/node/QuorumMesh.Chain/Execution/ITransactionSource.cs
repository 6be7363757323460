namespace QuorumMesh.Chain.Execution;

/// <summary>Candidates for a block, nonce order within each sender.</summary>
public interface ITransactionSource
{
    /// <summary>The next candidate; null when there is none.</summary>
    RecoveredTransaction? Peek();

    /// <summary>Goes on to the same sender's next transaction, or another sender.</summary>
    void Shift();

    /// <summary>Leaves out the sender of the next candidate altogether.</summary>
    void Pop();
}
