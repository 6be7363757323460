namespace QuorumMesh.Consensus.Raft;

/// <summary>Handing leadership to another member (Raft thesis, section 3.10; etcd 3.3's MsgTransferLeader and MsgTimeoutNow).</summary>
public sealed partial class RaftCore
{
    /// <summary>The member that is to take over, on a leader that is handing over; 0 otherwise, and once it was given up.</summary>
    public ulong TransferTarget => _transferTarget;

    /// <summary>
    /// Asks that <paramref name="target"/> take over. A leader drops proposals until it has, for one election timeout at most; others pass
    /// the wish on to it. One that is no voter, or leads already, changes nothing.
    /// </summary>
    public void TransferLeadership(ulong target) =>
        StepKnownTerm(new RaftMessage { Type = RaftMessageType.TransferLeader, From = target, To = Leader });

    /// <summary>
    /// Voters that can take over from this leader at once, best first: those heard within an election timeout whose logs lack no more than
    /// one window of appends. Members that know pre-vote come before GoQuorum's, which mint too but lack what ours keep beside it.
    /// </summary>
    public IReadOnlyList<ulong> TransferCandidates() => !IsLeader ? [] :
    [
        .. _members.Where(m => m.Key != Id && CanTakeOver(m.Value)).OrderByDescending(m => _announced.Contains(m.Key))
            .ThenByDescending(m => m.Value.Match).ThenBy(m => m.Key).Select(m => m.Key),
    ];

    // A member that is further behind would have to be waited for, while nothing is proposed.
    private bool CanTakeOver(RaftProgress progress) =>
        !progress.IsLearner && progress.State == RaftProgressState.Replicate && _ticks - progress.HeardAt <= _config.ElectionTicks
            && progress.Match + (ulong)_config.MaxInflight >= _log.LastIndex;
}
