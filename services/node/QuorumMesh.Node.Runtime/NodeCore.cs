using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The one writer: owns chain, pool and private side, and asks a consensus driver what becomes a block. Synchronous; inputs, time and
/// randomness come from outside, effects go out as values. A pass (<see cref="NodePass"/>) is <see cref="Begin"/>, <see cref="ReadAhead"/>,
/// <see cref="Handle"/> for each input, <see cref="Tick"/> when one is due, <see cref="Advance"/> until it is done, and
/// <see cref="Complete"/>.
/// </summary>
public sealed class NodeCore
{
    private const long AnnounceIntervalMs = 1_000;

    /// <summary>Transactions of a pass whose accounts are read ahead: what waits for the pass does not wait for more.</summary>
    private const int MostReadAhead = 4_096;

    private readonly NodeStores _stores;
    private readonly NodeEvents _events;
    private readonly TransactionDesk _desk;
    private readonly ChainWriter _chain;
    private readonly PrivateSideDriver _private;
    private readonly ManagerRecord _manager;
    private readonly BlockAssembler _assembler;
    private readonly IConsensusDriver _consensus;
    private readonly ConsensusOutputs _outputs = new();
    private readonly NodeTimers _timers = new();
    private readonly CatchUp _catchUp;
    private readonly HeadGuard _guard;
    private readonly ProgressWatch _progress;
    private readonly Func<long>? _elapsed;
    private readonly List<RecoveredTransaction> _newPending = [];
    private NodeEffects _effects = new();
    private NodeTime _now;
    private Turn _turn;
    private long _nextAnnounce;
    private bool _proposerChanged;
    private NodeFigures _published = new(0, 0, 0, 0);

    internal NodeCore(NodeCoreSetup setup, IConsensusDriver consensus)
    {
        _stores = setup.Stores;
        _events = setup.Events;
        _consensus = consensus;
        _desk = new TransactionDesk(setup.Stores, setup.Pool ?? NewPool(setup.Stores));
        var payloads = new PayloadCache(setup.PayloadCacheBytes);
        _manager = new ManagerRecord(setup.Stores.KeyValues, setup.Events);
        var side = new PrivateSide(ChainStore.PrivateStateId, setup.Stores, payloads, setup.Events, _manager, setup.PrivateRewindLimit);
        _chain = new ChainWriter(setup.Stores, side, setup.Events, setup.KeptPublicBlocks);
        _elapsed = setup.Elapsed;
        _private = new PrivateSideDriver(side, payloads, setup.Stores, _manager, setup.Elapsed);
        _assembler = new BlockAssembler(setup.Stores, _chain, _desk, setup.Events, setup.Elapsed);
        _catchUp = new CatchUp(setup.Events);
        _guard = new HeadGuard(setup.Stores, Convert.ToHexStringLower(setup.Signer.PublicKey));
        _progress = new ProgressWatch(setup.Events, setup.PrivateHeadStopsAfterMs);
    }

    /// <summary>How far the consensus part of a pass has come.</summary>
    private enum Turn
    {
        Hearing,
        Deciding,
        Proposing,
        Done,
    }

    /// <summary>The public head. This and the next ones are the loop's own, not for other threads.</summary>
    public BlockHeader Head => _chain.Head;

    /// <summary>The last block whose private side has run; never past the public head.</summary>
    public BlockPointer PrivateHead => _chain.Private.Head;

    /// <summary>Where the private head stands, and what it waits for.</summary>
    public PrivateHeadStatus PrivateStatus => _private.Status;

    /// <summary>Figures as of the last batch; may be read from any thread.</summary>
    public NodeFigures Published => Volatile.Read(ref _published);

    /// <summary>Sum of the difficulties up to the head.</summary>
    public UInt256 TotalDifficulty => _chain.TotalDifficulty;

    /// <summary>Where the manager's Watch stream is to be resumed after a start.</summary>
    public long WatchAfter => PrivateSideDriver.LoadWatched(_stores.KeyValues);

    /// <summary>The record of the manager's database that its answers are to tell of; 0 for none.</summary>
    public long ManagerRow => _manager.Row?.Sequence ?? 0;

    /// <summary>Transactions that wait for a block.</summary>
    public TransactionPool Pool => _desk.Pool;

    /// <summary>Transactions that blocks of this node are made without for a while, because they run for too long.</summary>
    public IReadOnlyList<HeldTransaction> HeldBack => _desk.HeldBack;

    /// <summary>This node's blocks beside those of the other members; may be read from any thread.</summary>
    public HeadStanding HeadStanding => _guard.Standing;

    /// <summary>What stands still, as of the last pass; may be read from any thread.</summary>
    public NodeProgress Progress => _progress.Progress;

    /// <summary>Why this node acknowledges nothing and takes no part; null when it does. May be read from any thread.</summary>
    public string? Refusal => _consensus.Refusal ?? _guard.Standing.Conflict?.ToString();

    /// <summary>Why the catch-up that runs could not go on, null while it can; may be read from any thread.</summary>
    public string? SyncFailure => _catchUp.Failure;

    /// <summary>Transactions that a block is to be made for.</summary>
    private int Waiting => _desk.WaitingFor(_chain.Head.Number + 1);

    private bool HasEarly => _effects.Network.Count > 0 || _effects.Answers.Count > 0 || _effects.Journalled is not null;

    /// <summary>
    /// After the start: transactions of the journal, members of the network, a catch-up that was cut off. What is to go out comes with the
    /// first pass.
    /// </summary>
    public void Open(NodeTime now)
    {
        _now = now;
        if (_manager.Refusal is { } refusal) _events.Tell(NoticeLevel.Error, $"The private head is stopped: {refusal}");
        if (_chain.Private.RewindsTo is { } goal)
            _events.Tell(NoticeLevel.Information,
                $"The private state goes on back to block {goal}, which it was on its way to when the node ended");
        _desk.RestoreJournal(now, _effects);
        Step(new ConsensusInput.Opened(_chain.Head, _guard.Standing.Conflict is not null));
    }

    /// <summary>Begins a pass: takes the time and the timers that are due.</summary>
    public void Begin(NodeTime now)
    {
        (_now, _turn) = (now, Turn.Hearing);
        while (_timers.TakeDue(now) is { } timer) Step(new ConsensusInput.TimerFired(timer));
    }

    /// <summary>What the pool, and the blocks after it, are going to read of the state for the transactions that a pass brings.</summary>
    public void ReadAhead(IReadOnlyList<NodeInput> inputs)
    {
        var brought = inputs.SelectMany(TransactionsOf).Take(MostReadAhead).ToArray();
        if (brought.Length > 0) KnownReads.Ahead(_stores.Public, brought);
    }

    /// <summary>One tick of consensus (50 ms).</summary>
    public void Tick() => Step(ConsensusInput.Tick.Instance);

    /// <summary>Takes one input. Nothing leaves before <see cref="Advance"/> or <see cref="Complete"/>.</summary>
    public void Handle(NodeInput input)
    {
        switch (input)
        {
            case ConsensusInput consensus:
                Step(consensus);
                break;
            case NodeInput.HeadsCompared compared:
                Compare(compared);
                break;
            // Nothing is acknowledged on a chain that the majority does not follow: the promise could not be kept.
            case NodeInput.LocalTransaction local when Refusal is { } why:
                _effects.Answers.Add(new NodeAnswer.Refusal<Hash256>(local.Answer, new TransactionRejectedException(why)));
                break;
            case NodeInput.LocalTransaction local:
                Take(local);
                break;
            case NodeInput.LocalTransactions local when Refusal is { } why:
                _effects.Answers.Add(new NodeAnswer.Refusal<IReadOnlyList<string?>>(local.Answer, new TransactionRejectedException(why)));
                break;
            case NodeInput.LocalTransactions local:
                Take(local);
                break;
            case NodeInput.PeerTransactions peer:
                _desk.AddRemote(peer.Transactions, _now, _effects, TookIn);
                break;
            case NodeInput.PayloadAnswers answers:
                _private.Answered(answers.Answers, _now);
                if (answers.Taken is { } taken) _effects.Answers.Add(new NodeAnswer.Of<Taken>(taken, default));
                break;
            case NodeInput.VoteAnswered vote:
                _private.Answered(vote.Answer, _now);
                break;
            case NodeInput.PayloadArrived arrived:
                _private.Arrived(arrived);
                break;
            case NodeInput.ManagerSeen seen:
                _manager.Takes(seen.Database);
                break;
            case NodeInput.SyncedBlocks synced:
                ImportSynced(synced);
                break;
            case NodeInput.SyncFailed failed:
                _catchUp.Failed(failed, _now);
                break;
            case NodeInput.FollowStands follow:
                _catchUp.Stands(follow.Reason);
                break;
            case NodeQuestion question:
                _effects.Answers.Add(question.AnswerFrom(this));
                break;
        }
    }

    /// <summary>
    /// Consensus acts on what it has heard: decided blocks are imported, the next one may be built. Before each block that takes long, and
    /// at the end, what the other members, and those who asked, wait for is given out.
    /// </summary>
    /// <returns>Effects to carry out before it is called again; null when it is done.</returns>
    public NodeEffects? Advance()
    {
        while (true)
        {
            if (!CarryOut() || (_turn == Turn.Done && HasEarly)) return TakeEarly();
            switch (_turn)
            {
                case Turn.Hearing:
                    _turn = Turn.Deciding;
                    // Once, for every local transaction that came in the pass; flushed beside the blocks that follow.
                    _desk.Write(_effects);
                    Step(ConsensusInput.InputsHeard.Instance);
                    break;
                case Turn.Deciding:
                    _turn = Turn.Proposing;
                    Step(new ConsensusInput.MayPropose(Waiting));
                    break;
                case Turn.Proposing:
                    _turn = Turn.Done;
                    Step(new ConsensusInput.PassEnded(Waiting));
                    break;
                default:
                    return null;
            }
        }
    }

    /// <summary>Ends a pass: the private side, announcements; makes durable what must be, and gives the effects.</summary>
    public NodeEffects Complete()
    {
        _private.Advance(_now, _effects);
        if (_proposerChanged || _now.Milliseconds >= _nextAnnounce) Announce();
        // Rows of transactions that left the pool without being mined.
        _desk.Write(_effects);
        if (_newPending.Count > 0)
        {
            _events.Raise([.. _newPending]);
            _newPending.Clear();
        }
        if (_consensus.Refusal is null) _effects.CompareHeads = _guard.Due(_now, _chain.Head.Number, _consensus.Electorate);
        if (_catchUp.Due(_now) is { } target) Sync(target);
        _effects.WakeAt = Earliest(_timers.Next, _private.WakeAt);
        Publish();
        var effects = _effects;
        _effects = new NodeEffects();
        return effects;
    }

    /// <summary>How the private side stands.</summary>
    public PrivateSideReport ReportPrivate()
    {
        var late = LatePayloads.All(_stores.KeyValues).Select(l => l.Block).ToList();
        var status = PrivateStatus;
        return new PrivateSideReport(
            Head.Number, PrivateHead.Number, status.WaitingFor, status.Reason, _manager.Refusal, _manager.Accepted, _manager.Seen,
            late.Count, late.Count == 0 ? null : late.Min());
    }

    /// <summary>The operator's word that the manager may be believed with the database that it has now.</summary>
    /// <exception cref="InvalidOperationException">Nothing is refused, or the manager has not answered since the start.</exception>
    public void AcceptManager() => _private.AcceptManager();

    /// <summary>
    /// Takes the private state back to that after a block; null for the one before the first that a payload came late for.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is nothing to go back for.</exception>
    public ulong RewindPrivate(ulong? block)
    {
        var late = LatePayloads.All(_stores.KeyValues).Select(l => (ulong?)l.Block).Min();
        var target = block ?? (late - 1) ?? throw new InvalidOperationException("no payload came too late: name the block to go back to");
        return _private.Rewind(target) ? target
            : throw new InvalidOperationException(
                $"the private head is at block {PrivateHead.Number}, not past block {target}: there is nothing to take back");
    }

    /// <summary>Before the store is closed.</summary>
    public void Close() => Step(ConsensusInput.Closing.Instance);

    /// <summary>A step begins: what tells, at its end, of the blocks whose private transactions it ran. Null when nobody listens.</summary>
    public Action? TracePrivate()
    {
        if (!TransactionTraces.IsOn) return null;
        var (before, started) = (PrivateHead.Number, DateTimeOffset.UtcNow);
        return () =>
        {
            for (var number = before + 1; number <= PrivateHead.Number; number++)
                if (ChainStore.GetBlock(_stores.KeyValues, number) is { } block) TransactionTraces.PrivateRun(block, started);
        };
    }

    /// <summary>What the other members, and those who asked, need not wait for the end of the pass for.</summary>
    internal NodeEffects TakeEarly()
    {
        var early = new NodeEffects();
        (early.Network, _effects.Network) = (_effects.Network, early.Network);
        (early.Answers, _effects.Answers) = (_effects.Answers, early.Answers);
        (early.Journalled, _effects.Journalled) = (_effects.Journalled, null);
        return early;
    }

    /// <summary>Tells consensus, and does at once what is short; a block waits for <see cref="Advance"/>.</summary>
    private void Step(ConsensusInput input)
    {
        _consensus.Step(input, _now, _outputs);
        while (_outputs.TryPeek(out var output) && !IsLong(output))
        {
            _outputs.Done();
            CarryOut(output);
        }
    }

    /// <summary>
    /// Tells what became of a block, which may have taken long: waits that follow from it begin now. Counted from the beginning of the
    /// pass, a round could be over before its proposal is looked at.
    /// </summary>
    private void StepAfter(ConsensusInput input)
    {
        if (_elapsed?.Invoke() is { } ms && ms > _now.Milliseconds)
            _now = new NodeTime(_now.UnixNanoseconds + ((ulong)(ms - _now.Milliseconds) * 1_000_000), ms);
        Step(input);
    }

    /// <returns>False when a block is next that what is to go out must not wait for.</returns>
    private bool CarryOut()
    {
        while (_outputs.TryPeek(out var output))
        {
            if (HasEarly && IsLong(output)) return false;
            _outputs.Done();
            CarryOut(output);
        }
        return true;
    }

    private static bool IsLong(ConsensusOutput output) =>
        output is ConsensusOutput.Commit or ConsensusOutput.BuildBlock or ConsensusOutput.VerifyBlock;

    private void CarryOut(ConsensusOutput output)
    {
        switch (output)
        {
            case ConsensusOutput.Persist persist:
                // Flushed here and now: what consensus transmits behind it is a promise that rests on it.
                _stores.KeyValues.Write(persist.Batch, sync: true);
                break;
            case ConsensusOutput.Transmit transmit:
                _effects.Network.Add(transmit.Effect);
                break;
            case ConsensusOutput.BuildBlock order:
                StepAfter(new ConsensusInput.BlockBuilt(IsStale(order) ? null : _assembler.Build(order)));
                break;
            case ConsensusOutput.VerifyBlock verify:
                StepAfter(Verify(verify.Block));
                break;
            case ConsensusOutput.Commit commit:
                StepAfter(Commit(commit));
                break;
            case ConsensusOutput.CatchUp catchUp:
                _catchUp.Begin(catchUp.Target);
                Sync(catchUp.Target);
                break;
            case ConsensusOutput.Behind behind:
                _effects.Seek = behind.Height;
                break;
            case ConsensusOutput.SetTimer set:
                _timers.Set(set.Timer, set.After, _now);
                break;
            case ConsensusOutput.ProposerChanged:
                _proposerChanged = true;
                break;
            case ConsensusOutput.Answer answer:
                _effects.Answers.Add(answer.Reply);
                break;
        }
    }

    /// <summary>Asked for in this pass, on a head that a block from a peer has moved since.</summary>
    private bool IsStale(ConsensusOutput.BuildBlock order) => order.Ahead.Count == 0 && order.Header.ParentHash != _chain.Head.Hash;

    private ConsensusInput Commit(ConsensusOutput.Commit commit)
    {
        // A peer has sent the decided block in the same pass.
        if (_chain.Knows(commit.Block.Hash)) return new ConsensusInput.BlockImported(commit.Block);
        try
        {
            Import(commit.Block, commit.Executed, commit.Alongside);
            return new ConsensusInput.BlockImported(commit.Block);
        }
        catch (NodeHaltedException e)
        {
            return new ConsensusInput.BlockFailed(commit.Block, e.Message);
        }
    }

    private ConsensusInput Verify(Block block)
    {
        try
        {
            // Executed before the vote. GoQuorum executes only what is decided, and networks have split over a block that failed then.
            return new ConsensusInput.BlockVerified(block, _chain.ExecuteProposal(block, RoundIsOver()), Reason: null);
        }
        catch (ExecutionStoppedException)
        {
            return new ConsensusInput.VerifyStopped(block);
        }
        catch (NodeHaltedException e)
        {
            return new ConsensusInput.BlockVerified(block, Executed: null, e.Message);
        }
    }

    /// <summary>Past the end of its round a vote is worth nothing, and the others wait for this node in the next one.</summary>
    private Func<bool>? RoundIsOver() =>
        _elapsed is { } elapsed && _timers.DueAt(ConsensusTimer.Deadline) is { } end ? () => elapsed() >= end : null;

    private void Import(Block block, ExecutedBlock? prepared, KeyValueBatch? alongside)
    {
        var executed = _chain.Import(block, prepared, batch =>
        {
            // In the block's own batch: the applied index and what consensus keeps move with the head, or not at all.
            if (alongside is not null) batch.Append(alongside);
            _desk.Mined(block.Transactions, batch);
        });
        _desk.NewHead(block.Header, _chain.PublicLayer, executed.Transactions, executed.Imported.Execution.PublicChanges);
        _catchUp.Reached(block.Hash);
    }

    private void ImportSynced(NodeInput.SyncedBlocks synced)
    {
        try
        {
            foreach (var block in synced.Blocks)
            {
                if (_chain.Knows(block.Hash)) continue;
                // Raft, IBFT and QBFT are final: another branch is a fault to be told, never a fork to choose.
                if (block.Header.ParentHash != _chain.Head.Hash)
                    throw new NodeHaltedException($"block {block.Number} does not build on our head {_chain.Head.Number} "
                        + $"({_chain.Head.Hash}): this node is on another chain than the cluster; start it again from an empty data "
                        + "directory");
                _chain.RequireDecided(block.Header);
                var prepared = _consensus.Executed(block.Header);
                if (prepared is not null) _chain.RequireValid(block.Header);
                Import(prepared?.Block ?? block, prepared, alongside: null);
                StepAfter(new ConsensusInput.BlockImported(block));
            }
            _effects.Answers.Add(new NodeAnswer.Of<Taken>(synced.Done, default));
        }
        catch (NodeHaltedException e)
        {
            _effects.Answers.Add(new NodeAnswer.Refusal<Taken>(synced.Done, e));
        }
    }

    private void Compare(NodeInput.HeadsCompared compared)
    {
        if (!_guard.Heard(compared.Answers, _now, _consensus.Electorate)) return;
        _events.Raise(new HeadStandingEvent(_guard.Standing.Conflict));
        Step(new ConsensusInput.HeadsParted(_guard.Standing.Conflict is not null));
    }

    private void Sync(in Hash256 target) => _effects.Sync = (new BlockPointer(_chain.Head.Number, _chain.Head.Hash), target);

    private void Publish()
    {
        var figures = new NodeFigures(_chain.Head.Number, Pool.PendingCount, Pool.QueuedCount, _desk.UnminedLocal);
        if (figures != _published) Volatile.Write(ref _published, figures);
        _progress.Observe(_now, new BlockPointer(_chain.Head.Number, _chain.Head.Hash), _chain.Private.Head, Waiting, _private.Status);
    }

    private void Take(NodeInput.LocalTransaction local)
    {
        if (_desk.AddLocal(local.Transaction, _now) is { } reason)
        {
            _effects.Answers.Add(new NodeAnswer.Refusal<Hash256>(local.Answer, new TransactionRejectedException(reason)));
            return;
        }
        TookIn(local.Transaction);
        _desk.AnswerJournalled(new NodeAnswer.Of<Hash256>(local.Answer, local.Transaction.Tx.Hash));
    }

    private void Take(NodeInput.LocalTransactions local)
    {
        var reasons = new string?[local.Transactions.Count];
        for (var i = 0; i < reasons.Length; i++)
        {
            reasons[i] = _desk.AddLocal(local.Transactions[i], _now);
            if (reasons[i] is null) TookIn(local.Transactions[i]);
        }
        var answer = new NodeAnswer.Of<IReadOnlyList<string?>>(local.Answer, reasons);
        if (Array.TrueForAll(reasons, r => r is not null)) _effects.Answers.Add(answer);
        else _desk.AnswerJournalled(answer);
    }

    private void TookIn(RecoveredTransaction transaction)
    {
        _newPending.Add(transaction);
        _private.Want(transaction.Tx);
    }

    private void Announce()
    {
        _nextAnnounce = _now.Milliseconds + AnnounceIntervalMs;
        _desk.Maintain(_now, _proposerChanged, _effects);
        _proposerChanged = false;
    }

    private static IEnumerable<RecoveredTransaction> TransactionsOf(NodeInput input) => input switch
    {
        NodeInput.LocalTransaction local => [local.Transaction],
        NodeInput.LocalTransactions local => local.Transactions,
        NodeInput.PeerTransactions peer => peer.Transactions,
        _ => [],
    };

    private static TransactionPool NewPool(NodeStores stores)
    {
        var head = ChainStore.GetHeader(stores.KeyValues, stores.Public.Head.BlockHash)!;
        return new TransactionPool(stores.Rules.Config, stores.Rules.Profile, TransactionDesk.HeadFor(head, stores.Public.Head));
    }

    private static long? Earliest(long? a, long? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);
}

/// <summary>What the loop shows of itself.</summary>
public sealed record NodeFigures(ulong Head, int Pending, int Queued, int LocalUnmined);
