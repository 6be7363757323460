using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// What the machine wants to happen, in this order. Each must hold before the next is begun: nobody hears of a vote that a crash could take
/// back.
/// </summary>
public abstract record BftEffect
{
    private BftEffect() { }

    /// <summary>
    /// Replaces the row of votes; on the disk before anything after it. It must be in the store that holds the chain, behind the
    /// parent: a store that lost blocks must have lost the row of their children.
    /// </summary>
    public sealed record PersistLock(byte[] Row) : BftEffect;

    /// <summary>To peers with these node keys, as far as they are connected.</summary>
    /// <param name="Code">Message id within the istanbul protocol: 0x11 for IBFT, 0x12 to 0x15 for QBFT.</param>
    /// <param name="Payload">
    /// RLP of the message, a list: for IBFT without the byte string that devp2p has around it, which the network adds.
    /// </param>
    /// <param name="Again">It was sent before, and a peer that had it may have lost it.</param>
    public sealed record Send(int Code, byte[] Payload, IReadOnlyList<Address> To, bool Again) : BftEffect;

    /// <summary>It is this node's turn: answered with <see cref="BftInput.ProposalReady"/>, or never when no block can be made.</summary>
    public sealed record BuildProposal(BftView View) : BftEffect;

    /// <summary>Whether the block may be voted for, executed on the head: answered with <see cref="BftInput.ProposalVerified"/>.</summary>
    public sealed record VerifyProposal(BftView View, BftProposal Proposal) : BftEffect;

    /// <summary>The block is final.</summary>
    /// <param name="Round">In QBFT it belongs into the header.</param>
    /// <param name="Seals">Committed seals of a quorum of different validators, each 65 bytes, checked.</param>
    public sealed record Decide(BftProposal Proposal, ulong Round, IReadOnlyList<byte[]> Seals) : BftEffect;

    /// <summary>Replaces the timer: answered with <see cref="BftInput.RoundTimeout"/>.</summary>
    public sealed record SetRoundTimer(BftView View, TimeSpan After) : BftEffect;

    /// <summary>More than F validators are past this height, so that honest ones hold its block: it is to be fetched.</summary>
    public sealed record NeedSync(ulong Height) : BftEffect;

    /// <summary>A message of the network had no effect, for a reason that tells of a fault; to be counted.</summary>
    /// <param name="Signer">Who signed it.</param>
    public sealed record Refused(BftRefusal Reason, Address Signer) : BftEffect;
}
