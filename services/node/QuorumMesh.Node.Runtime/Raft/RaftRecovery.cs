using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Why a recovery is not begun: nothing was changed.</summary>
public sealed class RaftRecoveryException(string message) : Exception(message);

/// <summary>
/// A new configuration for a cluster whose majority is lost for good, made offline from one survivor. Its whole log is kept and counts as
/// committed, the tail too that no majority is known to hold: any of it may have been acknowledged by a leader that is lost. Behind it come
/// entries of the next term which take the other members out, as raft_removePeer would; so a node that was taken out can only join again
/// under a new id, and the members that are kept follow by Raft's own rules.
/// </summary>
/// <param name="raftId">Of this node, as its store has it.</param>
public sealed class RaftRecovery(IKeyValueStore store, IRaftLog log, ulong raftId)
{
    /// <summary>What would be done, or what has been begun and is to be ended.</summary>
    /// <param name="keep">Members of the new configuration; this one is always among them.</param>
    /// <exception cref="RaftRecoveryException">It cannot be done from this node.</exception>
    public RaftRecoveryRecord Plan(IReadOnlyCollection<ulong> keep, string who, string why, ulong unixSeconds)
    {
        IReadOnlyList<ulong> kept = [.. keep.Append(raftId).Distinct().Order()];
        if (RaftRecoveryRecord.Unfinished(store) is { } begun)
            return begun.Kept.SequenceEqual(kept) ? begun : throw new RaftRecoveryException(
                $"a recovery to members {string.Join(", ", begun.Kept)} was begun and has not ended: end it first, with the same members");
        Check();
        var (voters, learners) = MembersAtEnd();
        var unknown = kept.Where(id => !voters.Contains(id) && !learners.Contains(id)).ToList();
        if (unknown.Count > 0)
            throw new RaftRecoveryException($"raft id {unknown[0]} is no member: the log has {string.Join(", ", voters.Concat(learners))}");
        var removed = voters.Concat(learners).Where(id => !kept.Contains(id)).Order().ToList();
        if (removed.Count == 0) throw new RaftRecoveryException("every member would be kept: there is nothing to recover");
        var hard = log.InitialState().HardState;
        log.TryTerm(log.LastIndex, out var lastTerm);
        var head = ChainStore.GetPublicHead(store)!.Value;
        return new RaftRecoveryRecord
        {
            UnixSeconds = unixSeconds,
            Who = who,
            Why = why,
            RaftId = raftId,
            Kept = kept,
            Removed = removed,
            Promoted = [.. kept.Where(id => id == raftId && learners.Contains(id))],
            Term = Math.Max(hard.Term, lastTerm) + 1,
            LastIndex = log.LastIndex,
            LastTerm = lastTerm,
            Committed = Math.Max(hard.Commit, ChainStore.GetAppliedRaftIndex(store)),
            Head = head.Number,
            HeadHash = head.Hash,
            IsDone = false,
        };
    }

    /// <summary>Does it, or goes on where it was cut off. Kill it at any instant, run it again: the result is the same.</summary>
    /// <exception cref="RaftRecoveryException">The log is not the one that the plan was made for.</exception>
    public void Run(RaftRecoveryRecord plan)
    {
        // The plan comes first, flushed: from here on the node refuses to start until all of it is done.
        store.Write(plan.Put(store), sync: true);
        var entries = Entries(plan);
        var last = entries[^1].Index;
        if (log.LastIndex == plan.LastIndex)
        {
            // One record of the log, with one flush: all of it is there after a crash, or nothing.
            log.Append(new RaftHardState(plan.Term, raftId, last), entries, null);
        }
        else if (log.LastIndex != last || !log.TryTerm(last, out var term) || term != plan.Term)
        {
            throw new RaftRecoveryException($"the Raft log ends at entry {log.LastIndex}, and the recovery was begun at {plan.LastIndex}: "
                + "restore raftlog and chaindata of the same moment, and begin again");
        }
        store.Write((plan with { IsDone = true }).Put(store), sync: true);
    }

    private static List<RaftEntry> Entries(RaftRecoveryRecord plan)
    {
        var changes = plan.Promoted.Select(id => new RaftConfChange(0, RaftConfChangeType.AddNode, id, []))
            .Concat(plan.Removed.Select(id => new RaftConfChange(0, RaftConfChangeType.RemoveNode, id, [])));
        return [.. changes.Select((change, i) =>
            new RaftEntry(plan.Term, plan.LastIndex + 1 + (ulong)i, RaftEntryType.ConfChange, RaftWire.Encode(change)))];
    }

    private void Check()
    {
        if (RaftMembers.WasRemoved(store, raftId))
            throw new RaftRecoveryException("this node was removed from its cluster: choose a member that was not");
        if (RaftParticipation.Lost(store, log) is { } lost)
            throw new RaftRecoveryException($"the Raft log of this node {lost}: choose a member whose log is whole");
        if (RaftParticipation.IsFresh(log)) throw new RaftRecoveryException("this node has never had a Raft log: choose another member");
        if (log.Snapshot() is { } snapshot && snapshot.Index > ChainStore.GetAppliedRaftIndex(store))
            throw new RaftRecoveryException($"this node still lacks blocks before entry {snapshot.Index}, which its log no longer holds: "
                + "choose a member that has them");
        if (ChainStore.GetMeta(store, StoredNames.HeadConflict) is { Length: > 0 })
            throw new RaftRecoveryException("most members had another chain than this node: choose one of them");
    }

    /// <summary>Who is a member once everything in the log has had its effect.</summary>
    private (SortedSet<ulong> Voters, SortedSet<ulong> Learners) MembersAtEnd()
    {
        var membership = new RaftMembership();
        if (ChainStore.GetMeta(store, StoredNames.RaftMembers) is { } stored)
        {
            var data = RaftSnapshotData.Decode(stored.Span);
            membership.Replace(data.Addresses, data.RemovedIds);
        }
        var state = RaftMembers.LoadConfState(store, log) ?? log.InitialState().ConfState;
        SortedSet<ulong> voters = [.. state.Voters], learners = [.. state.Learners];
        var first = Math.Max(log.FirstIndex, ChainStore.GetAppliedRaftIndex(store) + 1);
        if (first > log.LastIndex) return (voters, learners);
        foreach (var entry in log.Entries(first, log.LastIndex + 1, ulong.MaxValue))
        {
            if (entry.Type != RaftEntryType.ConfChange || RaftMembershipRules.Read(entry, membership).Change is not { } change) continue;
            Apply(change, membership, voters, learners);
            if (!voters.Contains(raftId) && !learners.Contains(raftId) && membership.IsRemoved(raftId))
                throw new RaftRecoveryException($"entry {entry.Index} of this node's log removes it: choose another member");
        }
        return (voters, learners);
    }

    private static void Apply(RaftConfChange change, RaftMembership membership, SortedSet<ulong> voters, SortedSet<ulong> learners)
    {
        switch (change.Type)
        {
            case RaftConfChangeType.RemoveNode:
                membership.Remove(change.NodeId);
                voters.Remove(change.NodeId);
                learners.Remove(change.NodeId);
                return;
            case RaftConfChangeType.AddNode:
                voters.Add(change.NodeId);
                learners.Remove(change.NodeId);
                break;
            case RaftConfChangeType.AddLearnerNode when !voters.Contains(change.NodeId):
                learners.Add(change.NodeId);
                break;
        }
        if (change.Context.Length > 0) membership.Put(RaftAddress.Decode(change.Context));
    }
}
