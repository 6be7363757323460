using QuorumMesh.Chain;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime;

/// <summary>What the core stands on, and its limits.</summary>
public sealed record NodeCoreSetup
{
    /// <summary>Chain and states, opened.</summary>
    public required NodeStores Stores { get; init; }

    /// <summary>Null makes one with geth's limits on the head.</summary>
    public TransactionPool? Pool { get; init; }

    /// <summary>The node's own key.</summary>
    public required INodeSigner Signer { get; init; }

    /// <summary>Where events go.</summary>
    public NodeEvents Events { get; init; } = new();

    /// <summary>As geth keeps in memory.</summary>
    public const ulong DefaultKeptPublicBlocks = 128;

    /// <summary>
    /// Public states this far behind the head stay readable, and the private head's own always; null keeps all (archive).
    /// </summary>
    public ulong? KeptPublicBlocks { get; init; } = DefaultKeptPublicBlocks;

    /// <summary>Blocks; further back the operator decides.</summary>
    public const ulong DefaultPrivateRewindLimit = 10_000;

    /// <summary>Blocks that the private state goes back by itself for a payload that came late.</summary>
    public ulong PrivateRewindLimit { get; init; } = DefaultPrivateRewindLimit;

    /// <summary>Payloads in memory, fetched ahead of the private head, in bytes; one payload may be larger by itself.</summary>
    public long PayloadCacheBytes { get; init; } = PayloadCache.DefaultCapacity;

    /// <summary>
    /// Milliseconds on the clock of <see cref="NodeTime.Milliseconds"/>, as they go on within a pass; asked often. Null has blocks built
    /// and proposals executed however long that takes.
    /// </summary>
    internal Func<long>? Elapsed { get; init; }

    /// <summary>How long the private head may stand behind the public one before that is told.</summary>
    public long PrivateHeadStopsAfterMs { get; init; } = 10_000;
}
