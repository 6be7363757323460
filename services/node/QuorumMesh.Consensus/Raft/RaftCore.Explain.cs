namespace QuorumMesh.Consensus.Raft;

public sealed partial class RaftCore
{
    /// <summary>How this member stands; a value that later steps do not change.</summary>
    public RaftExplanation Explain() => new()
    {
        Id = Id,
        Term = Term,
        Role = Role,
        Leader = Leader,
        Quorum = Quorum,
        HasQuorum = HasQuorum,
        LastIndex = LastIndex,
        Committed = Committed,
        Applied = Applied,
        OwesEntries = OwesEntries,
        TransferTarget = _transferTarget,
        IsPreVoteOn = IsPreVoteOn,
        Members = [.. _members.Select(m => new RaftMemberExplanation(m.Key, m.Value.IsLearner, m.Key == Id || HasAnnounced(m.Key),
            IsLeader && m.Key != Id ? Explain(m.Value) : null))],
    };

    private RaftSentExplanation Explain(RaftProgress progress) => new(
        progress.Match, progress.Next, progress.State.ToString().ToLowerInvariant(), progress.InFlight, progress.IsPaused,
        _ticks - progress.HeardAt);
}
