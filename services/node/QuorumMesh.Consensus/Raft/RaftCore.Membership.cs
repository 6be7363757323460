namespace QuorumMesh.Consensus.Raft;

public sealed partial class RaftCore
{
    /// <summary>To be called when a membership entry is applied, also with NodeId 0 when the application refuses the change.
    /// Returns the membership that results.</summary>
    public RaftConfState ApplyConfChange(RaftConfChange change)
    {
        if (change.NodeId == 0) return ConfState;
        switch (change.Type)
        {
            case RaftConfChangeType.AddNode: AddMember(change.NodeId, false); break;
            case RaftConfChangeType.AddLearnerNode: AddMember(change.NodeId, true); break;
            case RaftConfChangeType.RemoveNode: RemoveMember(change.NodeId); break;
            case RaftConfChangeType.UpdateNode: break; // an address changed: the transport's affair
        }
        return ConfState;
    }

    private void AddMember(ulong id, bool isLearner)
    {
        if (!_members.TryGetValue(id, out var progress))
            _members[id] = progress = new RaftProgress(_log.LastIndex + 1, _config, isLearner);
        else if (progress.IsLearner && !isLearner)
            progress.IsLearner = false; // promoted; a voter never becomes a learner
        if (id == Id) progress.Match = _log.LastIndex;
        // A new member counts as heard, or a leader that checks its quorum would step down before the first answer could come.
        (progress.RecentActive, progress.HeardAt) = (true, _ticks);
    }

    private void RemoveMember(ulong id)
    {
        _acquainted.Remove(id);
        _announced.Remove(id);
        // An introduction of before must not outlive the removal.
        if (!_members.Remove(id) || _members.Count == 0) return;
        // The quorum may be smaller now.
        if (IsLeader && MaybeCommit()) BroadcastAppend();
        if (_transferTarget == id) _transferTarget = 0;
        if (id == Id && IsLeader) LeaveAsLeader();
    }

    /// <summary>A leader that was removed tells the others what is committed and stops leading, so that they elect another.</summary>
    private void LeaveAsLeader()
    {
        BroadcastAppend();
        BecomeFollower(Term, 0);
    }

    private void SetMembers(RaftConfState state)
    {
        _members.Clear();
        foreach (var id in state.Voters) Put(id, false);
        foreach (var id in state.Learners) Put(id, true);

        void Put(ulong id, bool isLearner) => _members[id] =
            new RaftProgress(_log.LastIndex + 1, _config, isLearner) { Match = id == Id ? _log.LastIndex : 0 };
    }
}
