using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>How the loop's Raft member stands, of one moment.</summary>
public sealed record RaftReport
{
    /// <summary>The pure machine's part.</summary>
    public required RaftExplanation Core { get; init; }

    /// <summary>When each member was last heard with what, by id.</summary>
    public required IReadOnlyDictionary<ulong, RaftHeard> Heard { get; init; }

    /// <summary>Executable transactions in the pool.</summary>
    public required int Pending { get; init; }

    /// <summary>Blocks that this node has proposed and that are not committed yet.</summary>
    public required int Proposed { get; init; }

    /// <summary>It waits for that many blocks of its own before it proposes another.</summary>
    public required bool IsPipelineFull { get; init; }

    /// <summary>Milliseconds until the next block may be minted; null when none is to be.</summary>
    public required long? NextMintMs { get; init; }

    /// <summary>The log begins after blocks that are still being fetched from peers.</summary>
    public required bool IsWaitingForBlocks { get; init; }

    /// <summary>How long the last flush of the Raft log took.</summary>
    public required TimeSpan FlushTime { get; init; }
}

/// <param name="Kind">Of the message, as etcd names it without its prefix.</param>
public sealed record RaftHeard(long MillisecondsAgo, string Kind);

/// <summary>A connection with a member.</summary>
/// <param name="Streams">Raft streams open from it: 0, 1 or 2.</param>
/// <param name="IsPeer">The p2p connection, over which transactions go, stands.</param>
/// <param name="Probe">Null when it did not answer.</param>
public sealed record RaftMemberLink(int Streams, bool IsPeer, RaftProbe? Probe);

/// <summary>All that is known of why there is no block.</summary>
public sealed record RaftFacts
{
    /// <summary>Null when the loop did not answer in time.</summary>
    public required RaftReport? Report { get; init; }

    /// <summary>As of the loop's last pass.</summary>
    public required RaftView View { get; init; }

    /// <summary>This node's Raft id.</summary>
    public required ulong OwnId { get; init; }

    /// <summary>By Raft id; of this node none.</summary>
    public required IReadOnlyDictionary<ulong, RaftMemberLink> Links { get; init; }

    /// <summary>How long the loop has been at one batch.</summary>
    public required TimeSpan Busy { get; init; }

    /// <summary>How long a flush of the transaction journal has been under way.</summary>
    public TimeSpan JournalFlush { get; init; }

    /// <summary>Most members are on another chain.</summary>
    public HeadConflict? Conflict { get; init; }

    /// <summary>Why a catch-up does not go on.</summary>
    public string? SyncFailure { get; init; }

    /// <summary>A catch-up that runs.</summary>
    public SyncProgress? Sync { get; init; }

    /// <summary>How long blocks and the private head have not come.</summary>
    public required NodeProgress Progress { get; init; }

    /// <summary>Where the private head stands.</summary>
    public required PrivateHeadStatus Private { get; init; }

    /// <summary>The public head, as of the loop's last pass.</summary>
    public required ulong Head { get; init; }
}
