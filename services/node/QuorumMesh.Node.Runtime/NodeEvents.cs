using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A new public head.</summary>
public sealed record HeadEvent(Block Block);

/// <summary>A transaction with logs, on one side of a block.</summary>
public sealed record TransactionLogs(RecoveredTransaction Transaction, int TransactionIndex, Receipt Receipt);

/// <summary>The logs of a block: public ones with the public head, private ones with the private head.</summary>
public sealed record LogsEvent(BlockHeader Header, IReadOnlyList<TransactionLogs> Transactions);

/// <summary>How loudly a notice is told.</summary>
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

/// <summary>Why a committed entry of the Raft log had no effect. Every node decides alike.</summary>
public enum PassedOverKind
{
    /// <summary>A block that does not build on the head: usual after a change of the leader, when two have minted.</summary>
    Void,

    /// <summary>A block that builds on the head and breaks a rule.</summary>
    Invalid,

    /// <summary>Neither a block nor a membership change that this node can read.</summary>
    Unreadable,
}

/// <param name="Block">Null when the entry is no block.</param>
public sealed record PassedOverEvent(ulong Index, PassedOverKind Kind, BlockPointer? Block, string Reason);

/// <summary>A Raft message of the network that was not taken.</summary>
/// <param name="From">The sender as the message names him; anyone can write any.</param>
/// <param name="Reason">One of a few short words, for a metric's tag.</param>
public sealed record RaftRefusedEvent(ulong From, string Kind, string Reason, string? Detail = null);

/// <summary>A round of an IBFT or QBFT height has come to nothing, and another validator's turn begins.</summary>
/// <param name="Round">The new one, from 1 on.</param>
/// <param name="IsOwn">True when the turn is this node's.</param>
public sealed record RoundChangeEvent(ulong Height, ulong Round, Address Proposer, bool IsOwn);

/// <summary>The validators from a block on, where they change and when the node starts.</summary>
/// <param name="IsOwn">Whether this node is one of them.</param>
public sealed record ValidatorsEvent(
    ulong FromBlock, IReadOnlyList<Address> Validators, IReadOnlyList<Address> Added, IReadOnlyList<Address> Removed, bool IsOwn);

/// <summary>An IBFT or QBFT message that was not taken.</summary>
/// <param name="From">The peer that sent it, which need not be who signed it.</param>
/// <param name="Reason">One of a few short words, for a metric's tag.</param>
public sealed record BftRefusedEvent(Address From, string Reason)
{
    public const string MailboxFull = "mailbox-full";
}

/// <summary>What subscribers hear. Raised on the writer loop: handlers must only enqueue, and never throw.</summary>
public sealed class NodeEvents
{
    /// <summary>A block became the public head.</summary>
    public event Action<HeadEvent>? NewHead;

    /// <summary>Logs of a block, public ones and, when its private side has run, those of this participant.</summary>
    public event Action<LogsEvent>? NewLogs;

    /// <summary>Transactions that the pool took in.</summary>
    public event Action<IReadOnlyList<RecoveredTransaction>>? PendingTransactions;

    /// <summary>Another member leads, or none.</summary>
    public event Action<LeaderEvent>? LeaderChanged;

    /// <summary>Another validator's turn begins because a round has failed.</summary>
    public event Action<RoundChangeEvent>? RoundChanged;

    /// <summary>Other validators vote on blocks from now on.</summary>
    public event Action<ValidatorsEvent>? ValidatorsChanged;

    /// <summary>Raised on the peers' threads too.</summary>
    public event Action<BftRefusedEvent>? BftMessageRefused;

    /// <summary>The private head moved, waits, or goes on.</summary>
    public event Action<PrivateHeadEvent>? PrivateHeadChanged;

    /// <summary>This node's blocks part from the majority's, or agree again.</summary>
    public event Action<HeadStandingEvent>? HeadStandingChanged;

    /// <summary>This node was removed from its cluster; the text says what that means.</summary>
    public event Action<string>? LeftCluster;

    /// <summary>Something that an operator should know.</summary>
    public event Action<NodeNotice>? Noticed;

    internal void Tell(NoticeLevel level, string text) => Noticed?.Invoke(new NodeNotice(level, text));

    /// <summary>A committed entry had no effect, by rules that rest on the log alone.</summary>
    public event Action<PassedOverEvent>? EntryPassedOver;

    /// <summary>Raised on the transport's threads too.</summary>
    public event Action<RaftRefusedEvent>? RaftMessageRefused;

    /// <summary>A catch-up could not go on, with the reason; it is tried again.</summary>
    public event Action<string>? CatchUpFailed;

    public void Raise(RaftRefusedEvent refused) => RaftMessageRefused?.Invoke(refused);

    internal void Raise(RoundChangeEvent round) => RoundChanged?.Invoke(round);

    internal void Raise(ValidatorsEvent validators) => ValidatorsChanged?.Invoke(validators);

    internal void Raise(BftRefusedEvent refused) => BftMessageRefused?.Invoke(refused);

    internal void Raise(PassedOverEvent passed) => EntryPassedOver?.Invoke(passed);

    internal void RaiseCatchUpFailed(string reason) => CatchUpFailed?.Invoke(reason);

    internal void Raise(HeadEvent head) => NewHead?.Invoke(head);

    internal void Raise(LeaderEvent leader) => LeaderChanged?.Invoke(leader);

    internal void Raise(PrivateHeadEvent head) => PrivateHeadChanged?.Invoke(head);

    internal void Raise(HeadStandingEvent standing) => HeadStandingChanged?.Invoke(standing);

    internal void RaiseLeft(string explanation) => LeftCluster?.Invoke(explanation);

    internal void Raise(LogsEvent logs) => NewLogs?.Invoke(logs);

    /// <summary>Tells of the logs of a block's receipts on one side, if there are any.</summary>
    /// <param name="receipts">One for each transaction; null for one that is not of that side.</param>
    internal void RaiseLogs(BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions, IReadOnlyList<Receipt?> receipts)
    {
        var withLogs = new List<TransactionLogs>();
        for (var i = 0; i < receipts.Count; i++)
            if (receipts[i] is { Logs.Count: > 0 } receipt) withLogs.Add(new TransactionLogs(transactions[i], i, receipt));
        if (withLogs.Count > 0) Raise(new LogsEvent(header, withLogs));
    }

    internal void Raise(IReadOnlyList<RecoveredTransaction> pending) => PendingTransactions?.Invoke(pending);
}
