using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>What differs between IBFT 1.0 and QBFT. Without state.</summary>
internal abstract class BftDialect
{
    private static readonly BftDialect Ibft = new IbftDialect(), Qbft = new QbftDialect();

    public static BftDialect Of(BftProtocol protocol) => protocol == BftProtocol.Ibft ? Ibft : Qbft;

    /// <summary>
    /// True when a validator that holds a lock votes for no other block (IBFT); false when the proposer must prove that it proposes what
    /// was prepared last (QBFT).
    /// </summary>
    public abstract bool LockBinds { get; }

    /// <summary>Length of a round without a cap.</summary>
    public abstract TimeSpan RoundLength(TimeSpan request, ulong round);

    /// <param name="changes">The round changes that began the round; empty in round 0.</param>
    public abstract PreprepareMessage Preprepare(
        BftIdentity me, BftView view, BftProposal proposal, IReadOnlyList<RoundChangeMessage> changes);

    public abstract PrepareMessage Prepare(BftIdentity me, BftView view, Hash256 digest);

    public abstract CommitMessage Commit(BftIdentity me, BftView view, Hash256 digest, byte[] seal);

    public abstract RoundChangeMessage RoundChange(BftIdentity me, BftView view, BftLock? held);

    /// <summary>What the committed seal of a round signs.</summary>
    public abstract Hash256 SealHash(IBftBlocks blocks, BftProposal proposal, ulong round);

    /// <summary>The block that a proposer must propose again; null when it is free to make one.</summary>
    public abstract BftProposal? Bound(BftLock? held, IReadOnlyList<RoundChangeMessage> changes, IBftBlocks blocks);

    /// <summary>Whether the round of the proposal may have begun, and with this block.</summary>
    public abstract bool IsJustified(PreprepareMessage message, BftProposal proposal, BftValidators validators);

    /// <summary>Whether its sender may claim what it claims to have seen prepared.</summary>
    public abstract bool IsJustified(RoundChangeMessage message, BftValidators validators, IBftBlocks blocks);
}
