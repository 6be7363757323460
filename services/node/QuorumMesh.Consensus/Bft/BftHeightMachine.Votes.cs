using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>Proposals, votes, the decision.</summary>
internal sealed partial class BftHeightMachine
{
    private BftRefusal HandlePreprepare(PreprepareMessage message)
    {
        var (number, current) = (message.View.Round, View.Round);
        if (message.Sender != Validators.Proposer(number)) return BftRefusal.NotTheProposer;
        // A QBFT proposal brings the proof that its round has begun; an IBFT one waits for the round changes.
        if (number > current && _dialect.LockBinds) return BftRefusal.Future;
        if (number < current && !IsKept(number)) return BftRefusal.Old;
        if (_rounds.GetValueOrDefault(number)?.Preprepare is { } earlier)
            return earlier.Block.AsSpan().SequenceEqual(message.Block) ? BftRefusal.Old : BftRefusal.Equivocation;
        if (_context.Blocks.Read(Settings.Protocol, message.Block) is not { } proposal || proposal.Number != Settings.Sequence)
            return BftRefusal.BadBlock;
        if (!_dialect.IsJustified(message, proposal, Validators)) return BftRefusal.Unjustified;
        if (number > current) _round = Enter(number);
        TakeProposal(RoundAt(number), message, proposal);
        return BftRefusal.None;
    }

    private void TakeProposal(BftRound round, PreprepareMessage message, BftProposal proposal)
    {
        round.Propose(message, proposal);
        foreach (var commit in round.CommitsFor(proposal.Digest))
            // Came before the block that its seal is over, so it was not checked yet.
            if (!IsSealed(commit, proposal)) round.Remove(commit);
        if (round == _round)
        {
            round.IsWaiting = false;
            // As GoQuorum does it: a proposal that came late has the whole round to be voted on.
            StartTimer();
        }
        if (_verdicts.TryGetValue(Keccak.Hash(proposal.Rlp), out var fault)) Judge(round, fault);
        else _context.Do(new BftEffect.VerifyProposal(round.View, proposal));
    }

    /// <summary>The verdict on a round's proposal is there.</summary>
    private void Judge(BftRound round, string? fault)
    {
        (round.IsVerified, round.Fault) = (fault is null, fault);
        if (fault is not null)
        {
            if (round == _round) ChangeRound(View.Round + 1);
            return;
        }
        if (round != _round)
        {
            Weigh(round);
            return;
        }
        if (IsLockedOnOther(round))
        {
            Weigh(round);
            // As GoQuorum: it will not come to a quorum with us, and others may think the same
            // (2.5:consensus/istanbul/core/preprepare.go).
            if (!IsDecided && IsLockedOnOther(round)) ChangeRound(View.Round + 1);
            return;
        }
        Prepare(round);
        Weigh(round);
    }

    private bool IsLockedOnOther(BftRound round) =>
        _dialect.LockBinds && Lock is { } held && held.Proposal.Digest != round.Proposal!.Digest;

    private void Prepare(BftRound round)
    {
        // After a restart the vote may have been cast already; if for another block, there is none for this one.
        if (!Votes || round.OwnPrepare is not null) return;
        var vote = _dialect.Prepare(_context.Me, round.View, round.Proposal!.Digest);
        // A prepare of our own that we did not send is another's who holds our key: nothing is voted for then.
        if (round.Add(vote) != BftRefusal.None) return;
        round.OwnPrepare = vote;
        Cast(vote);
    }

    private BftRefusal HandleVote(BftMessage message)
    {
        var number = message.View.Round;
        if (number > View.Round) return BftRefusal.Future;
        if (number < View.Round && !IsKept(number)) return BftRefusal.Old;
        var round = RoundAt(number);
        if (message is CommitMessage commit && round.Proposal is { } proposal && proposal.Digest == commit.Digest
            && !IsSealed(commit, proposal))
            return BftRefusal.BadSeal;
        var refusal = message is CommitMessage c ? round.Add(c) : round.Add((PrepareMessage)message);
        if (refusal == BftRefusal.None) Weigh(round);
        return refusal;
    }

    /// <summary>Checked as it comes: one bad seal would make the header invalid (2.5 does not look).</summary>
    private bool IsSealed(CommitMessage commit, BftProposal proposal) =>
        BftWire.TryRecover(_dialect.SealHash(_context.Blocks, proposal, commit.View.Round), commit.Seal, out var signer)
        && signer == commit.Sender;

    /// <summary>Looks what the votes of a round come to.</summary>
    private void Weigh(BftRound round)
    {
        // Neither lock nor decision on a block that was not executed here, whoever else has voted for it.
        if (IsDecided || !round.IsVerified) return;
        var digest = round.Proposal!.Digest;
        var prepared = round.PreparedBy(digest, _dialect.LockBinds);
        if (prepared.Count >= Validators.Quorum)
        {
            if (round == _round) Commit(round, prepared);
            else if (_dialect.LockBinds && Lock is { } held && round.View.Round > held.Round) TakeLock(round, prepared);
        }
        var commits = round.CommitsFor(digest);
        if (commits.Count >= Validators.Quorum) Decide(round, commits);
    }

    /// <summary>A quorum has prepared the present round's block: locked, then said.</summary>
    private void Commit(BftRound round, IReadOnlyList<BftMessage> prepared)
    {
        if (round.IsPrepared) return;
        round.IsPrepared = true;
        TakeLock(round, prepared);
        if (!Votes) return;
        // Another block has our PREPARE of this round, from before a restart: a COMMIT now would be equivocation.
        if (round.OwnPrepare is { } own && own.Digest != round.Proposal!.Digest) return;
        if (round.OwnCommit is null)
        {
            var seal = _context.Me.Sign(_dialect.SealHash(_context.Blocks, round.Proposal!, round.View.Round));
            var vote = _dialect.Commit(_context.Me, round.View, round.Proposal!.Digest, seal);
            if (round.Add(vote) != BftRefusal.None) return;
            round.OwnCommit = vote;
            Cast(vote);
        }
    }

    private void TakeLock(BftRound round, IReadOnlyList<BftMessage> prepared)
    {
        Lock = new BftLock(round.View.Round, round.Proposal!, round.Preprepare!, [.. prepared.Take(Validators.Quorum)]);
        if (Votes) _context.MustPersist();
    }

    private void Decide(BftRound round, IReadOnlyList<CommitMessage> commits)
    {
        IsDecided = true;
        // Exactly a quorum, as GoQuorum stores it.
        var seals = commits.OrderBy(c => c.Sender).Take(Validators.Quorum).Select(c => c.Seal).ToList();
        _context.Do(new BftEffect.Decide(round.Proposal!, round.View.Round, seals));
    }
}
