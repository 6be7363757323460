namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// Contact with a majority, and the two rules that rest on it. GoQuorum runs neither pre-vote nor check-quorum: one that
/// campaigned while it was cut off would be ignored for ever by members that do. So both are on only while every member has
/// announced that it knows them.
/// </summary>
public sealed partial class RaftCore
{
    private readonly HashSet<ulong> _announced = [];
    private long _ticks;

    /// <summary>
    /// True on a leader that has heard a majority of voters within the longest election timeout, and on others while they know a
    /// leader.
    /// </summary>
    public bool HasQuorum => IsLeader ? HeardVoters() >= Quorum : Leader != 0;

    /// <summary>Pre-vote and check-quorum are used just now.</summary>
    public bool IsPreVoteOn => _config.PreVote && _members.Keys.All(id => id == Id || _announced.Contains(id));

    /// <summary>A member said anew what it knows: whenever a connection to it is made, since another program may run there now.</summary>
    public void Announce(ulong id, bool preVote)
    {
        if (!preVote) _announced.Remove(id);
        else if (Knows(id) || _announced.Count < MaxAcquainted) _announced.Add(id);
    }

    internal bool HasAnnounced(ulong id) => _announced.Contains(id);

    // Twice the election ticks: by then every follower that has lost this leader has campaigned.
    private int HeardVoters() =>
        _members.Count(m => !m.Value.IsLearner && (m.Key == Id || _ticks - m.Value.HeardAt <= 2 * _config.ElectionTicks));

    /// <summary>The leader was heard so lately that a candidate is more likely cut off than right.</summary>
    /// <remarks>Only while all use pre-vote: a GoQuorum candidate raises its term before it asks, and would be ignored for
    /// ever.</remarks>
    private bool IsLed => IsPreVoteOn && Leader != 0 && !_hurried && _electionElapsed < _config.ElectionTicks;
}
