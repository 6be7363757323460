using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// One height, from its parent's import to its own decision. Votes and decisions are here and in <c>BftHeightMachine.Votes.cs</c>, rounds
/// and their timer in <c>BftHeightMachine.Rounds.cs</c>.
/// </summary>
internal sealed partial class BftHeightMachine
{
    // Rounds whose votes are kept: late ones still decide, or free a lock.
    private const int MostRounds = 8;

    private readonly BftContext _context;
    private readonly BftDialect _dialect;
    private readonly BftRoundChanges _changes = new();
    private readonly SortedDictionary<ulong, BftRound> _rounds = [];
    // By the hash of all bytes: what was found of a block holds for no other body under the same header.
    private readonly Dictionary<Hash256, string?> _verdicts = [];
    private readonly Dictionary<Address, ulong> _helped = [];
    private readonly Dictionary<Address, ulong> _provedTo = [];
    private BftRound _round;
    private bool _isDue;

    public BftHeightMachine(BftContext context, BftHeight settings)
    {
        (_context, Settings) = (context, settings);
        Validators = new BftValidators(settings);
        _dialect = BftDialect.Of(settings.Protocol);
        Others = [.. Validators.Turns.Where(v => v != context.Me.Address)];
        _round = Enter(0);
    }

    public BftHeight Settings { get; }

    public BftValidators Validators { get; }

    /// <summary>All validators but this node.</summary>
    public IReadOnlyList<Address> Others { get; }

    /// <summary>The present attempt.</summary>
    public BftView View => _round.View;

    public BftLock? Lock { get; private set; }

    /// <summary>Decided; the next height is waited for.</summary>
    public bool IsDecided { get; private set; }

    /// <summary>Why this validator votes for nothing at this height; null when it does.</summary>
    public string? Abstention { get; private set; }

    private bool Votes => Abstention is null && Validators.Contains(_context.Me.Address);

    private Address Me => _context.Me.Address;

    /// <summary>The row for <see cref="BftEffect.PersistLock"/>.</summary>
    public byte[] Row() => new BftVotes(Settings.Sequence, Settings.Protocol, View.Round, [.. _round.Own], Lock).Encode();

    /// <summary>Takes up what was said before a restart.</summary>
    public void Restore(byte[] row)
    {
        var votes = BftVotes.Decode(row, _context.Blocks);
        if (votes is null || (votes.Sequence == Settings.Sequence && votes.Protocol != Settings.Protocol))
            Abstention = "the stored votes cannot be read";
        else if (votes.Sequence > Settings.Sequence)
            // The votes of this height are gone with the blocks: whatever we said then, we do not say it differently now.
            Abstention = $"votes of height {votes.Sequence} are stored, and the chain ends before {Settings.Sequence}: blocks were lost, "
                + "and are fetched from others";
        else if (votes.Sequence == Settings.Sequence) Resume(votes);
    }

    /// <summary>A message of this height by one of its validators.</summary>
    public BftRefusal Handle(BftMessage message)
    {
        if (IsDecided) return BftRefusal.Old;
        if (message.Protocol != Settings.Protocol) return BftRefusal.WrongProtocol;
        var refusal = message switch
        {
            RoundChangeMessage change => HandleRoundChange(change),
            PreprepareMessage preprepare => HandlePreprepare(preprepare),
            _ => HandleVote(message),
        };
        if (message.View.Round < View.Round && !IsDecided && message.Sender != Me) Help(message.Sender);
        return refusal;
    }

    /// <summary>
    /// Whether the others are to hear of a message that was taken. A validator may ask for any of 2^32 rounds: what leads nobody on now
    /// would flood the others through us, and their votes would be lost among it.
    /// </summary>
    /// <param name="before">The present attempt before the message was handled.</param>
    public bool IsPassedOn(BftMessage message, BftView before) =>
        message is not RoundChangeMessage || View != before || message.View.Round <= View.Round + LargestLeap;

    /// <summary>A block of this height is due.</summary>
    public void ProposalDue()
    {
        if (_isDue || IsDecided) return;
        _isDue = true;
        if (View.Round != 0) return;
        StartTimer();
        ProposeIfOurs();
    }

    /// <summary>Our own block.</summary>
    public void ProposalReady(BftProposal proposal)
    {
        if (IsDecided || !_round.IsBuilding || proposal.Number != Settings.Sequence) return;
        _round.IsBuilding = false;
        _verdicts[Keccak.Hash(proposal.Rlp)] = null;
        // A round change that came while it was made may bind us to another block.
        Propose(Bound() ?? proposal);
    }

    /// <summary>Whether a proposal may be voted for.</summary>
    public void Verified(Hash256 digest, string? fault)
    {
        if (IsDecided) return;
        foreach (var round in _rounds.Values.Where(r => r.Proposal?.Digest == digest && !r.IsVerified).ToArray())
        {
            if (IsDecided) return;
            _verdicts[Keccak.Hash(round.Proposal!.Rlp)] = fault;
            Judge(round, fault);
        }
    }

    /// <summary>Validators have connected.</summary>
    public void Connected(IReadOnlyList<Address> validators)
    {
        if (IsDecided) return;
        foreach (var validator in validators.Where(Validators.Contains))
        {
            _helped.Remove(validator);
            _provedTo.Remove(validator);
            // What was sent while it was not connected is lost to it, and GoQuorum never sends again.
            if (_context.Tuning.HelpsOthers)
                foreach (var message in _round.Own) _context.Send(message, [validator], again: true);
        }
        RestartTimer();
        JoinHigherRounds();
    }

    private void Resume(BftVotes votes)
    {
        Lock = votes.Lock;
        // Executed before it was locked: no second verdict is waited for.
        if (Lock is not null) _verdicts[Keccak.Hash(Lock.Proposal.Rlp)] = null;
        if (votes.Round > 0) _round = Enter(votes.Round);
        _round.OwnRoundChange = votes.Own.OfType<RoundChangeMessage>().FirstOrDefault();
        _round.OwnPreprepare = votes.Own.OfType<PreprepareMessage>().FirstOrDefault();
        _round.OwnPrepare = votes.Own.OfType<PrepareMessage>().FirstOrDefault();
        _round.OwnCommit = votes.Own.OfType<CommitMessage>().FirstOrDefault();
        if (_round.OwnRoundChange is { } change) _changes.Add(change);
        _round.IsWaiting = votes.Round > 0;
        if (_round.OwnPrepare is { } prepare) _round.Add(prepare);
        if (_round.OwnCommit is { } commit) _round.Add(commit);
        if (votes.Round > 0) StartTimer();
        // Last: by now our votes of this round are in place, and no different ones are made.
        if (_round.OwnPreprepare is { } proposed) HandlePreprepare(proposed);
    }

    /// <summary>Everybody else hears it, after it is on the disk.</summary>
    private void Cast(BftMessage message)
    {
        _context.MustPersist();
        _context.Send(message, Others);
    }

    /// <summary>Tells a validator that is behind which round we are in, once a round, and what we have locked.</summary>
    private void Help(Address validator)
    {
        if (!_context.Tuning.HelpsOthers || _helped.GetValueOrDefault(validator) == View.Round) return;
        if (_round.OwnRoundChange is not { } change) return;
        _helped[validator] = View.Round;
        _context.Send(change, [validator], again: true);
    }

    /// <summary>
    /// A validator that fails to decide a second time may hold a lock on another block, which only a later quorum's votes can free (IBFT).
    /// They are ordinary messages, passed on once more.
    /// </summary>
    private void ProveLock(RoundChangeMessage change)
    {
        if (!_context.Tuning.HelpsOthers || !_dialect.LockBinds || Lock is null || change.View.Round < Lock.Round + 2
            || change.Sender == Me)
            return;
        if (_provedTo.TryGetValue(change.Sender, out var round) && round == Lock.Round) return;
        _provedTo[change.Sender] = Lock.Round;
        _context.Send(Lock.Preprepare, [change.Sender], again: true);
        foreach (var vote in Lock.Proof) _context.Send(vote, [change.Sender], again: true);
    }
}
