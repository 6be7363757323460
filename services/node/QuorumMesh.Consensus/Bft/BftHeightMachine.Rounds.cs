using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>Rounds, their proposers, their timer.</summary>
internal sealed partial class BftHeightMachine
{
    /// <summary>How far a validator goes after a single other one when its own round cannot come to a quorum.</summary>
    public const ulong LargestLeap = 10;

    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private (TimeSpan Began, TimeSpan Length)? _timer;
    private TimeSpan? _leaptAt;

    /// <summary>The present round has taken too long.</summary>
    public void Timeout(BftView view)
    {
        if (IsDecided || view != View || _timer is null) return;
        // As GoQuorum (2.5:consensus/istanbul/core/handler.go): straight to the highest round that F + 1 want, one of whom is honest.
        ChangeRound(Math.Max(View.Round + 1, _changes.ReachedBy(Validators.FaultTolerance + 1, View.Round) ?? 0));
    }

    private BftRefusal HandleRoundChange(RoundChangeMessage message)
    {
        // Round 0 begins with its height: nobody has to ask for it.
        if (message.View.Round < View.Round || message.View.Round == 0) return BftRefusal.Old;
        // Before its signatures are looked at: the same one comes from every validator.
        if (_changes.Has(message)) return BftRefusal.Old;
        if (!_dialect.IsJustified(message, Validators, _context.Blocks)) return BftRefusal.Unjustified;
        if (!_changes.Add(message)) return BftRefusal.Old;
        ProveLock(message);
        JoinHigherRounds();
        return BftRefusal.None;
    }

    /// <summary>Begins the round that a quorum wants, or asks for the one that an honest validator has reached.</summary>
    private void JoinHigherRounds()
    {
        if (IsDecided) return;
        // A round that has begun does not hold anybody back from the next one.
        if (_changes.WithQuorum(Validators.Quorum, _round.IsWaiting ? View.Round : View.Round + 1) is { } agreed)
        {
            Begin(agreed);
            return;
        }
        if (_changes.ReachedBy(Validators.FaultTolerance + 1, View.Round) is { } reached) ChangeRound(reached);
        else if (HopelessRound() is { } next)
        {
            _leaptAt = _context.Now;
            ChangeRound(next);
        }
    }

    /// <summary>
    /// The round to go to when too many validators are past ours or away for it to come to a quorum, while a quorum could be reached in
    /// another. A validator that lies about its round can lead us on by a few, and not again before a round's time is over.
    /// </summary>
    private ulong? HopelessRound()
    {
        if (_leaptAt is { } last && _context.Now - last < Settings.RequestTimeout) return null;
        var (lowest, past) = _changes.Past(View.Round);
        if (!_context.Tuning.HelpsOthers || lowest is not { } next || next - View.Round > LargestLeap || !IsQuorumReachable) return null;
        var away = Others.Count(v => !IsReachable(v) && !(_changes.RoundOf(v) > View.Round));
        return Validators.Count - past - away < Validators.Quorum ? next : null;
    }

    /// <summary>No vote of an earlier round comes from us any more.</summary>
    private void ChangeRound(ulong number)
    {
        _round = Enter(number);
        _round.IsWaiting = true;
        if (Votes)
        {
            var change = _dialect.RoundChange(_context.Me, View, Lock);
            _round.OwnRoundChange = change;
            // Our own counts too: GoQuorum's comes back to itself by its broadcast.
            _changes.Add(change);
            Cast(change);
        }
        StartTimer();
        JoinHigherRounds();
    }

    /// <summary>A quorum has sent round changes for this round.</summary>
    private void Begin(ulong number)
    {
        if (number > View.Round)
        {
            ChangeRound(number);
            return;
        }
        _round.IsWaiting = false;
        StartTimer();
        ProposeIfOurs();
    }

    private BftRound Enter(ulong number)
    {
        _timer = null;
        _changes.DropBelow(number);
        var round = _rounds[number] = new BftRound(new BftView(Settings.Sequence, number), Validators.Proposer(number));
        foreach (var old in _rounds.Keys.Take(_rounds.Count - MostRounds).ToArray()) _rounds.Remove(old);
        return round;
    }

    /// <summary>Whether votes of an earlier round still count.</summary>
    private bool IsKept(ulong number) => _rounds.ContainsKey(number) || (_dialect.LockBinds && Lock is { } held && number > held.Round);

    private BftRound RoundAt(ulong number)
    {
        if (_rounds.TryGetValue(number, out var round)) return round;
        round = _rounds[number] = new BftRound(new BftView(Settings.Sequence, number), Validators.Proposer(number));
        // Of earlier rounds those are kept that were looked at last.
        if (_rounds.Count > MostRounds) _rounds.Remove(_rounds.Keys.First(r => r != number));
        return round;
    }

    private void ProposeIfOurs()
    {
        if (!Votes || _round.Proposer != Me || _round.Preprepare is not null || _round.OwnPreprepare is not null) return;
        if (Bound() is { } bound)
        {
            Propose(bound);
            return;
        }
        _round.IsBuilding = true;
        _context.Do(new BftEffect.BuildProposal(View));
    }

    private BftProposal? Bound() => _dialect.Bound(Lock, _changes.For(View.Round), _context.Blocks);

    private void Propose(BftProposal proposal)
    {
        var message = _dialect.Preprepare(_context.Me, View, proposal, View.Round == 0 ? [] : _changes.For(View.Round));
        _round.OwnPreprepare = message;
        Cast(message);
        TakeProposal(_round, message, proposal);
    }

    /// <summary>Times the present round from now on.</summary>
    private void StartTimer()
    {
        // Round 0 is timed from when a block is due: a chain with nothing to do must not change rounds.
        if (!Votes || (View.Round == 0 && !_isDue && _round.Preprepare is null)) return;
        SetTimer(RoundLength());
    }

    /// <summary>Those who are connected have changed: the present round may be shorter or longer than it was.</summary>
    private void RestartTimer()
    {
        if (_timer is not { } timer || RoundLength() is var length && length == timer.Length) return;
        var left = timer.Began + length - _context.Now;
        SetTimer(left > ShortestWait ? left : ShortestWait);
        _timer = timer with { Length = length };
    }

    private TimeSpan ShortestWait => _context.Tuning.AwayProposerWait ?? Settings.RequestTimeout;

    private void SetTimer(TimeSpan after)
    {
        _timer = (_context.Now, after);
        _context.Do(new BftEffect.SetRoundTimer(View, after));
    }

    private TimeSpan RoundLength()
    {
        var length = _dialect.RoundLength(Settings.RequestTimeout, View.Round);
        if (length > LongestTimer) length = LongestTimer;
        // Alone there is nothing to hurry for, and a cap would take us far past GoQuorum's validators, which have none.
        if (!IsQuorumReachable) return length;
        if (_round.Preprepare is null && _context.Tuning.AwayProposerWait is { } wait && _round.Proposer != Me
            && !IsReachable(_round.Proposer))
            return wait;
        var cap = Settings.MaxRequestTimeout ?? _context.Tuning.LongestRound;
        return cap is { } longest && length > longest ? Larger(longest, Settings.RequestTimeout) : length;
    }

    private static TimeSpan Larger(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private bool IsQuorumReachable => Others.Count(IsReachable) + 1 >= Validators.Quorum;

    private bool IsReachable(Address validator) =>
        _context.Peers.IsReachable(validator, _context.Now, Settings.RequestTimeout * 2);
}
