using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>QBFT (24:consensus/istanbul/qbft/core; the same rules as Besu's).</summary>
internal sealed class QbftDialect : BftDialect
{
    // 2^20 times the shortest timeout is twelve days.
    private const ulong LongestExponent = 20;

    public override bool LockBinds => false;

    /// <summary>24:consensus/istanbul/qbft/core/core.go newRoundChangeTimer.</summary>
    public override TimeSpan RoundLength(TimeSpan request, ulong round) => request * (1L << (int)Math.Min(round, LongestExponent));

    public override PreprepareMessage Preprepare(
        BftIdentity me, BftView view, BftProposal proposal, IReadOnlyList<RoundChangeMessage> changes)
    {
        var signed = changes.Select(c => new SignedRoundChange(c.View, c.Prepared, c.Signature)).ToList();
        return QbftWire.NewPreprepare(me, view, proposal.Rlp, signed, Highest(changes)?.Prepares ?? []);
    }

    public override PrepareMessage Prepare(BftIdentity me, BftView view, Hash256 digest) => QbftWire.NewPrepare(me, view, digest);

    public override CommitMessage Commit(BftIdentity me, BftView view, Hash256 digest, byte[] seal) =>
        QbftWire.NewCommit(me, view, digest, seal);

    public override RoundChangeMessage RoundChange(BftIdentity me, BftView view, BftLock? held) => held is null
        ? QbftWire.NewRoundChange(me, view, null, null, [])
        : QbftWire.NewRoundChange(me, view, new PreparedClaim(held.Round, held.Proposal.Digest), held.Proposal.Rlp,
            [.. held.Proof.OfType<PrepareMessage>().Select(p => new SignedPrepare(p.View, p.Digest, p.Signature))]);

    public override Hash256 SealHash(IBftBlocks blocks, BftProposal proposal, ulong round) => blocks.QbftSealHash(proposal, round);

    public override BftProposal? Bound(BftLock? held, IReadOnlyList<RoundChangeMessage> changes, IBftBlocks blocks) =>
        Highest(changes) is { Block: { } block } ? blocks.Read(BftProtocol.Qbft, block) : null;

    /// <summary>24:consensus/istanbul/qbft/core/justification.go isJustified; unlike there, the signatures of the prepares count.</summary>
    public override bool IsJustified(PreprepareMessage message, BftProposal proposal, BftValidators validators)
    {
        // The first round needs no reason, and what stands there is not looked at.
        if (message.View.Round == 0) return true;
        var changes = message.RoundChanges;
        if (changes.Count > validators.Count || !AreOfQuorum(changes.Select(Signer), validators)) return false;
        // Round changes of an earlier round, put in again, could leave out what was prepared since.
        if (changes.Any(c => c.View != message.View || c.Prepared?.Round >= message.View.Round)) return false;
        var highest = changes.Select(c => c.Prepared).OfType<PreparedClaim>().MaxBy(c => c.Round);
        if (highest is null) return true;
        return highest.Digest == proposal.Digest
            && ArePrepared(message.Prepares, new BftView(message.View.Sequence, highest.Round), proposal.Digest, validators);
    }

    public override bool IsJustified(RoundChangeMessage message, BftValidators validators, IBftBlocks blocks)
    {
        if (message.Prepared is not { } prepared) return message.Block is null && message.Prepares.Count == 0;
        return prepared.Round < message.View.Round
            && message.Block is { } block
            && blocks.Read(BftProtocol.Qbft, block) is { } proposal
            && proposal.Number == message.View.Sequence && proposal.Digest == prepared.Digest
            && ArePrepared(message.Prepares, new BftView(message.View.Sequence, prepared.Round), prepared.Digest, validators);
    }

    private static RoundChangeMessage? Highest(IReadOnlyList<RoundChangeMessage> changes) =>
        changes.Where(c => c.Prepared is not null).MaxBy(c => c.Prepared!.Round);

    private static bool ArePrepared(
        IReadOnlyList<SignedPrepare> prepares, BftView view, Hash256 digest, BftValidators validators) =>
        prepares.Count <= validators.Count
        && prepares.All(p => p.View == view && p.Digest == digest)
        && AreOfQuorum(prepares.Select(Signer), validators);

    /// <summary>Each of a different validator, and enough of them. Signatures are recovered one by one, and none after a bad one.</summary>
    private static bool AreOfQuorum(IEnumerable<Address?> signers, BftValidators validators)
    {
        var seen = new HashSet<Address>();
        foreach (var signer in signers)
            if (signer is not { } address || !validators.Contains(address) || !seen.Add(address)) return false;
        return seen.Count >= validators.Quorum;
    }

    private static Address? Signer(SignedPrepare prepare) => QbftWire.TryRecover(prepare, out var signer) ? signer : null;

    private static Address? Signer(SignedRoundChange change) => QbftWire.TryRecover(change, out var signer) ? signer : null;
}
