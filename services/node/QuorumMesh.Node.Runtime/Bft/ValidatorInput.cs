using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>What a node of an IBFT or QBFT chain hears: from its peers, and from operators.</summary>
public abstract record ValidatorInput : ConsensusInput
{
    private ValidatorInput() { }

    /// <summary>A message that is whole and signed by somebody; by whom counts only at its height.</summary>
    /// <param name="Source">Where it came from; released by the driver.</param>
    public sealed record Message(BftMessage Value, IstanbulMessage Source) : ValidatorInput;

    /// <summary>Other nodes are connected now.</summary>
    /// <param name="Connected">Accounts of their node keys.</param>
    public sealed record PeersChanged(IReadOnlySet<Address> Connected) : ValidatorInput;

    /// <summary>An operator's wish about a validator; it goes into the blocks that this node proposes while it has a meaning.</summary>
    /// <param name="Authorize">Vote in, vote out, or null to vote no more.</param>
    public sealed record ChangeVote(Address Candidate, bool? Authorize, Reply<Taken> Answer) : ValidatorInput;

    /// <summary>An operator asks why there is no block.</summary>
    public sealed record Explain(Reply<BftReport> Answer) : ValidatorInput;
}
