namespace QuorumMesh.Consensus.Raft;

/// <summary>Raft after etcd 3.3's semantics: a pure state machine. Feed it messages, ticks and proposals; take a
/// <see cref="RaftReady"/>, do what it
/// says, then <see cref="Advance"/>. Steps may come between Ready and Advance; a second Ready may not. Not thread safe.</summary>
public sealed partial class RaftCore
{
    private readonly RaftConfig _config;
    private readonly RaftLogView _log;
    private readonly Func<int, int> _random;
    private readonly SortedDictionary<ulong, RaftProgress> _members = [];
    private readonly SortedDictionary<ulong, bool> _votes = [];
    private List<RaftMessage> _outbox = [];
    private ulong _vote;
    private int _electionElapsed, _heartbeatElapsed, _electionTimeout;
    private bool _hurried; // the election wait was shortened by ReportLeaderLost
    private bool _yields; // the election wait is long, so that a slower member comes first
    private ulong _pendingConfIndex, _transferTarget, _uncommittedSize;
    private RaftSoftState _reportedSoft;
    private RaftHardState _reportedHard;
    private RaftReady? _outstanding;

    /// <param name="random">Uniform in [0, n), seeded by the host: election timeouts come from it.</param>
    public RaftCore(RaftConfig config, IRaftStorage storage, Func<int, int> random)
    {
        config.Validate();
        (_config, _random) = (config, random);
        _log = new RaftLogView(storage);
        var (hardState, confState) = storage.InitialState();
        // Membership at the applied index, not at the end of the log: etcd changes it when an entry is applied. The host has
        // applied past the log's snapshot, so it knows better than that one.
        SetMembers(config.ConfState ?? confState);
        if (!hardState.IsEmpty) LoadHardState(hardState);
        if (config.Applied > 0) RestoreApplied(config.Applied);
        BecomeFollower(Term, 0);
        (_reportedSoft, _reportedHard) = (Soft, Hard);
    }

    /// <summary>First start of a new cluster's member. All first members must be given the same peers in the same order: they
    /// become the first
    /// entries of the log, already committed, as etcd does it.</summary>
    public static RaftCore Bootstrap(RaftConfig config, IRaftStorage storage, Func<int, int> random, IReadOnlyList<RaftPeer> peers)
    {
        if (storage.LastIndex != 0) throw new InvalidOperationException("the raft log is not empty: open it instead of bootstrapping");
        if (peers.Count == 0) throw new ArgumentException("a new cluster needs at least one member");
        var core = new RaftCore(config, storage, random);
        core.BecomeFollower(1, 0);
        core._log.Append(peers.Select((p, i) => new RaftEntry(1, (ulong)i + 1, RaftEntryType.ConfChange,
            RaftWire.Encode(new RaftConfChange(0, RaftConfChangeType.AddNode, p.Id, p.Context)))));
        core._log.CommitTo((ulong)peers.Count);
        // Membership is known at once, so that the member can campaign before it has applied these entries.
        foreach (var peer in peers) core.AddMember(peer.Id, false);
        return core;
    }

    /// <summary>This member's raft id.</summary>
    public ulong Id => _config.Id;
    /// <summary>The latest term that this member has seen; never falls, persisted before any message of it leaves.</summary>
    public ulong Term { get; private set; }
    /// <summary>What this member is just now; changes are told by <see cref="RaftReady.SoftState"/>.</summary>
    public RaftRole Role { get; private set; }
    /// <summary>0 when no leader is known.</summary>
    public ulong Leader { get; private set; }
    /// <summary>True while this member leads its term. Others may have elected another of a later term meanwhile.</summary>
    public bool IsLeader => Role == RaftRole.Leader;
    /// <summary>True for a member that gets the log and has no vote.</summary>
    public bool IsLearner => _members.TryGetValue(Id, out var self) && self.IsLearner;
    /// <summary>False before this member has learnt its own membership, and after its removal.</summary>
    public bool IsMember => HasMember(Id);
    /// <summary>True for voters and learners of the membership applied so far.</summary>
    public bool HasMember(ulong id) => _members.ContainsKey(id);
    /// <summary>Index up to which entries can no longer change.</summary>
    public ulong Committed => _log.Committed;
    /// <summary>Index up to which the host has applied, moved by <see cref="Advance"/>; never past <see
    /// cref="Committed"/>.</summary>
    public ulong Applied => _log.Applied;
    /// <summary>Index of the last entry, persisted or not.</summary>
    public ulong LastIndex => _log.LastIndex;
    /// <summary>What the next Ready persists when it differs from the last one given.</summary>
    public RaftHardState Hard => new(Term, _vote, _log.Committed);
    /// <summary>Leader and role; lost at a restart, which begins as a follower.</summary>
    public RaftSoftState Soft => new(Leader, Role);

    /// <summary>The membership applied so far, ids ascending.</summary>
    public RaftConfState ConfState => new(
        [.. _members.Where(m => !m.Value.IsLearner).Select(m => m.Key)],
        [.. _members.Where(m => m.Value.IsLearner).Select(m => m.Key)]);

    /// <summary>True when there is something to do and no Ready is outstanding.</summary>
    public bool HasReady => _outstanding is null
        && (_outbox.Count > 0 || _log.HasUnstable || _log.Incoming is not null || _log.HasNextCommitted || Hard != _reportedHard
            || Soft != _reportedSoft);

    /// <summary>All that is to be done now; messages and states are handed over once. Throws when the last one was not
    /// advanced.</summary>
    public RaftReady Ready()
    {
        if (_outstanding is not null) throw new InvalidOperationException("the last Ready was not advanced");
        var hard = Hard;
        var entries = _log.Unstable();
        var ready = new RaftReady
        {
            SoftState = Soft != _reportedSoft ? Soft : null,
            HardState = hard != _reportedHard ? hard : null,
            Entries = entries,
            Snapshot = _log.Incoming,
            // Entries that follow a snapshot come after the application has taken it.
            CommittedEntries = _log.Incoming is null ? _log.NextCommitted(_config.MaxCommittedSizePerReady) : [],
            Messages = _outbox,
            // The commit index alone needs no flush: after a crash it is learnt again from the leader, and what was applied
            // counts as committed (RestoreApplied).
            MustSync = entries.Count > 0 || _log.Incoming is not null || hard.Term != _reportedHard.Term || hard.Vote != _reportedHard.Vote,
        };
        _outbox = [];
        (_reportedSoft, _reportedHard) = (Soft, hard);
        return _outstanding = ready;
    }

    /// <summary>The host has done everything the last Ready asked for.</summary>
    public void Advance(RaftReady ready)
    {
        if (!ReferenceEquals(ready, _outstanding)) throw new InvalidOperationException("only the outstanding Ready can be advanced");
        _outstanding = null;
        // Index and term: a step since Ready may have replaced these entries, and those are not on disk.
        if (ready.Entries.Count > 0) _log.StableTo(ready.Entries[^1].Index, ready.Entries[^1].Term);
        if (ready.Snapshot is { } snapshot)
        {
            _log.SnapshotStable(snapshot.Index);
            if (snapshot.Index > _log.Applied) _log.AppliedTo(snapshot.Index);
        }
        if (ready.CommittedEntries.Count == 0) return;
        // A newer snapshot may have overtaken these entries meanwhile.
        var last = ready.CommittedEntries[^1].Index;
        if (last > _log.Applied) _log.AppliedTo(last);
        ulong size = 0;
        foreach (var entry in ready.CommittedEntries) size += (ulong)entry.Data.Length;
        _uncommittedSize -= Math.Min(size, _uncommittedSize);
    }

    /// <summary>One tick of the host's clock (50 ms).</summary>
    public void Tick()
    {
        _ticks++;
        if (IsLeader) TickHeartbeat(); else TickElection();
    }

    /// <summary>Proposes an entry. False: no leader is known, a transfer is under way, or too much is uncommitted; the proposal
    /// is dropped. True is no
    /// promise: on a follower the entry is sent on to the leader and may be lost.</summary>
    public bool Propose(byte[] data) => Propose(new RaftEntry(0, 0, RaftEntryType.Normal, data));

    /// <summary>False also when an earlier change is not applied yet.</summary>
    public bool ProposeConfChange(RaftConfChange change)
    {
        if (IsLeader && _pendingConfIndex > _log.Applied) return false;
        return Propose(new RaftEntry(0, 0, RaftEntryType.ConfChange, RaftWire.Encode(change)));
    }

    /// <summary>Starts an election now, if this member is a voter.</summary>
    public void Campaign() => Hup();

    /// <summary>A message to the member may have been lost.</summary>
    public void ReportUnreachable(ulong id)
    {
        if (IsLeader && _members.TryGetValue(id, out var p) && p.State == RaftProgressState.Replicate) p.BecomeProbe();
    }

    /// <summary>A snapshot was delivered to the member, or could not be.</summary>
    public void ReportSnapshot(ulong id, bool ok)
    {
        if (!IsLeader || !_members.TryGetValue(id, out var p) || p.State != RaftProgressState.Snapshot) return;
        // Forgets the snapshot's index, so that probing goes back to what the member is known to hold.
        if (!ok) p.SnapshotFailed();
        p.BecomeProbe();
        // On success the member's answer comes next; on failure wait for a heartbeat before the next try.
        p.Pause();
    }

    /// <summary>
    /// The connection to the leader broke: the election wait shrinks to 2-8 ticks, by the member's place among the voters, unless the
    /// leader is heard again first.
    /// </summary>
    public void ReportLeaderLost()
    {
        if (Role != RaftRole.Follower || Leader == 0 || _hurried) return;
        _hurried = true;
        _electionTimeout = Math.Min(_electionTimeout, _electionElapsed + HurriedWait());
    }

    /// <summary>
    /// All notice the break at once: were the wait drawn, two of them would often draw the same, and split the votes. Those with a lower id
    /// go first, two ticks apart, as far as an election's usual wait has room for.
    /// </summary>
    private int HurriedWait()
    {
        var before = _members.Count(m => !m.Value.IsLearner && m.Key < Id && m.Key != Leader);
        return 2 + Math.Min(2 * before, _config.ElectionTicks);
    }

    /// <summary>A message of the network, from whomever. Never throws on what it says: a message that must have no effect has
    /// none, and the reason is returned.</summary>
    public RaftRefusal Step(RaftMessage m)
    {
        var refusal = Admit(m);
        if (refusal != RaftRefusal.None) return refusal;
        if (m.Type == RaftMessageType.Snap) return Offer(m);
        if (m.Type == RaftMessageType.App && m.Term >= Term && Contradicts(m)) return RaftRefusal.Conflict;
        if (m.Term > Term)
        {
            // A candidate that does not hear the leader is more likely cut off than right: its term is not taken over either
            // (Raft thesis, section 4.2.3). A transfer is the leader's own wish.
            if (m.Type is RaftMessageType.Vote or RaftMessageType.PreVote && IsLed && !IsTransfer(m)) return RaftRefusal.None;
            StepHigherTerm(m);
        }
        else if (m.Term != 0 && m.Term < Term)
        {
            StepLowerTerm(m);
            return RaftRefusal.None;
        }
        return StepKnownTerm(m);
    }

    private void StepHigherTerm(RaftMessage m)
    {
        // A term that is only asked about is no term yet. A rejected pre-vote does carry the other's real one.
        if (m.Type == RaftMessageType.PreVote || (m.Type == RaftMessageType.PreVoteResp && !m.Reject)) return;
        var fromLeader = m.Type is RaftMessageType.App or RaftMessageType.Heartbeat or RaftMessageType.Snap;
        // Whoever sees a later term follows it (paper section 5.1). Only a leader's messages name the leader.
        BecomeFollower(m.Term, fromLeader ? m.From : 0);
    }

    private void StepLowerTerm(RaftMessage m)
    {
        // A leader of an older term ignores candidates while it hears the others, and learns the new term only so. Also when
        // pre-vote is off here: it may be on there.
        if ((_config.PreVote || OwesEntries) && m.Type is RaftMessageType.App or RaftMessageType.Heartbeat)
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp });
        else if (_config.PreVote && m.Type == RaftMessageType.PreVote)
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.PreVoteResp, Term = Term, Reject = true });
    }

    private RaftRefusal StepKnownTerm(RaftMessage m)
    {
        if (m.Type is RaftMessageType.Vote or RaftMessageType.PreVote) HandleVote(m);
        else if (IsLeader) StepLeader(m);
        else return Role == RaftRole.Follower ? StepFollower(m) : StepCandidate(m);
        return RaftRefusal.None;
    }

    private bool Propose(RaftEntry entry) => StepProposal(new RaftMessage { Type = RaftMessageType.Prop, From = Id, Entries = [entry] });

    private bool StepProposal(RaftMessage m)
    {
        if (IsLeader) return AppendProposal(m.Entries);
        // Sent back to whom it came from, a proposal could go round between two members that take each other for the leader.
        if (Role != RaftRole.Follower || Leader == 0 || Leader == m.From) return false;
        Send(m with { To = Leader, From = Id });
        return true;
    }

    private void Send(RaftMessage m)
    {
        var isTermFree = m.Type is RaftMessageType.Prop or RaftMessageType.TransferLeader;
        _outbox.Add(m with { From = m.From == 0 ? Id : m.From, Term = isTermFree ? 0 : m.Term == 0 ? Term : m.Term });
    }

    private void Reset(ulong term)
    {
        // The vote is bound to its term: it must outlive a change of role within the same one.
        if (Term != term) (Term, _vote) = (term, 0);
        Leader = 0;
        _electionElapsed = _heartbeatElapsed = 0;
        ResetElectionTimeout();
        _transferTarget = 0;
        _votes.Clear();
        foreach (var (id, old) in _members.ToArray())
            _members[id] = new RaftProgress(_log.LastIndex + 1, _config,
                old.IsLearner)
            { Match = id == Id ? _log.LastIndex : 0 };
        _pendingConfIndex = _uncommittedSize = 0;
    }

    private void ResetElectionTimeout()
    {
        _hurried = false;
        var (least, spread) = _yields ? (2 * _config.SlowElectionTicks, _config.ElectionTicks)
            : HasSlowLeader ? (_config.SlowElectionTicks, _config.SlowElectionTicks)
            : (_config.ElectionTicks, _config.ElectionTicks);
        // Drawn anew each time, so that split votes do not repeat (paper section 5.2).
        _electionTimeout = least + _random(spread);
    }

    private void BecomeFollower(ulong term, ulong leader)
    {
        Reset(term);
        (Leader, Role) = (leader, RaftRole.Follower);
        // Reset has drawn a time before the new leader was known.
        if (HasSlowLeader) ResetElectionTimeout();
    }

    private void LoadHardState(RaftHardState state)
    {
        if (state.Commit < _log.Committed || state.Commit > _log.LastIndex)
            throw new RaftInvariantException($"hard state commits {state.Commit}, the log covers [{_log.Committed}, {_log.LastIndex}]");
        _log.CommitTo(state.Commit);
        (Term, _vote) = (state.Term, state.Vote);
    }

    private void RestoreApplied(ulong applied)
    {
        // The commit index is not always flushed, what was applied was committed.
        if (applied > _log.LastIndex)
            throw new RaftInvariantException(
                $"the application has applied {applied}, the raft log ends at {_log.LastIndex}: the log was lost or cut");
        _log.CommitTo(applied);
        if (applied > _log.Applied) _log.AppliedTo(applied);
    }
}
