using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A new public head.</summary>
public sealed record HeadEvent(Block Block);

/// <summary>A transaction with logs, on one side of a block.</summary>
public sealed record TransactionLogs(RecoveredTransaction Transaction, int TransactionIndex, Receipt Receipt);

/// <summary>The logs of a block: public ones with the public head, private ones with the private head.</summary>
public sealed record LogsEvent(BlockHeader Header, IReadOnlyList<TransactionLogs> Transactions);

/// <summary>What subscribers hear. Raised on the writer loop: handlers must only enqueue, and never throw.</summary>
public sealed class NodeEvents
{
    public event Action<HeadEvent>? NewHead;

    public event Action<LogsEvent>? NewLogs;

    public event Action<IReadOnlyList<RecoveredTransaction>>? PendingTransactions;

    internal void Raise(HeadEvent head) => NewHead?.Invoke(head);

    internal void Raise(LogsEvent logs) => NewLogs?.Invoke(logs);

    internal void Raise(IReadOnlyList<RecoveredTransaction> pending) => PendingTransactions?.Invoke(pending);
}
