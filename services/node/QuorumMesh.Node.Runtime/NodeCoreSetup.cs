using QuorumMesh.Chain;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime;

/// <summary>The seams of the core, put together by a host or a simulation.</summary>
public sealed record NodeCoreSetup
{
    public required NodeStores Stores { get; init; }

    /// <summary>Null makes one with geth's limits on the head.</summary>
    public TransactionPool? Pool { get; init; }

    public required RaftCore Raft { get; init; }

    public required IRaftLog RaftLog { get; init; }

    public required IRaftTransport Transport { get; init; }

    public required INodeSigner Signer { get; init; }

    public required ushort RaftId { get; init; }

    public NodeEvents Events { get; init; } = new();

    public int BlockTimeMs { get; init; } = 50;

    public const ulong DefaultKeptPublicBlocks = 128;

    /// <summary>Public states this far behind the head stay readable, and the private head's own always; null keeps all (archive).</summary>
    public ulong? KeptPublicBlocks { get; init; } = DefaultKeptPublicBlocks;

    public const ulong DefaultPrivateRewindLimit = 10_000;

    /// <summary>Blocks that the private state goes back by itself for a payload that came late.</summary>
    public ulong PrivateRewindLimit { get; init; } = DefaultPrivateRewindLimit;

    /// <summary>Payloads in memory, fetched ahead of the private head, in bytes; one payload may be larger by itself.</summary>
    public long PayloadCacheBytes { get; init; } = PayloadCache.DefaultCapacity;

    /// <summary>Applied Raft entries between two snapshots of the log.</summary>
    public ulong RaftSnapshotInterval { get; init; } = 1_000;

    /// <summary>Entries that stay in the log behind a snapshot, for members that are a little late.</summary>
    public ulong RaftEntriesKept { get; init; } = 500;

    /// <summary>Called on the loop with the members' addresses when they change, so that the p2p network follows.</summary>
    public Action<IReadOnlyList<RaftAddress>> MembersChanged { get; init; } = static _ => { };

    /// <summary>Called on the loop once this node has been removed from its cluster, and at every start after that: its connections are to end.</summary>
    public Action LeftCluster { get; init; } = static () => { };

    /// <summary>How long the private head may stand behind the public one before that is told.</summary>
    public long PrivateHeadStopsAfterMs { get; init; } = 10_000;
}
