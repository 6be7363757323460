using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>What the machine hears.</summary>
public abstract record BftInput
{
    private BftInput() { }

    /// <summary>The parent is the head: its height is over, this one begins. A height that is not higher than the present one is
    /// passed over.</summary>
    public sealed record NewHeight(BftHeight Height) : BftInput;

    /// <summary>
    /// By this node's clock and pool a block of the present height is due: the period is over, and there is something to put into it or the
    /// period of empty blocks is over as well. Round 0 is timed from here; its proposer is asked to build.
    /// </summary>
    public sealed record ProposalDue : BftInput
    {
        /// <summary>The only one.</summary>
        public static ProposalDue Instance { get; } = new();
    }

    /// <summary>What became of <see cref="BftEffect.BuildProposal"/>: a block of our own, executed and sealed by the proposer (IBFT).
    /// </summary>
    public sealed record ProposalReady(BftProposal Proposal) : BftInput;

    /// <summary>What became of <see cref="BftEffect.VerifyProposal"/>. A block whose time has not come is answered when it has.</summary>
    /// <param name="Digest">Of the proposal.</param>
    /// <param name="Fault">The rule that it breaks; null when it may be voted for.</param>
    public sealed record ProposalVerified(Hash256 Digest, string? Fault) : BftInput;

    /// <summary>A message of the network.</summary>
    /// <param name="Message">Of <see cref="BftWire.TryRead"/>.</param>
    /// <param name="From">The peer that it came from, by its node key; not always its signer.</param>
    public sealed record MessageReceived(BftMessage Message, Address From) : BftInput;

    /// <summary>The wait of <see cref="BftEffect.SetRoundTimer"/> is over.</summary>
    /// <param name="View">Of that effect; one of a round that is over has no effect.</param>
    public sealed record RoundTimeout(BftView View) : BftInput;

    /// <summary>Which peers are connected now, by their node keys; others than validators do not matter. Told at start and at each change.
    /// </summary>
    public sealed record PeersChanged(IReadOnlySet<Address> Connected) : BftInput;
}
