using QuorumMesh.Chain.Genesis;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>What this node knows of a sub-protocol version. New versions are new rows here, not new code paths in the peer.</summary>
/// <param name="Length">Size of its message-code space; both sides must use the same, it moves the protocols sorted behind it.</param>
/// <param name="CarriesChain">Speaks the eth messages: Status, transactions, headers, bodies.</param>
/// <param name="HasForkId">Its Status ends in an EIP-2124 fork id.</param>
public sealed record SubProtocol(string Name, int Version, int Length, bool CarriesChain, bool HasForkId)
{
    /// <summary>
    /// GoQuorum 2.3-2.5 in Raft mode give it length 8 (62 and 63 swapped, 2.5:consensus/protocol.go): codes from 0x08 must not be
    /// sent.
    /// </summary>
    public static SubProtocol Eth63 { get; } = new("eth", 63, 17, CarriesChain: true, HasForkId: false);

    public static SubProtocol Eth64 { get; } = new("eth", 64, 17, CarriesChain: true, HasForkId: true);

    /// <summary>GoQuorum 21: announces transactions by hash to some peers (EIP-2464).</summary>
    public static SubProtocol Eth65 { get; } = new("eth", 65, 17, CarriesChain: true, HasForkId: true) { HasPooledTransactions = true };

    /// <summary>GoQuorum 24: requests and replies carry an id (EIP-2481).</summary>
    public static SubProtocol Eth66 { get; } = Eth65 with { Version = 66, HasRequestIds = true };

    /// <summary>The only one of GoQuorum 2.3-2.5 with IBFT: eth/63 and the consensus message behind it.</summary>
    public static SubProtocol Istanbul64 { get; } =
        new("istanbul", 64, 18, CarriesChain: true, HasForkId: false) { CarriesConsensus = true };

    /// <summary>GoQuorum 2.6-20.10: as 64, with the fork id.</summary>
    public static SubProtocol Istanbul99 { get; } =
        new("istanbul", 99, 18, CarriesChain: true, HasForkId: true) { CarriesConsensus = true };

    /// <summary>GoQuorum 21 and later, Besu: consensus alone, beside eth; no Status of its own.</summary>
    public static SubProtocol Istanbul100 { get; } =
        new("istanbul", 100, 22, CarriesChain: false, HasForkId: false) { CarriesConsensus = true };

    /// <summary>
    /// Ours, without messages: whoever offers it asks at once for transactions that are announced to it by hash and that it lacks, and
    /// answers for those that it has announced. geth waits half a second before it asks.
    /// </summary>
    public static SubProtocol Mesh1 { get; } = new("qmesh", 1, 0, CarriesChain: false, HasForkId: false);

    /// <summary>Carries the consensus messages from 0x11 on.</summary>
    public bool CarriesConsensus { get; init; }

    /// <summary>Knows transactions announced by hash.</summary>
    public bool HasPooledTransactions { get; init; }

    /// <summary>Requests and replies are <c>[id, …]</c>, and replies may come in any order.</summary>
    public bool HasRequestIds { get; init; }

    public Capability Capability => new(Name, Version);

    /// <summary>What a node of a chain with this engine offers.</summary>
    public static IReadOnlyList<SubProtocol> OfEngine(EngineKind engine) =>
        engine == EngineKind.Raft ? [Eth63, Eth64, Eth65, Eth66, Mesh1]
            : [Eth63, Eth64, Eth65, Eth66, Istanbul64, Istanbul99, Istanbul100, Mesh1];
}
