using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A new public head.</summary>
public sealed record HeadEvent(Block Block);

/// <summary>A transaction with logs, on one side of a block.</summary>
public sealed record TransactionLogs(RecoveredTransaction Transaction, int TransactionIndex, Receipt Receipt);

/// <summary>The logs of a block: public ones with the public head, private ones with the private head.</summary>
public sealed record LogsEvent(BlockHeader Header, IReadOnlyList<TransactionLogs> Transactions);

public enum NoticeLevel
{
    Information,
    Warning,
    Error,
}

/// <summary>Something that operators must hear of, in one line.</summary>
public sealed record NodeNotice(NoticeLevel Level, string Text);

/// <summary>Another member leads, or none (0).</summary>
/// <param name="IsOwn">True when this node leads, and so mints.</param>
public sealed record LeaderEvent(ulong Leader, bool IsOwn, ulong Term, BlockPointer Head);

/// <param name="Conflict">Null when a majority of the members has this node's blocks again.</param>
public sealed record HeadStandingEvent(HeadConflict? Conflict);

/// <summary>What subscribers hear. Raised on the writer loop: handlers must only enqueue, and never throw.</summary>
public sealed class NodeEvents
{
    public event Action<HeadEvent>? NewHead;

    public event Action<LogsEvent>? NewLogs;

    public event Action<IReadOnlyList<RecoveredTransaction>>? PendingTransactions;

    public event Action<LeaderEvent>? LeaderChanged;

    public event Action<PrivateHeadEvent>? PrivateHeadChanged;

    public event Action<HeadStandingEvent>? HeadStandingChanged;

    /// <summary>This node was removed from its cluster; the text says what that means.</summary>
    public event Action<string>? LeftCluster;
    public event Action<NodeNotice>? Noticed;

    internal void Tell(NoticeLevel level, string text) => Noticed?.Invoke(new NodeNotice(level, text));


    internal void Raise(HeadEvent head) => NewHead?.Invoke(head);

    internal void Raise(LeaderEvent leader) => LeaderChanged?.Invoke(leader);

    internal void Raise(PrivateHeadEvent head) => PrivateHeadChanged?.Invoke(head);

    internal void Raise(HeadStandingEvent standing) => HeadStandingChanged?.Invoke(standing);

    internal void RaiseLeft(string explanation) => LeftCluster?.Invoke(explanation);

    internal void Raise(LogsEvent logs) => NewLogs?.Invoke(logs);

    internal void Raise(IReadOnlyList<RecoveredTransaction> pending) => PendingTransactions?.Invoke(pending);
}
