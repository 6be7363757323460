using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// IBFT or QBFT as the node's consensus: tells the machine of the height that the head leaves open, and does what it asks in the order that
/// keeps promises (persist, then send, then build, execute or commit). A node that is no validator hears and follows. Owned by the writer
/// loop; <see cref="Standing"/> may be read from any thread.
/// </summary>
public sealed class BftDriver : IConsensusDriver
{
    private readonly BftChain _chain;
    private readonly IKeyValueStore _store;
    private readonly NodeEvents _events;
    private readonly Address _own;
    private readonly BftMachine _machine;
    private readonly BftProposals _proposals;
    private readonly BftVotes _votes = new();
    private readonly BftPace _pace = new();
    private readonly Queue<BftInput> _inputs = [];
    private HashSet<Address> _voters = [];
    private ConsensusOutputs _outputs = new();
    private NodeTime _now;
    private BlockHeader _head = new();
    private BftSettings _height = null!;
    private BftView _view;
    private byte[]? _restored;
    private Hash256? _committing;
    private bool _isParted;
    private string? _failure;
    private string? _slow;
    private IReadOnlySet<Address> _connected = new HashSet<Address>();
    private int _pending;
    private BftStanding _standing;

    internal BftDriver(BftSetup setup, NodeStores stores, INodeSigner signer, NodeEvents events)
    {
        (_chain, _store, _events, _own) = (stores.Rules.Bft!, stores.KeyValues, events, signer.Address);
        var producer = new BftBlockProducer(stores.Rules);
        var blocks = new BftBlocks(producer, _chain);
        _proposals = new BftProposals(producer, blocks, _chain, signer, _votes, setup.AllowedFutureSeconds);
        _machine = new BftMachine(new BftIdentity(_own, hash => signer.Sign(hash)), blocks, setup.Tuning);
        _standing = new BftStanding(_own);
    }

    /// <summary>As of the last step; may be read from any thread.</summary>
    public BftStanding Standing => Volatile.Read(ref _standing);

    string? IConsensusDriver.Refusal => null;

    Electorate IConsensusDriver.Electorate => Standing.Electorate;

    /// <summary>Nobody may make the next block: a contract names no validators, or all were voted out.</summary>
    private bool IsVoid => _height is { Validators.Count: 0 };

    private string? Silence => _failure ?? (_isParted ? "this node is on another chain than the validators" : _machine.Abstention);

    ExecutedBlock? IConsensusDriver.Executed(BlockHeader header) => _proposals.Executed(header);

    void IConsensusDriver.Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs)
    {
        (_now, _outputs) = (now, outputs);
        if (input is ValidatorInput heard) Hear(heard);
        else Hear(input);
        Publish();
    }

    private void Hear(ConsensusInput input)
    {
        switch (input)
        {
            case ConsensusInput.Opened opened:
                _isParted = opened.IsParted;
                _restored = Restored();
                Begin(opened.Head);
                break;
            case ConsensusInput.MayPropose turn:
                _pending = turn.Pending;
                Proceed();
                break;
            case ConsensusInput.BlockBuilt { Block: { } built }:
                if (_proposals.Seal(built) is not { } proposal) break;
                _pace.Proposed(_view);
                Feed(new BftInput.ProposalReady(proposal));
                break;
            case ConsensusInput.BlockVerified verified:
                if (verified.Executed is { } executed) _proposals.Remember(executed);
                Feed(new BftInput.ProposalVerified(verified.Block.Hash, verified.Reason));
                break;
            case ConsensusInput.VerifyStopped stopped:
                Stopped(stopped.Block);
                break;
            case ConsensusInput.PassEnded ended:
                var wait = _isParted || IsVoid ? null : _proposals.Wait(_now, ended.Pending);
                _outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Proposal, wait));
                break;
            case ConsensusInput.BlockImported imported:
                Imported(imported.Block);
                break;
            case ConsensusInput.BlockFailed failed:
                Failed(failed);
                break;
            case ConsensusInput.TimerFired { Timer: ConsensusTimer.Deadline }:
                Feed(new BftInput.RoundTimeout(_view));
                break;
            case ConsensusInput.HeadsParted heads:
                _isParted = heads.IsParted;
                break;
        }
    }

    private void Hear(ValidatorInput input)
    {
        switch (input)
        {
            case ValidatorInput.Message message:
                // A vote for another block of this height is as rare as a second round: its sender fetches what it lacks.
                if (message.Value.IsVote && message.Value.View.Sequence == _view.Sequence) _voters.Add(message.Value.Sender);
                Feed(new BftInput.MessageReceived(message.Value, message.Source.From.Address));
                message.Source.Release();
                break;
            case ValidatorInput.PeersChanged peers:
                _connected = peers.Connected;
                Feed(new BftInput.PeersChanged(peers.Connected));
                break;
            case ValidatorInput.ChangeVote vote:
                _votes.Change(vote.Candidate, vote.Authorize);
                _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<Taken>(vote.Answer, default)));
                break;
            case ValidatorInput.Explain explain:
                _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<BftReport>(explain.Answer, Report())));
                break;
        }
    }

    /// <summary>
    /// What this validator has promised: without it, it could vote for another block than before the stop. Where the row is damaged the
    /// machine gets it as one that cannot be read, and gives no votes until the others have decided that height.
    /// </summary>
    private byte[]? Restored()
    {
        try
        {
            return ChainStore.GetMeta(_store, StoredNames.BftPromise)?.ToArray();
        }
        catch (ChainCorruptException)
        {
            return [];
        }
    }

    private void Begin(BlockHeader head)
    {
        (_head, _committing, _failure, _slow, _voters) = (head, null, null, null, []);
        var before = _height?.Validators;
        _height = _chain.After(head);
        _view = new BftView(head.Number + 1, 0);
        _proposals.Begin(head);
        if (before is null || !before.Addresses.SequenceEqual(_height.Validators.Addresses)) TellValidators(before);
        if (IsVoid)
        {
            // As GoQuorum: there are no blocks any more, and everything else goes on.
            _failure = $"no validators after block {head.Number}: the chain names nobody who may make the next one";
            _outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Deadline, null));
            return;
        }
        Feed(new BftInput.NewHeight(BftSetup.HeightOf(_height, head) with { Restored = Promised(_height.Number) }));
    }

    /// <summary>Where blocks were lost the row is of a later height, and stands in the store until that one is reached.</summary>
    private byte[]? Promised(ulong height)
    {
        var row = _restored;
        if (row is null || BftPromise.HeightOf(row) is not { } promised || promised <= height) _restored = null;
        return row;
    }

    private void TellValidators(ValidatorSet? before)
    {
        var now = _height.Validators;
        _events.Raise(new ValidatorsEvent(_head.Number + 1, now.Addresses,
            before is null ? [] : [.. now.Addresses.Where(a => !before.Contains(a))],
            before is null ? [] : [.. before.Addresses.Where(a => !now.Contains(a))], now.Contains(_own)));
    }

    /// <summary>What time has brought about: the next block is due, or a proposal from the future no longer is one.</summary>
    private void Proceed()
    {
        if (_isParted || IsVoid) return;
        if (_proposals.MayBeDue(_now, _pending))
        {
            _proposals.IsDue = true;
            Feed(BftInput.ProposalDue.Instance);
        }
        if (_proposals.Early(_now) is { } verify) _outputs.Add(verify);
    }

    /// <summary>Steps the machine, and does what it asks; what it is answered at once comes after that, not in between.</summary>
    private void Feed(BftInput input)
    {
        // Without validators the machine stands at the height before, which is over.
        // On another chain than the majority a vote from here could help to decide what the others do not have.
        if (IsVoid || (_isParted && input is not (BftInput.NewHeight or BftInput.PeersChanged))) return;
        _inputs.Enqueue(input);
        if (_inputs.Count > 1) return;
        while (_inputs.TryPeek(out var next))
        {
            foreach (var effect in _machine.Step(next, TimeSpan.FromMilliseconds(_now.Milliseconds))) Do(effect);
            _inputs.Dequeue();
        }
    }

    private void Do(BftEffect effect)
    {
        switch (effect)
        {
            case BftEffect.PersistLock promise:
                _outputs.Add(new ConsensusOutput.Persist(Promise(promise.Row)));
                break;
            case BftEffect.Send send:
                _outputs.Transmit(new ValidatorEffect.Send(send.Code, send.Payload, send.To, send.Again));
                break;
            case BftEffect.BuildProposal:
                _outputs.Add(_proposals.Order(_now, _pending, _pace.BudgetFor(_height)));
                break;
            case BftEffect.VerifyProposal verify:
                Verify(verify.Proposal);
                break;
            case BftEffect.Decide decided:
                Commit(decided);
                break;
            case BftEffect.SetRoundTimer timer:
                SetTimer(timer);
                break;
            case BftEffect.NeedSync behind:
                _outputs.Add(new ConsensusOutput.Behind(behind.Height));
                break;
            case BftEffect.Refused refused:
                _events.Raise(new BftRefusedEvent(refused.Signer, refused.Reason.Name()));
                break;
        }
    }

    /// <summary>
    /// No vote for it and no word against it: the timer of its round is over, and proposed again in a longer round it may come to its end.
    /// </summary>
    private void Stopped(Block block)
    {
        _slow = $"the proposal of round {_view.Round} for block {block.Number} took longer to execute here than its round; "
            + $"it has {block.Transactions.Count} transactions and {block.Header.GasUsed} gas";
        _events.Tell(NoticeLevel.Warning, $"No vote: {_slow}");
    }

    private static KeyValueBatch Promise(byte[] row)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.BftPromise, row);
        return batch;
    }

    private void Verify(BftProposal proposal)
    {
        var (answer, verify) = _proposals.Examine(proposal, _now);
        if (answer is not null) Feed(answer);
        if (verify is not null) _outputs.Add(verify);
    }

    private void Commit(BftEffect.Decide decided)
    {
        var (block, executed) = _proposals.Complete(decided);
        _committing = block.Hash;
        _outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Deadline, null));
        // Nothing beside it and no flush: a quorum has flushed its votes, which bring the block again after a power loss.
        _outputs.Add(new ConsensusOutput.Commit(block, executed, Alongside: null));
    }

    private void SetTimer(BftEffect.SetRoundTimer timer)
    {
        if (timer.View.Round > 0 && timer.View != _view)
        {
            var proposer = _height.Proposer(timer.View.Round);
            _pace.RoundFailed(_height.Validators.Addresses.Count(v => v == _own || _connected.Contains(v)) >= _height.Quorum);
            _events.Raise(new RoundChangeEvent(timer.View.Sequence, timer.View.Round, proposer, proposer == _own));
        }
        _view = timer.View;
        _outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Deadline, timer.After));
    }

    /// <summary>Decided here or fetched from a peer, whichever was first: told twice, it counts once.</summary>
    private void Imported(Block block)
    {
        if (block.Number <= _head.Number) return;
        _pace.Decided();
        // A block that came from a peer is on its way already: those who decided it tell of it.
        if (_committing == block.Hash)
            _outputs.Transmit(new ValidatorEffect.Announce(
                block, ChainStore.GetTotalDifficulty(_store, block.Hash) ?? UInt256.Zero, _voters));
        Begin(block.Header);
    }

    /// <summary>The validators have sealed what is not valid here: their rules are not ours, and to go on would be to fork.</summary>
    private void Failed(ConsensusInput.BlockFailed failed)
    {
        _failure = $"the validators have decided on block {failed.Block.Number} ({failed.Block.Hash}), which is not valid here: "
            + failed.Reason;
    }

    private BftReport Report() => new(Standing, _machine.Explain(TimeSpan.FromMilliseconds(_now.Milliseconds)), _slow);

    private void Publish()
    {
        var (before, silence) = (_standing, Silence);
        if (silence is not null && silence != before.Silence) _events.Tell(NoticeLevel.Error, $"This node gives no votes: {silence}");
        if (ReferenceEquals(before.Settings, _height) && before.Round == _view.Round && ReferenceEquals(before.Connected, _connected)
            && ReferenceEquals(before.Candidates, _votes.Candidates) && before.Silence == silence) return;
        var standing = before with
        {
            Settings = _height,
            Before = ReferenceEquals(before.Settings, _height) ? before.Before : before.Settings?.Validators,
            Round = _view.Round,
            Connected = _connected,
            Candidates = _votes.Candidates,
            Silence = silence,
            Electorate = ReferenceEquals(before.Settings?.Validators, _height?.Validators) ? before.Electorate
                : _height is null ? before.Electorate : BftStanding.Of(_height.Validators),
        };
        Volatile.Write(ref _standing, standing);
    }
}
