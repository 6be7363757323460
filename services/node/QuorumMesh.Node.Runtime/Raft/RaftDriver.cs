using QuorumMesh.Consensus.Raft;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What the application does with what Raft has decided. Called on the writer loop, in log order.</summary>
internal interface IRaftApplication
{
    /// <summary>A block, as its proposer encoded it.</summary>
    void ApplyBlock(ulong index, byte[] data);

    /// <summary>The change in a committed membership entry; null when it is passed over.</summary>
    RaftConfChange? ReadMembership(RaftEntry entry);

    void ApplyMembership(ulong index, RaftConfChange change, RaftConfState result);

    /// <summary>Entries that are in the log and may yet be replaced.</summary>
    void Foresee(IReadOnlyList<RaftEntry> entries);

    /// <summary>The leader sent its snapshot: the log before <see cref="RaftSnapshot.Index"/> is not to be had.</summary>
    void ApplySnapshot(RaftSnapshot snapshot);

    void LeadershipChanged(ulong leader, RaftRole role);
}

/// <summary>Does what the Raft core asks, in the order that keeps promises: persist, then send, then apply.</summary>
internal sealed class RaftDriver(RaftCore core, IRaftLog log, IKeyValueStore store, Action<IReadOnlyList<RaftMessage>> send)
{
    private bool _noted = RaftParticipation.IsNoted(store);

    public RaftCore Core => core;
    public IRaftLog Log => log;

    public void Pump(IRaftApplication application)
    {
        while (core.HasReady)
        {
            var ready = core.Ready();
            if (ready.HardState is not null || ready.Entries.Count > 0 || ready.Snapshot is not null)
                Persist(ready);
            if (ready.Entries.Count > 0)
                application.Foresee(ready.Entries);
            if (ready.SoftState is { } soft)
                application.LeadershipChanged(soft.Leader, soft.Role);
            if (ready.Messages.Count > 0)
                send(ready.Messages);
            if (ready.Snapshot is { } snapshot)
                application.ApplySnapshot(snapshot);
            foreach (var entry in ready.CommittedEntries)
                Apply(application, entry);
            core.Advance(ready);
        }
    }

    private void Persist(RaftReady ready)
    {
        log.Append(ready.HardState, ready.Entries, ready.Snapshot);
        if (_noted) return;
        RaftParticipation.Note(store);
        _noted = true;
    }

    private void Apply(IRaftApplication application, RaftEntry entry)
    {
        if (entry.Type == RaftEntryType.ConfChange)
        {
            if (application.ReadMembership(entry) is { } change)
                application.ApplyMembership(entry.Index, change, core.ApplyConfChange(change));
        }
        else if (entry.Data.Length > 0)
        {
            application.ApplyBlock(entry.Index, entry.Data);
        }
    }
}
