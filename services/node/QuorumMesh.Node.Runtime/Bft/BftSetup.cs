using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>What is local to a node of an IBFT or QBFT chain.</summary>
public sealed record BftSetup
{
    /// <summary>How far ahead of the clock a block may be, as the header rules have it.</summary>
    public ulong AllowedFutureSeconds { get; init; }

    /// <summary>Null for the machine's own.</summary>
    public BftTuning? Tuning { get; init; }

    /// <summary>What the machine must know of the block after a head.</summary>
    internal static BftHeight HeightOf(BftSettings settings, BlockHeader parent) => new()
    {
        Sequence = settings.Number,
        Protocol = settings.Protocol == EngineKind.Ibft ? BftProtocol.Ibft : BftProtocol.Qbft,
        Validators = settings.Validators.Addresses,
        // Where both rules give one number (1, 4 or 7 validators) it does not matter which is told.
        Ceil2Nby3 = settings.Quorum == settings.Validators.Quorum(ceil2Nby3: true),
        Policy = settings.Sticky ? ProposerPolicy.Sticky : ProposerPolicy.RoundRobin,
        LastProposer = settings.LastProposer,
        Parent = parent.Hash,
        RequestTimeout = settings.RequestTimeout,
        MaxRequestTimeout = settings.MaxRequestTimeout,
    };
}
