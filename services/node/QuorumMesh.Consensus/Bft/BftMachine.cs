using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// IBFT 1.0 and QBFT as one pure state machine: the same inputs give the same effects. It lives as long as the node; a height, a round and
/// a message have a class each. It never throws on what the network says. Not thread safe.
/// </summary>
public sealed class BftMachine
{
    // Of a height that is over: a round has one proposer, and none that is behind needs more.
    private const int MostAnswers = 8;

    private readonly BftContext _context;
    private readonly BftRelay _relay = new();
    private readonly HashSet<BftView> _answered = [];
    private BftHeightMachine? _height;
    private BftHeightMachine? _previous;
    private ulong _neededHeight;

    /// <param name="me">The node's key; it votes at heights where it is a validator.</param>
    /// <param name="tuning">Null takes the defaults.</param>
    public BftMachine(BftIdentity me, IBftBlocks blocks, BftTuning? tuning = null) =>
        _context = new BftContext(me, blocks, tuning ?? new BftTuning());

    /// <summary>Why this validator votes for nothing at the present height, though it is one; null when it does.</summary>
    public string? Abstention => _height?.Abstention;

    /// <summary>One thing has happened.</summary>
    /// <param name="now">Time of a clock that never goes back, since whenever; for how long ago somebody was heard.</param>
    /// <returns>What is to happen, in this order.</returns>
    public IReadOnlyList<BftEffect> Step(BftInput input, TimeSpan now)
    {
        _context.Now = now;
        switch (input)
        {
            case BftInput.NewHeight begun: Begin(begun.Height); break;
            case BftInput.ProposalDue: _height?.ProposalDue(); break;
            case BftInput.ProposalReady ready: _height?.ProposalReady(ready.Proposal); break;
            case BftInput.ProposalVerified verified: _height?.Verified(verified.Digest, verified.Fault); break;
            case BftInput.MessageReceived received: Receive(received.Message, received.From); break;
            case BftInput.RoundTimeout timeout: _height?.Timeout(timeout.View); break;
            case BftInput.PeersChanged changed:
                var added = _context.Peers.Connect(changed.Connected);
                _height?.Connected(added);
                break;
            default: throw new ArgumentException($"no such input: {input.GetType().Name}");
        }
        TakeBacklog();
        return _context.Flush(() => _height!.Row());
    }

    /// <summary>Why there is no block, and what is known of each validator; null before the first height.</summary>
    public BftExplanation? Explain(TimeSpan now)
    {
        _context.Now = now;
        return _height?.Explain(now);
    }

    private void Begin(BftHeight settings)
    {
        if (_height is { } present && settings.Sequence <= present.Settings.Sequence) return;
        _previous = _height?.Settings.Sequence + 1 == settings.Sequence ? _height : null;
        _answered.Clear();
        _height = new BftHeightMachine(_context, settings);
        _context.Peers.Keep(_height.Validators);
        _context.Backlog.Keep(_height.Validators);
        if (settings.Restored is { } row) _height.Restore(row);
    }

    /// <summary>Messages that were kept for a view which has begun.</summary>
    private void TakeBacklog()
    {
        if (_height is not { IsDecided: false } height) return;
        // Again and again: what was taken may have begun a view for which more was kept.
        for (var due = _context.Backlog.Take(height.View); due.Count > 0; due = _context.Backlog.Take(height.View))
            foreach (var message in due) Deliver(height, message);
    }

    private void Receive(BftMessage message, Address from)
    {
        if (_height is not { } height) return;
        if (!height.Validators.Contains(message.Sender))
        {
            _context.Do(new BftEffect.Refused(BftRefusal.UnknownSender, message.Sender));
            return;
        }
        _context.Peers.Hear(message, _context.Now);
        if (_relay.Note(message.Id, from)) return;
        var sequence = height.Settings.Sequence;
        if (message.View.Sequence > sequence) Keep(height, message);
        else if (message.View.Sequence == sequence) Deliver(height, message);
        else AnswerOld(message);
    }

    /// <summary>A message of a later height: the next one's are kept.</summary>
    private void Keep(BftHeightMachine height, BftMessage message)
    {
        if (message.View.Sequence == height.Settings.Sequence + 1) _context.Backlog.Add(message);
        if (height.IsDecided) return;
        // Of more than F validators one is honest, and it began that height with its parent imported.
        var heights = height.Others.Select(v => _context.Peers.Last(v)?.HighestSequence ?? 0).OrderDescending();
        var behind = heights.ElementAtOrDefault(height.Validators.FaultTolerance);
        if (behind <= height.Settings.Sequence || behind - 1 <= _neededHeight) return;
        _neededHeight = behind - 1;
        _context.Do(new BftEffect.NeedSync(_neededHeight));
    }

    private void Deliver(BftHeightMachine height, BftMessage message)
    {
        var before = height.View;
        var refusal = height.Handle(message);
        switch (refusal)
        {
            case BftRefusal.None:
                // Only what was taken is passed on, so that nonsense goes no further than one validator.
                IEnumerable<Address> others = height.IsPassedOn(message, before) ? height.Others.Where(v => v != message.Sender) : [];
                _context.Send(message, _relay.Take(message.Id, others));
                break;
            case BftRefusal.Future:
                _context.Backlog.Add(message);
                break;
            case BftRefusal.Old:
                break;
            default:
                _context.Do(new BftEffect.Refused(refusal, message.Sender));
                break;
        }
    }

    /// <summary>
    /// An IBFT proposer that is behind and proposes the block which was decided gets our COMMIT for it, once, so that it decides as well
    /// (2.5:consensus/istanbul/core/preprepare.go). The seal is over that block; GoQuorum's is over its present one.
    /// </summary>
    private void AnswerOld(BftMessage message)
    {
        if (message is not PreprepareMessage proposed || message.Protocol != BftProtocol.Ibft || _previous is not { } previous) return;
        if (proposed.View.Sequence != previous.Settings.Sequence || !previous.Validators.Contains(_context.Me.Address)) return;
        if (proposed.Sender != previous.Validators.Proposer(proposed.View.Round) || previous.Settings.Protocol != BftProtocol.Ibft) return;
        if (_answered.Count == MostAnswers || proposed.View.Round > previous.View.Round + BftHeightMachine.LargestLeap) return;
        var block = _context.Blocks.Read(BftProtocol.Ibft, proposed.Block);
        if (block?.Digest != _height!.Settings.Parent || !_answered.Add(proposed.View)) return;
        var seal = _context.Me.Sign(IbftWire.SealHash(block.Digest));
        _context.Send(IbftWire.NewCommit(_context.Me, proposed.View, block.Digest, seal), [proposed.Sender]);
    }
}
