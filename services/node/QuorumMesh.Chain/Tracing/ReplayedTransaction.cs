using QuorumMesh.Chain.Execution;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tracing;

/// <summary>A transaction that was executed again, or a call that was simulated.</summary>
/// <param name="PrivateChanges">Null when there is no private side.</param>
public sealed record ReplayedTransaction(TransactionOutcome Outcome, StateChangeSet PublicChanges, StateChangeSet? PrivateChanges)
{
    /// <summary>
    /// Of the run that a tracer sees: the private one of a private transaction. True for a stranger's, which runs nothing.
    /// </summary>
    public bool IsSuccess => Outcome.Private?.Success ?? Outcome.PublicSuccess;

    /// <summary>Return data, revert data or deployed code of the run that a tracer sees.</summary>
    public byte[] Output => Outcome.Private?.Output ?? Outcome.Output;
}
