using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>IBFT 1.0 (2.5:consensus/istanbul/core).</summary>
internal sealed class IbftDialect : BftDialect
{
    // Past this the sum no longer fits; GoQuorum's own timer overflows from round 34 on.
    private const ulong LongestExponent = 30;

    public override bool LockBinds => true;

    /// <summary>2.5:consensus/istanbul/core/core.go newRoundChangeTimer.</summary>
    public override TimeSpan RoundLength(TimeSpan request, ulong round) =>
        round == 0 ? request : request + TimeSpan.FromSeconds(1L << (int)Math.Min(round, LongestExponent));

    public override PreprepareMessage Preprepare(
        BftIdentity me, BftView view, BftProposal proposal, IReadOnlyList<RoundChangeMessage> changes) =>
        IbftWire.NewPreprepare(me, view, proposal.Rlp);

    public override PrepareMessage Prepare(BftIdentity me, BftView view, Hash256 digest) => IbftWire.NewPrepare(me, view, digest);

    public override CommitMessage Commit(BftIdentity me, BftView view, Hash256 digest, byte[] seal) =>
        IbftWire.NewCommit(me, view, digest, seal);

    public override RoundChangeMessage RoundChange(BftIdentity me, BftView view, BftLock? held) => IbftWire.NewRoundChange(me, view);

    public override Hash256 SealHash(IBftBlocks blocks, BftProposal proposal, ulong round) => IbftWire.SealHash(proposal.Digest);

    public override BftProposal? Bound(BftLock? held, IReadOnlyList<RoundChangeMessage> changes, IBftBlocks blocks) => held?.Proposal;

    // IBFT's messages carry no proofs: what guards a decision there is that locked validators vote for nothing else.
    public override bool IsJustified(PreprepareMessage message, BftProposal proposal, BftValidators validators) => true;

    public override bool IsJustified(RoundChangeMessage message, BftValidators validators, IBftBlocks blocks) => true;
}
