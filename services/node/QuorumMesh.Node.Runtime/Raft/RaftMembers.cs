using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// The applied membership: stored beside the chain, followed by the transport, shown to the RPC. Also makes the snapshots that
/// let the log be cut. Owned by the writer loop; <see cref="View"/> may be read from any thread.
/// </summary>
public sealed class RaftMembers
{
    /// <summary>How a removed node comes back.</summary>
    internal const string Rejoining = "have a member add it (raft_addPeer answers a new id), and start it from an empty data directory, "
        + "with the same node key, genesis and static-nodes.json, with --raftjoinexisting and that id";

    public const string LeftExplanation = "this node was removed from the Raft cluster: it serves the blocks that it has, follows nothing "
        + "and takes no transactions; its id is never used again. To bring the node back, " + Rejoining;

    /// <summary>Two seconds: the last messages of a leader that removed itself are still to be delivered.</summary>
    private const int TicksBeforeClosing = 40;

    /// <summary>Bytes of entries after which a snapshot is due early: live entries are in memory too.</summary>
    private const long SnapshotBytes = 16 << 20;

    private readonly IKeyValueStore _store;
    private readonly ulong _ownId;
    private readonly ulong _snapshotInterval;
    private readonly ulong _entriesKept;
    private readonly HashSet<ulong> _toldRemoved = [];
    private readonly RaftMembership _membership = new();
    private RaftConfState _confState;
    private long _bytesSinceSnapshot;
    private ulong _lastCut;
    private int _ticksLeft;
    private RaftView _view = RaftView.None;

    /// <param name="snapshotInterval">Entries between two snapshots.</param>
    /// <param name="entriesKept">Entries that stay behind a snapshot, for members that are a little late.</param>
    internal RaftMembers(IKeyValueStore store, ulong ownId, ulong snapshotInterval, ulong entriesKept)
    {
        (_store, _ownId, _snapshotInterval, _entriesKept) = (store, ownId, snapshotInterval, entriesKept);
        _confState = LoadConfState(store) ?? RaftConfState.Empty;
        if (ChainStore.GetMeta(store, StoredNames.RaftMembers) is { } stored)
        {
            var data = RaftSnapshotData.Decode(stored.Span);
            _membership.Replace(data.Addresses, data.RemovedIds);
        }
        _view = _view with { HasLeft = WasRemoved(store, ownId) };
    }

    /// <summary>What the RPC shows of Raft; replaced as a whole on every change.</summary>
    public RaftView View => Volatile.Read(ref _view);

    /// <summary>
    /// Membership for the start of the core: that of the applied index, or null when the log's own is newer (a snapshot whose
    /// blocks are not here yet) or the store is fresh.
    /// </summary>
    public static RaftConfState? LoadConfState(IKeyValueReader reader, IRaftStorage log) =>
        log.Snapshot() is { } snapshot && snapshot.Index > ChainStore.GetAppliedRaftIndex(reader) ? null : LoadConfState(reader);

    private static RaftConfState? LoadConfState(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, StoredNames.RaftConfState) is { } stored ? RaftWire.DecodeSnapshot(stored.Span).ConfState : null;

    /// <summary>Whether the id was a member's once.</summary>
    public bool IsRemoved(ulong id) => _membership.IsRemoved(id);

    /// <summary>True once this node was removed; for good.</summary>
    public bool HasLeft => _view.HasLeft;

    /// <summary>Whether the member of this store was removed from its cluster: by the log, or on the word of most others.</summary>
    public static bool WasRemoved(IKeyValueReader reader, ulong id) =>
        ChainStore.GetMeta(reader, StoredNames.RaftLeft) is not null
        || (ChainStore.GetMeta(reader, StoredNames.RaftMembers) is { } stored
            && RaftSnapshotData.Decode(stored.Span).RemovedIds.Contains(id));

    /// <summary>True when the data of a snapshot can be taken over.</summary>
    public static bool IsReadable(RaftSnapshot snapshot)
    {
        try
        {
            foreach (var address in RaftSnapshotData.Decode(snapshot.Data).Addresses) RaftMembershipRules.CheckReachable(address);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    internal (RaftConfChange? Change, string Why) Read(RaftEntry entry) => RaftMembershipRules.Read(entry, _membership);

    internal string? RefuseProposal(RaftEntry entry, RaftConfState state) => RaftMembershipRules.RefuseProposal(entry, _membership, state);

    /// <exception cref="RaftMembershipException">The request cannot be proposed.</exception>
    internal RaftConfChange? Change(RaftMembershipRequest request, RaftCore core) =>
        HasLeft ? throw new RaftMembershipException(RaftMembershipRequests.NotAMember)
            : RaftMembershipRequests.Change(request, _membership, core);

    /// <summary>A change, about to be applied, that adds a member to those that the cluster began with.</summary>
    internal bool IsNew(RaftConfChange change) =>
        change.Type is RaftConfChangeType.AddNode or RaftConfChangeType.AddLearnerNode && !_confState.IsEmpty
            && !_confState.Contains(change.NodeId);

    /// <summary>
    /// Members that the log adds and that are not applied yet: one of them may lead already, and must be heard and answered.
    /// </summary>
    internal void Foresee(IReadOnlyList<RaftEntry> entries, RaftCore core, ConsensusOutputs outputs)
    {
        foreach (var entry in entries)
        {
            if (entry.Type != RaftEntryType.ConfChange) continue;
            if (Read(entry).Change is not { Type: not RaftConfChangeType.RemoveNode, Context.Length: > 0 } change) continue;
            if (change.NodeId == _ownId || _membership.Find(change.NodeId) is not null) continue;
            core.Introduce(change.NodeId);
            outputs.Transmit(new RaftEffect.Introduce(RaftAddress.Decode(change.Context)));
        }
    }

    internal void ConnectAll(ConsensusOutputs outputs)
    {
        if (!HasLeft)
        {
            foreach (var removed in _membership.Removed.Where(id => id != _ownId)) outputs.Transmit(new RaftEffect.RemovePeer(removed));
            foreach (var address in _membership.Addresses) Connect(address, outputs);
        }
        Publish(outputs);
        if (HasLeft) outputs.Transmit(new RaftEffect.Leave());
    }

    /// <summary>
    /// A member says that this node was removed. Believed once most of the others say so: one alone may lie, or be the one that
    /// was removed.
    /// </summary>
    internal void HearRemoved(ulong member, ConsensusOutputs outputs)
    {
        if (HasLeft || (_membership.Addresses.Count > 0 && _membership.Find(member) is null)) return;
        _toldRemoved.Add(member);
        if (_toldRemoved.Count > _membership.Addresses.Count(a => a.RaftId != _ownId) / 2) Leave(outputs);
    }

    internal void TickAfterLeaving(ConsensusOutputs outputs)
    {
        if (_ticksLeft > 0 && --_ticksLeft == 0) outputs.Transmit(new RaftEffect.Leave());
    }

    public void SetLeader(ulong leader, RaftRole role) => Volatile.Write(ref _view, _view with { Leader = leader, Role = role });

    /// <summary>Term and contact, as they are after a batch.</summary>
    internal void Observe(RaftCore core)
    {
        var (term, hasQuorum) = (core.Term, core.HasQuorum);
        if (_view.Term != term || _view.HasQuorum != hasQuorum)
            Volatile.Write(ref _view, _view with { Term = term, HasQuorum = hasQuorum });
    }

    internal void Apply(ulong applied, RaftConfChange change, RaftConfState result, ConsensusOutputs outputs)
    {
        _confState = result;
        switch (change.Type)
        {
            case RaftConfChangeType.AddNode or RaftConfChangeType.AddLearnerNode when change.Context.Length > 0
                && _membership.Find(change.NodeId) is null:
                var address = RaftAddress.Decode(change.Context);
                _membership.Put(address);
                Connect(address, outputs);
                break;
            case RaftConfChangeType.RemoveNode:
                _membership.Remove(change.NodeId);
                if (change.NodeId != _ownId) outputs.Transmit(new RaftEffect.RemovePeer(change.NodeId));
                break;
        }
        WriteApplied(applied, sync: false);
        Publish(outputs);
        LeaveWhenRemoved(outputs);
    }

    internal void Replace(RaftSnapshotData data, RaftSnapshot snapshot, ConsensusOutputs outputs)
    {
        _confState = snapshot.ConfState;
        _membership.Replace(data.Addresses, data.RemovedIds);
        foreach (var address in data.Addresses) Connect(address, outputs);
        foreach (var removed in data.RemovedIds.Where(id => id != _ownId)) outputs.Transmit(new RaftEffect.RemovePeer(removed));
        Publish(outputs);
        LeaveWhenRemoved(outputs);
    }

    /// <summary>Stores the applied index with the membership that goes with it.</summary>
    public void WriteApplied(ulong index, bool sync)
    {
        var batch = new KeyValueBatch();
        if (index > ChainStore.GetAppliedRaftIndex(_store)) ChainStore.PutAppliedRaftIndex(batch, index);
        ChainStore.PutMeta(batch, StoredNames.RaftMembers, Encode(Hash256.Zero));
        ChainStore.PutMeta(batch, StoredNames.RaftConfState, RaftWire.Encode(new RaftSnapshot([], _confState, index, 0)));
        _store.Write(batch, sync);
    }

    /// <summary>Now and then: makes the chain durable, then lets the log forget what lies well behind.</summary>
    internal void MaybeSnapshot(IRaftLog log, ulong applied, int bytes, in Hash256 head)
    {
        _bytesSinceSnapshot += bytes;
        var last = log.Snapshot()?.Index ?? 0;
        if (applied < last + _snapshotInterval && _bytesSinceSnapshot < SnapshotBytes) return;
        _bytesSinceSnapshot = 0;
        Snapshot(log, applied, head);
        var old = Math.Max(_lastCut, applied > _entriesKept ? applied - _entriesKept : 0);
        if (old >= log.FirstIndex) log.Compact(old);
        _lastCut = applied;
    }

    /// <summary>
    /// Cuts nothing. GoQuorum takes one at each change of the membership, and its newcomers start from nothing else
    /// (raft/handler.go).
    /// </summary>
    internal void Snapshot(IRaftLog log, ulong applied, in Hash256 head)
    {
        WriteApplied(applied, sync: true);
        log.CreateSnapshot(applied, _confState, Encode(head));
    }

    private void LeaveWhenRemoved(ConsensusOutputs outputs)
    {
        if (!HasLeft && _membership.IsRemoved(_ownId)) Leave(outputs);
    }

    private void Leave(ConsensusOutputs outputs)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.RaftLeft, [1]);
        outputs.Add(new ConsensusOutput.Persist(batch));
        _ticksLeft = TicksBeforeClosing;
        Volatile.Write(ref _view, _view with { HasLeft = true, Leader = 0, Role = RaftRole.Follower });
    }

    private byte[] Encode(in Hash256 head) => new RaftSnapshotData(_membership.Addresses, [.. _membership.Removed], head).Encode();

    private void Connect(RaftAddress address, ConsensusOutputs outputs)
    {
        if (address.RaftId != _ownId) outputs.Transmit(new RaftEffect.AddPeer(address));
    }

    private void Publish(ConsensusOutputs outputs)
    {
        var voters = _membership.Addresses.Where(a => !_confState.Learners.Contains(a.RaftId))
            .Select(a => Convert.ToHexStringLower(a.NodeId)).ToHashSet();
        Volatile.Write(ref _view, _view with { Members = _membership.Addresses, Learners = _confState.Learners, VoterIds = voters });
        if (_membership.Addresses.Count > 0 && !HasLeft) outputs.Transmit(new RaftEffect.Publish(Encode(Hash256.Zero)));
        outputs.Transmit(new RaftEffect.Follow(_membership.Addresses));
    }
}

/// <summary>Raft as readers see it.</summary>
public sealed record RaftView(ulong Leader, RaftRole Role, IReadOnlyList<ulong> Learners, IReadOnlyList<RaftAddress> Members)
{
    /// <summary>Of a node that is no member of a cluster.</summary>
    public static RaftView None { get; } = new(0, RaftRole.Follower, [], []);

    /// <summary>Node ids of the voting members, 128 lower-case hex digits each.</summary>
    public IReadOnlySet<string> VoterIds { get; init; } = new HashSet<string>();

    /// <summary>This node was removed from the cluster: it is a member no more, for good.</summary>
    public bool HasLeft { get; init; }

    public ulong Term { get; init; }

    /// <summary>A leader: whether it heard a majority lately; without, it mints nothing. Others: whether they know a leader.</summary>
    public bool HasQuorum { get; init; }
}
