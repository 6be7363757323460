using QuorumMesh.Chain;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The one writer: owns chain, pool, minting and Raft. Synchronous; inputs, time and randomness come from outside, effects go out as values. A host or a simulation calls
/// <see cref="Begin"/>, <see cref="Handle"/> for each input, <see cref="Tick"/> when one is due, and <see cref="Complete"/>.
/// </summary>
public sealed class NodeCore : IRaftApplication
{
    private const long AnnounceIntervalMs = 1_000;
    private const ulong DeferredBytesPerRead = 16 << 20;
    private const long SyncRetryMs = 10_000;

    private readonly NodeStores _stores;
    private readonly NodeEvents _events;
    private readonly TransactionDesk _desk;
    private readonly ChainWriter _chain;
    private readonly PrivateSideDriver _private;
    private readonly ManagerRecord _manager;
    private readonly Minter _minter;
    private readonly RaftDriver _raft;
    private readonly RaftMembers _members;
    private readonly HeadGuard _guard;
    private readonly ProgressWatch _progress;
    private readonly ProposalRules _proposals;
    private readonly BlockIntake _intake = new();
    private readonly List<RecoveredTransaction> _newPending = [];
    private NodeEffects _effects = new();
    private NodeTime _now;
    private long _nextAnnounce;
    private bool _minterChanged;
    private bool _leftIsTold;
    private (Hash256 Target, long At)? _syncAgain;
    private string? _syncFailure;
    private NodeFigures _published = new(0, 0, 0, 0);

    public NodeCore(NodeCoreSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        _stores = setup.Stores;
        _events = setup.Events;
        _desk = new TransactionDesk(setup.Stores, setup.Pool ?? NewPool(setup.Stores));
        var payloads = new PayloadCache(setup.PayloadCacheBytes);
        _manager = new ManagerRecord(setup.Stores.KeyValues, setup.Events);
        _chain = new ChainWriter(setup.Stores, payloads, setup.Events, setup.KeptPublicBlocks, _manager, setup.PrivateRewindLimit);
        _private = new PrivateSideDriver(_chain, payloads, setup.Stores, _manager);
        _minter = new Minter(setup.Stores, setup.Signer, setup.RaftId, setup.BlockTimeMs, _chain.Head.Hash);
        _members = new RaftMembers(setup.Stores, setup.Transport, setup.RaftId, setup.MembersChanged, setup.RaftSnapshotInterval, setup.RaftEntriesKept, setup.LeftCluster);
        _guard = new HeadGuard(setup.Stores, Convert.ToHexStringLower(setup.Signer.PublicKey));
        _progress = new ProgressWatch(setup.Events, setup.PrivateHeadStopsAfterMs);
        _proposals = new ProposalRules(setup.Stores.Rules, _chain, _minter, _members);
        _raft = new RaftDriver(setup.Raft, setup.RaftLog, setup.Stores.KeyValues, setup.Transport.Send);
    }

    public BlockHeader Head => _chain.Head;

    public BlockPointer PrivateHead => _chain.PrivateHead;

    public PrivateHeadStatus PrivateStatus => _private.Status;

    /// <summary>Figures as of the last batch; may be read from any thread.</summary>
    public NodeFigures Published => Volatile.Read(ref _published);

    public UInt256 TotalDifficulty => _chain.TotalDifficulty;

    /// <summary>Where the manager's Watch stream is to be resumed after a start.</summary>
    public long WatchAfter => PrivateSideDriver.LoadWatched(_stores.KeyValues);

    public TransactionPool Pool => _desk.Pool;

    public RaftCore Raft => _raft.Core;

    /// <summary>May be read from any thread.</summary>
    public RaftView RaftView => _members.View;

    /// <summary>This node's blocks beside those of the other members; may be read from any thread.</summary>
    public HeadStanding HeadStanding => _guard.Standing;

    /// <summary>What stands still, as of the last pass; may be read from any thread.</summary>
    public NodeProgress Progress => _progress.Progress;

    /// <summary>Why this node acknowledges nothing and takes no part; null when it does. May be read from any thread.</summary>
    public string? Refusal => _members.View.HasLeft ? RaftMembers.LeftExplanation : _guard.Standing.Conflict?.ToString();

    /// <summary>Why the catch-up that runs could not go on, null while it can; may be read from any thread.</summary>
    public string? SyncFailure => Volatile.Read(ref _syncFailure);

    /// <summary>After the start: transactions of the journal, members of the log, a catch-up that was cut off.</summary>
    public void Open(NodeTime now)
    {
        _now = now;
        if (_manager.Refusal is { } refusal) _events.Tell(NoticeLevel.Error, $"The private head is stopped: {refusal}");
        _members.ConnectAll();
        if (!_members.HasLeft) _members.Foresee(Unapplied(), _raft.Core);
        _desk.RestoreJournal(now, _effects);
        StandDownWhenLeft();
        if (!_members.HasLeft && _raft.Log.Snapshot() is { } snapshot && snapshot.Index > ChainStore.GetAppliedRaftIndex(_stores.KeyValues))
            ApplySnapshot(snapshot);
    }

    public void Begin(NodeTime now) => _now = now;

    /// <summary>A node on another chain neither leads nor asks for votes: without its heartbeats the others elect a leader whose blocks count.</summary>
    public void Tick()
    {
        if (_members.HasLeft) _members.TickAfterLeaving();
        else if (_guard.Standing.Conflict is null) _raft.Core.Tick();
    }

    public void Handle(NodeInput input)
    {
        switch (input)
        {
            case NodeInput.RaftMessage when _members.HasLeft:
                break;
            case NodeInput.RaftMessage raft:
                Take(raft.Message);
                break;
            case NodeInput.RaftIntroduced introduced:
                _raft.Core.Introduce(introduced.Id);
                break;
            case NodeInput.RaftAnnounced announced:
                _raft.Core.Announce(announced.Id, announced.PreVote);
                break;
            case NodeInput.RaftPeerLost lost when lost.Id == _raft.Core.Leader:
                _raft.Core.ReportLeaderLost();
                break;
            case NodeInput.RaftUnreachable unreachable:
                _raft.Core.ReportUnreachable(unreachable.Id);
                break;
            case NodeInput.RaftSnapshotReported reported:
                _raft.Core.ReportSnapshot(reported.Id, reported.Delivered);
                break;
            case NodeInput.RaftRemoved removed:
                _members.HearRemoved(removed.By);
                StandDownWhenLeft();
                break;
            case NodeInput.HeadsCompared compared:
                if (_guard.Heard(compared.Answers, _now, _members.View.VoterIds)) _events.Raise(new HeadStandingEvent(_guard.Standing.Conflict));
                break;
            case NodeInput.LocalTransaction local when Refusal is { } why:
                _effects.Acknowledgements.Add(() => local.Answer.TrySetException(new TransactionRejectedException(why)));
                break;
            case NodeInput.LocalTransaction local:
                if (_desk.AddLocal(local.Transaction, local.Answer, _now, _effects)) TookIn(local.Transaction);
                break;
            case NodeInput.PeerTransactions peer:
                _desk.AddRemote(peer.Transactions, _now, _effects, TookIn);
                break;
            case NodeInput.PayloadAnswers answers:
                _private.Answered(answers.Answers, _now);
                answers.Taken?.TrySetResult();
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
                SyncLater(failed);
                break;
            case NodeInput.Query query:
                query.Ask(this);
                break;
        }
    }

    /// <summary>Ends a batch: Raft, minting, the private side, announcements; makes durable what must be, and gives the effects.</summary>
    public NodeEffects Complete()
    {
        _raft.Pump(this);
        Mint();
        _private.Advance(_now, _effects);
        if (_minterChanged || _now.Milliseconds >= _nextAnnounce) Announce();
        _desk.Flush(_effects);
        if (_newPending.Count > 0)
        {
            _events.Raise([.. _newPending]);
            _newPending.Clear();
        }
        if (!_members.HasLeft) _effects.CompareHeads = _guard.Due(_now, _chain.Head.Number, _members.View.VoterIds);
        if (_syncAgain is { } again && _now.Milliseconds >= again.At) Sync(again.Target);
        _effects.WakeAt = Earliest(MayMint ? _minter.WakeAt(Pool) : null, _private.WakeAt);
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
            Head.Number, PrivateHead.Number, status.WaitingFor, status.Reason, _manager.Refusal, _manager.Accepted, _manager.Seen, late.Count, late.Count == 0 ? null : late.Min());
    }

    /// <summary>The operator's word that the manager may be believed with the database that it has now.</summary>
    /// <exception cref="InvalidOperationException">Nothing is refused, or the manager has not answered since the start.</exception>
    public void AcceptManager() => _private.AcceptManager();

    /// <summary>Takes the private state back to that after a block; null for the one before the first that a payload came late for.</summary>
    /// <exception cref="InvalidOperationException">There is nothing to go back for.</exception>
    public ulong RewindPrivate(ulong? block)
    {
        var late = LatePayloads.All(_stores.KeyValues).Select(l => (ulong?)l.Block).Min();
        var target = block ?? (late - 1) ?? throw new InvalidOperationException("no payload came too late: name the block to go back to");
        return _private.Rewind(target) ? target
            : throw new InvalidOperationException($"the private head is at block {PrivateHead.Number}, not past block {target}: there is nothing to take back");
    }

    /// <summary>Before the store is closed: a synced write, so that a restart has nothing to replay.</summary>
    public void Close() => _members.WriteApplied(_intake.Applied, sync: true);

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

    void IRaftApplication.ApplyBlock(ulong index, byte[] data)
    {
        if (_intake.Defer(index)) return;
        ApplyBlockNow(index, data);
        _members.MaybeSnapshot(_raft, index, data.Length, _chain.Head.Hash);
    }

    RaftConfChange? IRaftApplication.ReadMembership(RaftEntry entry)
    {
        var (change, why) = _members.Read(entry);
        if (change is null) PassOver(entry.Index, PassedOverKind.Unreadable, null, $"the membership change has no effect: {why}");
        return change;
    }

    void IRaftApplication.Foresee(IReadOnlyList<RaftEntry> entries) => _members.Foresee(entries, _raft.Core);

    void IRaftApplication.ApplyMembership(ulong index, RaftConfChange change, RaftConfState result)
    {
        _intake.Passed(index);
        var isNew = _members.IsNew(change);
        _members.Apply(_intake.Applied, change, result);
        if (isNew && !_intake.IsWaiting) _members.Snapshot(_raft, index, _chain.Head.Hash);
        StandDownWhenLeft();
    }

    void IRaftApplication.ApplySnapshot(RaftSnapshot snapshot) => ApplySnapshot(snapshot);

    void IRaftApplication.LeadershipChanged(ulong leader, RaftRole role)
    {
        if (_members.HasLeft) return;
        if (leader != _members.View.Leader) _events.Raise(new LeaderEvent(leader, role == RaftRole.Leader, _raft.Core.Term, new BlockPointer(_chain.Head.Number, _chain.Head.Hash)));
        _members.SetLeader(leader, role);
        var leading = role == RaftRole.Leader;
        if (leading != _minter.IsLeading) _minter.SetLeading(leading, _chain.Head.Hash);
        _minterChanged |= leader != 0;
    }

    /// <summary>Proposes what an operator asks for; it is done once it is committed, which nobody waits for (as in GoQuorum).</summary>
    /// <returns>The id that it is about; 0 when there is nothing to do.</returns>
    /// <exception cref="RaftMembershipException">It cannot be proposed.</exception>
    internal ulong Propose(RaftMembershipRequest request)
    {
        if (_members.Change(request, _raft.Core) is not { } change) return 0;
        if (!_raft.Core.ProposeConfChange(change))
            throw new RaftMembershipException("no leader is known, or another change of the membership is under way: try again");
        return change.NodeId;
    }

    private void Take(RaftMessage message)
    {
        var (refusal, why) = Examine(message);
        if (refusal == RaftRefusal.None) refusal = _raft.Core.Step(message);
        if (refusal != RaftRefusal.None) _events.Raise(new RaftRefusedEvent(message.From, message.Type.ToString(), refusal.Name(), why));
    }

    /// <summary>What the core cannot know: the meaning of entries and snapshots, and who was removed.</summary>
    private (RaftRefusal Refusal, string? Why) Examine(RaftMessage message)
    {
        if (_members.IsRemoved(message.From)) return (RaftRefusal.RemovedSender, null);
        if (message.Snapshot is { } snapshot && !RaftMembers.IsReadable(snapshot)) return (RaftRefusal.Malformed, "the data of the snapshot cannot be read");
        if (message.Type != RaftMessageType.Prop || !_raft.Core.IsLeader || !_raft.Core.HasMember(message.From)) return (RaftRefusal.None, null);
        return _proposals.Refuse(message.Entries, _raft.Core.ConfState) is { } why ? (RaftRefusal.BadProposal, why) : (RaftRefusal.None, null);
    }

    /// <summary>The same decision on every node from the same log: a valid block on the head is imported, anything else has no effect (GoQuorum raft/handler.go).</summary>
    private void ApplyBlockNow(ulong index, byte[] data)
    {
        if (!BlockIntake.TryDecode(data, out var block, out var why))
        {
            PassOver(index, PassedOverKind.Unreadable, null, why);
            return;
        }
        _intake.Passed(index);
        if (_chain.Knows(block.Hash)) return;
        if (block.Header.ParentHash != _chain.Head.Hash)
        {
            var head = $"the head is block {_chain.Head.Number} ({_chain.Head.Hash})";
            PassOver(index, PassedOverKind.Void, block, $"it builds on {block.Header.ParentHash}, and {head}");
            return;
        }
        try
        {
            Import(block, index);
        }
        catch (NodeHaltedException e)
        {
            PassOver(index, PassedOverKind.Invalid, block, e.Message);
            return;
        }
        _minter.Accepted(block.Hash);
    }

    private void PassOver(ulong index, PassedOverKind kind, Block? block, string why)
    {
        _intake.Passed(index);
        if (block is not null) _minter.Unwind(block.Hash, _chain.Head.Hash);
        _events.Raise(new PassedOverEvent(index, kind, block is null ? null : new BlockPointer(block.Number, block.Hash), why));
    }

    private IReadOnlyList<RaftEntry> Unapplied()
    {
        var first = Math.Max(_raft.Log.FirstIndex, _raft.Core.Applied + 1);
        return first > _raft.Log.LastIndex ? [] : _raft.Log.Entries(first, _raft.Log.LastIndex + 1, ulong.MaxValue);
    }

    private void Import(Block block, ulong? raftIndex)
    {
        var executed = _chain.Import(block, _minter.Find(block.Hash), batch =>
        {
            if (raftIndex is { } index) ChainStore.PutAppliedRaftIndex(batch, index);
            _desk.Mined(block.Transactions, batch);
        });
        _desk.NewHead(block.Header, _chain.PublicLayer, executed.Transactions, executed.Imported.Execution.PublicChanges);
    }

    /// <summary>The log before the snapshot is not to be had: membership is taken over, blocks come from peers, later entries wait.</summary>
    private void ApplySnapshot(RaftSnapshot snapshot)
    {
        var data = RaftSnapshotData.Decode(snapshot.Data);
        _members.Replace(data, snapshot);
        StandDownWhenLeft();
        _minter.Clear(_chain.Head.Hash);
        if (_chain.Knows(data.HeadBlockHash))
        {
            _members.WriteApplied(snapshot.Index, sync: true);
            _intake.Passed(snapshot.Index);
            return;
        }
        _intake.WaitFor(data.HeadBlockHash, snapshot.Index);
        Sync(data.HeadBlockHash);
    }

    private void Sync(in Hash256 target)
    {
        _syncAgain = null;
        _effects.Sync = (new BlockPointer(_chain.Head.Number, _chain.Head.Hash), target);
    }

    /// <summary>Whoever named the target, and whatever the peers sent: the node stays up, says so, and tries again.</summary>
    private void SyncLater(NodeInput.SyncFailed failed)
    {
        if (!_intake.IsWaitingFor(failed.Target)) return;
        var reason = $"catching up to block {failed.Target} failed: {failed.Reason}";
        Volatile.Write(ref _syncFailure, reason);
        _syncAgain = (failed.Target, _now.Milliseconds + SyncRetryMs);
        _events.RaiseCatchUpFailed(reason);
    }

    private void ImportSynced(NodeInput.SyncedBlocks synced)
    {
        try
        {
            foreach (var block in synced.Blocks)
            {
                if (_chain.Knows(block.Hash)) continue;
                if (block.Header.ParentHash != _chain.Head.Hash)
                    throw new NodeHaltedException($"block {block.Number} does not build on our head {_chain.Head.Number} ({_chain.Head.Hash}): this node is on another chain than the cluster; start it again from an empty data directory");
                Import(block, raftIndex: null);
            }
            synced.Done.TrySetResult();
        }
        catch (NodeHaltedException e)
        {
            synced.Done.TrySetException(e);
            return;
        }
        if (_intake.Reached(_chain.Head.Hash) is not { } index) return;
        _syncAgain = null;
        Volatile.Write(ref _syncFailure, null);
        _members.WriteApplied(index, sync: true);
        _minter.Clear(_chain.Head.Hash);
        ApplyDeferred(index + 1);
    }

    private void ApplyDeferred(ulong from)
    {
        for (var next = from; next <= _intake.LastDeferred;)
            foreach (var entry in _raft.Log.Entries(next, _intake.LastDeferred + 1, DeferredBytesPerRead))
            {
                if (entry is { Type: RaftEntryType.Normal, Data.Length: > 0 }) ApplyBlockNow(entry.Index, entry.Data);
                next = entry.Index + 1;
            }
    }

    private void StandDownWhenLeft()
    {
        if (!_members.HasLeft || _leftIsTold) return;
        _leftIsTold = true;
        if (_minter.IsLeading) _minter.SetLeading(false, _chain.Head.Hash);
        _events.RaiseLeft(RaftMembers.LeftExplanation);
    }

    /// <summary>A leader that hears no majority may have been replaced: what it minted would only have to be taken back.</summary>
    private bool MayMint => !_intake.IsWaiting && Refusal is null && _raft.Core.HasQuorum;

    private void Mint()
    {
        var isSettled = _raft.Core.Applied == _raft.Core.LastIndex;
        if (!MayMint || _minter.TryMint(_desk, _chain, _now, isSettled) is not { } block) return;
        if (!_raft.Core.Propose(block.Block.Encode())) return;
        _minter.Proposed(block);
        _raft.Pump(this);
    }

    private void Publish()
    {
        _members.Observe(_raft.Core);
        var figures = new NodeFigures(_chain.Head.Number, Pool.PendingCount, Pool.QueuedCount, _desk.UnminedLocal);
        if (figures != _published) Volatile.Write(ref _published, figures);
        _progress.Observe(_now, new BlockPointer(_chain.Head.Number, _chain.Head.Hash), _chain.PrivateHead, Pool.PendingCount, _private.Status);
    }

    private void TookIn(RecoveredTransaction transaction)
    {
        _newPending.Add(transaction);
        _private.Want(transaction.Tx);
    }

    private void Announce()
    {
        _nextAnnounce = _now.Milliseconds + AnnounceIntervalMs;
        _desk.Maintain(_now, _minterChanged, _effects);
        _minterChanged = false;
    }

    private static TransactionPool NewPool(NodeStores stores)
    {
        var head = ChainStore.GetHeader(stores.KeyValues, stores.Public.Head.BlockHash)!;
        return new TransactionPool(stores.Rules.Config, stores.Rules.Profile, TransactionDesk.HeadFor(head, stores.Public.Head));
    }

    private static long? Earliest(long? a, long? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);
}

/// <summary>What the loop shows of itself.</summary>
public sealed record NodeFigures(ulong Head, int Pending, int Queued, int LocalUnmined);
