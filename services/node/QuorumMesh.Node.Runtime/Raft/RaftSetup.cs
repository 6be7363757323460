using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>A Raft member as a host or a simulation sets it up.</summary>
public sealed record RaftSetup
{
    /// <summary>Opened or bootstrapped on <see cref="Log"/>.</summary>
    public required RaftCore Core { get; init; }

    /// <summary>The member's log.</summary>
    public required IRaftLog Log { get; init; }

    /// <summary>The member's Raft id.</summary>
    public required ushort Id { get; init; }

    /// <summary>Time for each block, in milliseconds (GoQuorum --raftblocktime); see <see cref="MintBudget"/>.</summary>
    public int BlockTimeMs { get; init; } = 50;

    /// <summary>Applied entries between two snapshots of the log.</summary>
    public ulong SnapshotInterval { get; init; } = 1_000;

    /// <summary>Entries that stay in the log behind a snapshot, for members that are a little late.</summary>
    public ulong EntriesKept { get; init; } = 500;
}
