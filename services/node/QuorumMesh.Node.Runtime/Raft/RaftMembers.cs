using QuorumMesh.Chain;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// The applied membership: stored beside the chain, followed by the transport, shown to the RPC. Also makes the snapshots that let the log be cut. Owned by the writer loop;
/// <see cref="View"/> may be read from any thread.
/// </summary>
public sealed class RaftMembers
{
    private const string MetaName = "raft.members";
    private const string ConfStateName = "raft.confstate";

    /// <summary>Bytes of entries after which a snapshot is due early: live entries are in memory too.</summary>
    private const long SnapshotBytes = 16 << 20;

    private readonly NodeStores _stores;
    private readonly IRaftTransport _transport;
    private readonly ulong _ownId;
    private readonly Action<IReadOnlyList<RaftAddress>> _changed;
    private readonly ulong _snapshotInterval;
    private readonly ulong _entriesKept;
    private readonly RaftMembership _membership = new();
    private RaftConfState _confState;
    private long _bytesSinceSnapshot;
    private RaftView _view = new(0, RaftRole.Follower, [], []);

    /// <param name="snapshotInterval">Entries between two snapshots.</param>
    /// <param name="entriesKept">Entries that stay behind a snapshot, for members that are a little late.</param>
    public RaftMembers(NodeStores stores, IRaftTransport transport, ulong ownId, Action<IReadOnlyList<RaftAddress>> changed, ulong snapshotInterval, ulong entriesKept)
    {
        (_stores, _transport, _ownId, _changed) = (stores, transport, ownId, changed);
        (_snapshotInterval, _entriesKept) = (snapshotInterval, entriesKept);
        _confState = LoadConfState(stores.KeyValues) ?? RaftConfState.Empty;
        if (ChainStore.GetMeta(stores.KeyValues, MetaName) is not { } stored) return;
        var data = RaftSnapshotData.Decode(stored.Span);
        _membership.Replace(data.Addresses, data.RemovedIds);
    }

    /// <summary>What the RPC shows of Raft; replaced as a whole on every change.</summary>
    public RaftView View => Volatile.Read(ref _view);

    /// <summary>Membership for the start of the core: that of the applied index, or null when the log's own is newer (a snapshot whose blocks are not here yet) or the store is fresh.</summary>
    public static RaftConfState? LoadConfState(IKeyValueReader reader, IRaftStorage log) =>
        log.Snapshot() is { } snapshot && snapshot.Index > ChainStore.GetAppliedRaftIndex(reader) ? null : LoadConfState(reader);

    private static RaftConfState? LoadConfState(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, ConfStateName) is { } stored ? RaftWire.DecodeSnapshot(stored.Span).ConfState : null;

    public bool IsRemoved(ulong id) => _membership.IsRemoved(id);

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

    /// <summary>Members that the log adds and that are not applied yet: one of them may lead already, and must be heard and answered.</summary>
    internal void Foresee(IReadOnlyList<RaftEntry> entries, RaftCore core)
    {
        foreach (var entry in entries)
        {
            if (entry.Type != RaftEntryType.ConfChange) continue;
            if (Read(entry).Change is not { Type: not RaftConfChangeType.RemoveNode, Context.Length: > 0 } change) continue;
            if (change.NodeId == _ownId || _membership.Find(change.NodeId) is not null) continue;
            core.Introduce(change.NodeId);
            _transport.Introduce(change.NodeId, RaftAddress.Decode(change.Context).RaftUrl);
        }
    }

    public void ConnectAll()
    {
        foreach (var removed in _membership.Removed.Where(id => id != _ownId)) _transport.RemovePeer(removed);
        foreach (var address in _membership.Addresses) Connect(address);
        Publish();
    }

    public void SetLeader(ulong leader, RaftRole role) => Volatile.Write(ref _view, _view with { Leader = leader, Role = role });

    /// <summary>Term and contact, as they are after a batch.</summary>
    internal void Observe(RaftCore core)
    {
        var (term, hasQuorum) = (core.Term, core.HasQuorum);
        if (_view.Term != term || _view.HasQuorum != hasQuorum) Volatile.Write(ref _view, _view with { Term = term, HasQuorum = hasQuorum });
    }

    public void Apply(ulong applied, RaftConfChange change, RaftConfState result)
    {
        _confState = result;
        switch (change.Type)
        {
            case RaftConfChangeType.AddNode or RaftConfChangeType.AddLearnerNode when change.Context.Length > 0:
                var address = RaftAddress.Decode(change.Context);
                _membership.Put(address);
                Connect(address);
                break;
            case RaftConfChangeType.RemoveNode:
                _membership.Remove(change.NodeId);
                if (change.NodeId != _ownId) _transport.RemovePeer(change.NodeId);
                break;
        }
        WriteApplied(applied, sync: false);
        Publish();
    }

    public void Replace(RaftSnapshotData data, RaftSnapshot snapshot)
    {
        _confState = snapshot.ConfState;
        _membership.Replace(data.Addresses, data.RemovedIds);
        foreach (var address in data.Addresses) Connect(address);
        foreach (var removed in data.RemovedIds.Where(id => id != _ownId)) _transport.RemovePeer(removed);
        Publish();
    }

    /// <summary>Stores the applied index with the membership that goes with it.</summary>
    public void WriteApplied(ulong index, bool sync)
    {
        var batch = new KeyValueBatch();
        if (index > ChainStore.GetAppliedRaftIndex(_stores.KeyValues)) ChainStore.PutAppliedRaftIndex(batch, index);
        ChainStore.PutMeta(batch, MetaName, Encode(Hash256.Zero));
        ChainStore.PutMeta(batch, ConfStateName, RaftWire.Encode(new RaftSnapshot([], _confState, index, 0)));
        _stores.KeyValues.Write(batch, sync);
    }

    /// <summary>Now and then: makes the chain durable, then lets the log forget what lies well behind.</summary>
    internal void MaybeSnapshot(RaftDriver raft, ulong applied, int bytes, in Hash256 head)
    {
        _bytesSinceSnapshot += bytes;
        var last = raft.Log.Snapshot()?.Index ?? 0;
        if (applied < last + _snapshotInterval && _bytesSinceSnapshot < SnapshotBytes) return;
        _bytesSinceSnapshot = 0;
        WriteApplied(applied, sync: true);
        raft.Log.CreateSnapshot(applied, _confState, Encode(head));
        var old = Math.Max(last, applied > _entriesKept ? applied - _entriesKept : 0);
        if (old >= raft.Log.FirstIndex) raft.Log.Compact(old);
    }

    private byte[] Encode(in Hash256 head) => new RaftSnapshotData(_membership.Addresses, [.. _membership.Removed], head).Encode();

    private void Connect(RaftAddress address)
    {
        if (address.RaftId != _ownId) _transport.AddPeer(address.RaftId, address.RaftUrl);
    }

    private void Publish()
    {
        Volatile.Write(ref _view, _view with { Members = _membership.Addresses, Learners = _confState.Learners });
        if (_membership.Addresses.Count > 0) _transport.PublishMembers(Encode(Hash256.Zero));
        _changed(_membership.Addresses);
    }
}

/// <summary>Raft as readers see it.</summary>
public sealed record RaftView(ulong Leader, RaftRole Role, IReadOnlyList<ulong> Learners, IReadOnlyList<RaftAddress> Members)
{
    public ulong Term { get; init; }

    /// <summary>A leader: whether it heard a majority lately; without, it mints nothing. Others: whether they know a leader.</summary>
    public bool HasQuorum { get; init; }
}
