namespace QuorumMesh.Consensus.Raft;

/// <summary>Names of refusals for people and counters.</summary>
public static class RaftRefusalNames
{
    /// <summary>The reason as metrics and logs name it.</summary>
    public static string Name(this RaftRefusal refusal) => refusal switch
    {
        RaftRefusal.None => "none",
        RaftRefusal.Malformed => "malformed",
        RaftRefusal.UnknownSender => "unknown-sender",
        RaftRefusal.NotAMember => "not-a-member",
        RaftRefusal.NotTheLeader => "not-the-leader",
        RaftRefusal.TermJump => "term-jump",
        RaftRefusal.IndexJump => "index-jump",
        RaftRefusal.PastLog => "past-log",
        RaftRefusal.Conflict => "conflict",
        RaftRefusal.DoubtfulSnapshot => "doubtful-snapshot",
        RaftRefusal.BadProposal => "bad-proposal",
        RaftRefusal.RemovedSender => "removed-sender",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };
}
