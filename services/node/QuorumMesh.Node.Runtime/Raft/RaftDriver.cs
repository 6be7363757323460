using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Raft as the node's consensus: blocks are log entries, the leader mints. Does what the Raft core asks in the order that keeps promises
/// (persist, then send, then apply), and goes on with the entries behind a block once it is known what became of it. Owned by the writer
/// loop; <see cref="View"/> may be read from any thread.
/// </summary>
public sealed class RaftDriver : IConsensusDriver
{
    private const ulong DeferredBytesPerRead = 16 << 20;

    private readonly IRaftLog _log;
    private readonly IKeyValueStore _store;
    private readonly NodeEvents _events;
    private readonly RaftMembers _members;
    private readonly RaftChanges _changes = new();
    private readonly BlockIntake _intake = new();
    private readonly Minter _minter;
    private readonly ProposalRules _proposals;
    private readonly Queue<RaftEntry> _deferred = [];
    private readonly RaftHandover _handover = new();
    private readonly Dictionary<ulong, (long At, RaftMessageType Kind)> _heard = [];
    private ConsensusOutputs _outputs = new();
    private NodeTime _now;
    private BlockHeader _head;
    private bool _isParted;
    private bool _leftIsTold;
    private bool _isNoted;
    private ulong? _nextDeferred;
    private int _pending;

    /// <summary>What is being done, and how far its entries are applied.</summary>
    private (RaftReady Ready, int Applied)? _work;

    /// <summary>The entry whose block the core imports; <c>Size</c> is null when it was deferred.</summary>
    private (ulong Index, int? Size)? _importing;

    internal RaftDriver(RaftSetup setup, NodeStores stores, INodeSigner signer, NodeEvents events)
    {
        (Core, _log, _store, _events) = (setup.Core, setup.Log, stores.KeyValues, events);
        var head = ChainStore.GetPublicHead(_store) ?? throw new InvalidOperationException("the store has no genesis");
        _head = ChainStore.GetHeader(_store, head.Hash) ?? throw new ChainCorruptException($"the head block {head.Hash} is not stored");
        _minter = new Minter(stores, signer, setup.Id, setup.BlockTimeMs, head.Hash);
        _members = new RaftMembers(_store, setup.Id, setup.SnapshotInterval, setup.EntriesKept);
        _proposals = new ProposalRules(stores.Rules, _minter, _members);
        _isNoted = RaftParticipation.IsNoted(_store);
    }

    /// <summary>Owned by the writer loop: not for other threads.</summary>
    public RaftCore Core { get; }

    /// <summary>May be read from any thread.</summary>
    public RaftView View => _members.View;

    string? IConsensusDriver.Refusal => View.HasLeft ? RaftMembers.LeftExplanation : null;

    Electorate IConsensusDriver.Electorate => Electorate.Majority(View.VoterIds);

    private bool HasLeft => _members.HasLeft;

    private bool IsImporting => _importing is not null;

    /// <summary>
    /// A leader that hears no majority may have been replaced: what it minted would only have to be taken back. One that hands over
    /// leadership could propose nothing.
    /// </summary>
    private bool MayMint => !_intake.IsWaiting && !HasLeft && !_isParted && Core.HasQuorum && Core.TransferTarget == 0;

    void IConsensusDriver.Step(ConsensusInput input, NodeTime now, ConsensusOutputs outputs)
    {
        (_now, _outputs) = (now, outputs);
        if (input is RaftInput raft) Hear(raft);
        else Hear(input);
    }

    private void Hear(ConsensusInput input)
    {
        switch (input)
        {
            case ConsensusInput.Opened opened:
                Open(opened);
                break;
            case ConsensusInput.Tick:
                Tick();
                break;
            case ConsensusInput.InputsHeard:
                Pump();
                break;
            case ConsensusInput.MayPropose turn:
                _pending = turn.Pending;
                Mint(turn.Pending);
                break;
            case ConsensusInput.BlockBuilt { Block: { } built }:
                Propose(built);
                break;
            case ConsensusInput.PassEnded ended:
                Rest(ended.Pending);
                break;
            case ConsensusInput.BlockImported imported:
                Imported(imported.Block);
                break;
            case ConsensusInput.BlockFailed failed:
                Failed(failed);
                break;
            case ConsensusInput.TimerFired { Timer: ConsensusTimer.Deadline }:
                _changes.TimeIsUp(_now, _outputs);
                break;
            case ConsensusInput.HeadsParted heads:
                _isParted = heads.IsParted;
                break;
            case ConsensusInput.Closing:
                // A synced write, so that a restart has nothing to replay.
                _members.WriteApplied(_intake.Applied, sync: true);
                break;
        }
    }

    private void Hear(RaftInput input)
    {
        switch (input)
        {
            case RaftInput.Message when HasLeft:
                break;
            case RaftInput.Message message:
                Take(message.Value);
                break;
            case RaftInput.Introduced introduced:
                Core.Introduce(introduced.Id);
                break;
            case RaftInput.Announced announced:
                Core.Announce(announced.Id, announced.PreVote);
                break;
            case RaftInput.PeerLost lost when lost.Id == Core.Leader:
                Core.ReportLeaderLost();
                break;
            case RaftInput.Unreachable unreachable:
                Core.ReportUnreachable(unreachable.Id);
                break;
            case RaftInput.SnapshotReported reported:
                Core.ReportSnapshot(reported.Id, reported.Delivered);
                break;
            case RaftInput.Removed removed:
                _members.HearRemoved(removed.By, _outputs);
                StandDownWhenLeft();
                break;
            case RaftInput.ChangeMembership change:
                Change(change);
                break;
            case RaftInput.Explain explain:
                _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<RaftReport>(explain.Answer, Report())));
                break;
            case RaftInput.TransferLeadership transfer:
                Hand(transfer);
                break;
        }
    }

    private void Open(ConsensusInput.Opened opened)
    {
        (_head, _isParted) = (opened.Head, opened.IsParted);
        _members.ConnectAll(_outputs);
        if (!HasLeft) _members.Foresee(Unapplied(), Core, _outputs);
        StandDownWhenLeft();
        if (!HasLeft && _log.Snapshot() is { } snapshot && snapshot.Index > ChainStore.GetAppliedRaftIndex(_store)) ApplySnapshot(snapshot);
    }

    /// <summary>
    /// A node on another chain neither leads nor asks for votes: without its heartbeats the others elect a leader whose blocks count.
    /// </summary>
    private void Tick()
    {
        if (HasLeft) _members.TickAfterLeaving(_outputs);
        else if (!_isParted) Core.Tick();
        _handover.Observe(Core, _now, _outputs);
    }

    private void Take(RaftMessage message)
    {
        var (refusal, why) = Examine(message);
        if (refusal == RaftRefusal.None) refusal = Core.Step(message);
        if (refusal == RaftRefusal.None && Core.HasMember(message.From)) _heard[message.From] = (_now.Milliseconds, message.Type);
        if (refusal != RaftRefusal.None) _events.Raise(new RaftRefusedEvent(message.From, message.Type.ToString(), refusal.Name(), why));
    }

    /// <summary>What the core cannot know: the meaning of entries and snapshots, and who was removed.</summary>
    private (RaftRefusal Refusal, string? Why) Examine(RaftMessage message)
    {
        if (_members.IsRemoved(message.From)) return (RaftRefusal.RemovedSender, null);
        if (message.Snapshot is { } snapshot && !RaftMembers.IsReadable(snapshot))
            return (RaftRefusal.Malformed, "the data of the snapshot cannot be read");
        if (message.Type != RaftMessageType.Prop || !Core.IsLeader || !Core.HasMember(message.From)) return (RaftRefusal.None, null);
        var why = _proposals.Refuse(message.Entries, Core.ConfState, _head);
        return (why is null ? RaftRefusal.None : RaftRefusal.BadProposal, why);
    }

    private void Change(RaftInput.ChangeMembership asked)
    {
        try
        {
            if (!_changes.HasRoom) throw new RaftMembershipException("too many changes of the membership are under way: try again");
            var open = HasLeft ? null : _changes.Find(asked.Request);
            if ((open ?? _members.Change(asked.Request, Core)) is not { } change)
            {
                var nothing = new RaftChangeOutcome(0, IsCommitted: true);
                _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<RaftChangeOutcome>(asked.Answer, nothing)));
                return;
            }
            if (!Core.ProposeConfChange(change) && open is null)
                throw new RaftMembershipException("no leader is known, or another change of the membership is under way: try again");
            _changes.Proposed(asked.Request, change, asked.Answer, _now, _outputs);
        }
        catch (RaftMembershipException e)
        {
            _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Refusal<RaftChangeOutcome>(asked.Answer, e)));
        }
    }

    private void Hand(RaftInput.TransferLeadership transfer)
    {
        if (!HasLeft) _handover.Ask(Core, transfer.Target, transfer.Answer, _now, _outputs);
        else _outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Refusal<ulong>(transfer.Answer,
            new RaftMembershipException(RaftMembershipRequests.NotAMember))));
    }

    private RaftReport Report()
    {
        var wakeAt = MayMint ? _minter.WakeAt(_pending) : null;
        return new RaftReport
        {
            Core = Core.Explain(),
            Heard = _heard.Where(h => Core.HasMember(h.Key))
                .ToDictionary(h => h.Key, h => new RaftHeard(_now.Milliseconds - h.Value.At, h.Value.Kind.ToString())),
            Pending = _pending,
            Proposed = _minter.Proposed,
            IsPipelineFull = _minter.IsPipelineFull,
            NextMintMs = wakeAt is { } at ? Math.Max(0, at - _now.Milliseconds) : null,
            IsWaitingForBlocks = _intake.IsWaiting,
            FlushTime = _log.FlushTime,
        };
    }

    /// <summary>Goes on where it stopped: at a block, whose fate decides about the entries behind it.</summary>
    private void Pump()
    {
        while (!IsImporting)
        {
            if (NextDeferred() is { } late)
            {
                Apply(late, size: null);
            }
            else if (_work is not { } work)
            {
                if (!Core.HasReady) return;
                var ready = Core.Ready();
                Begin(ready);
                _work = (ready, 0);
            }
            else if (work.Applied < work.Ready.CommittedEntries.Count)
            {
                _work = work with { Applied = work.Applied + 1 };
                Apply(work.Ready.CommittedEntries[work.Applied]);
            }
            else
            {
                Core.Advance(work.Ready);
                _work = null;
            }
        }
    }

    private void Begin(RaftReady ready)
    {
        // The order is what keeps promises: the log is flushed, then the mark, then messages leave, then entries are applied. A
        // vote or an acknowledgement that left before its flush could be forgotten by a power loss.
        if (ready.HardState is not null || ready.Entries.Count > 0 || ready.Snapshot is not null) Persist(ready);
        if (ready.Entries.Count > 0) _members.Foresee(ready.Entries, Core, _outputs);
        if (ready.SoftState is { } soft) LeadershipChanged(soft.Leader, soft.Role);
        if (ready.Messages.Count > 0) _outputs.Transmit(new RaftEffect.Send(ready.Messages));
        if (ready.Snapshot is { } snapshot) ApplySnapshot(snapshot);
    }

    private void Persist(RaftReady ready)
    {
        _log.Append(ready.HardState, ready.Entries, ready.Snapshot);
        if (_isNoted) return;
        _isNoted = true;
        // Before the first message that rests on the log: without the mark, a node that lost its log would begin anew and vote
        // twice.
        _outputs.Add(new ConsensusOutput.Persist(RaftParticipation.Mark()));
    }

    private void LeadershipChanged(ulong leader, RaftRole role)
    {
        if (HasLeft) return;
        if (leader != View.Leader)
            _events.Raise(new LeaderEvent(leader, role == RaftRole.Leader, Core.Term, new BlockPointer(_head.Number, _head.Hash)));
        _members.SetLeader(leader, role);
        _handover.Observe(Core, _now, _outputs);
        var leading = role == RaftRole.Leader;
        // Losing or gaining leadership forgets all speculation: what was proposed may be committed or void, and the log decides
        // (2.5:raft/minter.go).
        if (leading != _minter.IsLeading) _minter.SetLeading(leading, _head.Hash);
        if (leader != 0) _outputs.Add(ConsensusOutput.ProposerChanged.Instance);
    }

    private void Apply(RaftEntry entry)
    {
        if (entry.Type == RaftEntryType.ConfChange) ApplyMembership(entry);
        else if (entry.Data.Length > 0 && !_intake.Defer(entry.Index)) Apply(entry, entry.Data.Length);
    }

    /// <summary>
    /// The same decision on every node from the same log: a valid block on the head is imported, anything else has no effect (GoQuorum
    /// raft/handler.go).
    /// </summary>
    private void Apply(RaftEntry entry, int? size)
    {
        if (!BlockIntake.TryDecode(entry.Data, out var block, out var why)) PassOver(entry.Index, PassedOverKind.Unreadable, null, why);
        else if (IsOnHead(entry.Index, block))
        {
            _importing = (entry.Index, size);
            // The applied index goes along in the block's own batch; entries behind it wait until it is known what became of the
            // block.
            _outputs.Add(new ConsensusOutput.Commit(block, _minter.Find(block.Hash), AppliedAt(entry.Index)));
            return;
        }
        MaybeSnapshot(entry.Index, size);
    }

    /// <returns>False for a block that the chain has already, or that builds on another one.</returns>
    private bool IsOnHead(ulong index, Block block)
    {
        _intake.Passed(index);
        // An entry that is delivered again after a restart, or a block that came from a peer before its entry.
        if (ChainStore.IsCanonical(_store, block.Hash)) return false;
        if (block.Header.ParentHash == _head.Hash) return true;
        var why = $"it builds on {block.Header.ParentHash}, and the head is block {_head.Number} ({_head.Hash})";
        PassOver(index, PassedOverKind.Void, block, why);
        return false;
    }

    private static KeyValueBatch AppliedAt(ulong index)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutAppliedRaftIndex(batch, index);
        return batch;
    }

    private void Imported(Block block)
    {
        _head = block.Header;
        if (_importing is { } entry)
        {
            _importing = null;
            _minter.Accepted(block.Hash);
            MaybeSnapshot(entry.Index, entry.Size);
            Pump();
        }
        else if (_intake.Reached(block.Hash) is { } index)
        {
            // Flushed: the snapshot stands for the entries before it, and no log could bring them again.
            _members.WriteApplied(index, sync: true);
            _minter.Clear(block.Hash);
            _nextDeferred = index + 1;
        }
    }

    private void Failed(ConsensusInput.BlockFailed failed)
    {
        // A committed block that breaks a rule is void on every node, since all come to the same from the same log. It never
        // stops the cluster.
        if (_importing is not { } entry) return;
        _importing = null;
        PassOver(entry.Index, PassedOverKind.Invalid, failed.Block, failed.Reason);
        MaybeSnapshot(entry.Index, entry.Size);
        Pump();
    }

    private void PassOver(ulong index, PassedOverKind kind, Block? block, string why)
    {
        _intake.Passed(index);
        if (block is not null) _minter.Unwind(block.Hash, _head.Hash);
        _events.Raise(new PassedOverEvent(index, kind, block is null ? null : new BlockPointer(block.Number, block.Hash), why));
    }

    private void MaybeSnapshot(ulong index, int? size)
    {
        if (size is { } bytes) _members.MaybeSnapshot(_log, index, bytes, _head.Hash);
    }

    private void ApplyMembership(RaftEntry entry)
    {
        var (change, why) = _members.Read(entry);
        if (change is null)
        {
            PassOver(entry.Index, PassedOverKind.Unreadable, null, $"the membership change has no effect: {why}");
            return;
        }
        var result = Core.ApplyConfChange(change);
        if (!Core.HasMember(change.NodeId)) _heard.Remove(change.NodeId);
        _intake.Passed(entry.Index);
        var isNew = _members.IsNew(change);
        _members.Apply(_intake.Applied, change, result, _outputs);
        // For the member that joins, which gets the membership by it; GoQuorum makes one at each change (2.5:raft/snapshot.go).
        if (isNew && !_intake.IsWaiting) _members.Snapshot(_log, entry.Index, _head.Hash);
        _changes.Applied(change, _now, _outputs);
        StandDownWhenLeft();
    }

    /// <summary>
    /// The log before the snapshot is not to be had: membership is taken over, blocks come from peers, later entries wait.
    /// </summary>
    private void ApplySnapshot(RaftSnapshot snapshot)
    {
        var data = RaftSnapshotData.Decode(snapshot.Data);
        _members.Replace(data, snapshot, _outputs);
        StandDownWhenLeft();
        _minter.Clear(_head.Hash);
        if (ChainStore.IsCanonical(_store, data.HeadBlockHash))
        {
            _members.WriteApplied(snapshot.Index, sync: true);
            _intake.Passed(snapshot.Index);
            return;
        }
        _intake.WaitFor(data.HeadBlockHash, snapshot.Index);
        _outputs.Add(new ConsensusOutput.CatchUp(data.HeadBlockHash));
    }

    /// <summary>Entries that waited for the blocks before them, read from the log some at a time.</summary>
    private RaftEntry? NextDeferred()
    {
        while (_deferred.Count == 0)
        {
            if (_nextDeferred is not { } next || next > _intake.LastDeferred)
            {
                _nextDeferred = null;
                return null;
            }
            foreach (var entry in _log.Entries(next, _intake.LastDeferred + 1, DeferredBytesPerRead))
            {
                if (entry is { Type: RaftEntryType.Normal, Data.Length: > 0 }) _deferred.Enqueue(entry);
                _nextDeferred = entry.Index + 1;
            }
        }
        return _deferred.Dequeue();
    }

    private IReadOnlyList<RaftEntry> Unapplied()
    {
        var first = Math.Max(_log.FirstIndex, Core.Applied + 1);
        return first > _log.LastIndex ? [] : _log.Entries(first, _log.LastIndex + 1, ulong.MaxValue);
    }

    private void StandDownWhenLeft()
    {
        if (!HasLeft || _leftIsTold) return;
        _leftIsTold = true;
        if (_minter.IsLeading) _minter.SetLeading(false, _head.Hash);
        _events.RaiseLeft(RaftMembers.LeftExplanation);
    }

    private void Mint(int pending)
    {
        var isSettled = Core.Applied == Core.LastIndex;
        if (MayMint && _minter.Next(_head, _now, pending, isSettled) is { } order) _outputs.Add(order);
    }

    /// <summary>The Raft id and the signature go in, and the block into the log.</summary>
    private void Propose(ExecutedBlock built)
    {
        var minted = _minter.Seal(built);
        // Without a leader by now: nobody has seen the block, and its transactions are in the pool as before.
        if (!Core.Propose(minted.Block.Encode())) return;
        _minter.Add(minted);
        Pump();
    }

    private void Rest(int pending)
    {
        _members.Observe(Core);
        var wakeAt = MayMint ? _minter.WakeAt(pending) : null;
        TimeSpan? after = wakeAt is { } at ? TimeSpan.FromMilliseconds(Math.Max(0, at - _now.Milliseconds)) : null;
        _outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Proposal, after));
    }
}
