namespace QuorumMesh.Consensus.Raft;

/// <summary>How a Raft member stands, for operators.</summary>
public sealed record RaftExplanation
{
    /// <summary>This member's Raft id.</summary>
    public required ulong Id { get; init; }

    /// <summary>The latest term that it has seen.</summary>
    public required ulong Term { get; init; }

    /// <summary>What it is just now.</summary>
    public required RaftRole Role { get; init; }

    /// <summary>0 when it knows none.</summary>
    public required ulong Leader { get; init; }

    /// <summary>Votes that elect and commit.</summary>
    public required int Quorum { get; init; }

    /// <summary>See <see cref="RaftCore.HasQuorum"/>.</summary>
    public required bool HasQuorum { get; init; }

    /// <summary>Index of the last entry of its log.</summary>
    public required ulong LastIndex { get; init; }

    /// <summary>Index up to which entries can no longer change.</summary>
    public required ulong Committed { get; init; }

    /// <summary>Index up to which they have had their effect.</summary>
    public required ulong Applied { get; init; }

    /// <summary>It has lost entries that it acknowledged, and neither votes nor leads until it has them again.</summary>
    public required bool OwesEntries { get; init; }

    /// <summary>Whom it is handing leadership to; 0 for nobody.</summary>
    public required ulong TransferTarget { get; init; }

    /// <summary>Pre-vote and check-quorum are in use.</summary>
    public required bool IsPreVoteOn { get; init; }

    /// <summary>By id; this member among them.</summary>
    public required IReadOnlyList<RaftMemberExplanation> Members { get; init; }
}

/// <param name="HasAnnounced">It has said that it knows pre-vote; GoQuorum's members never do.</param>
/// <param name="Sent">What a leader knows of its log; null on others, and of the leader itself.</param>
public sealed record RaftMemberExplanation(ulong Id, bool IsLearner, bool HasAnnounced, RaftSentExplanation? Sent);

/// <summary>A member's log as its leader knows it.</summary>
/// <param name="Match">The highest entry known to be the same there.</param>
/// <param name="Next">The next one to be sent.</param>
/// <param name="State"><c>probe</c> (the place where both logs meet is searched), <c>replicate</c> or <c>snapshot</c>.</param>
/// <param name="InFlight">Appends that are not answered yet.</param>
/// <param name="IsPaused">Nothing is sent before it answers.</param>
/// <param name="SilentTicks">Ticks since it last answered.</param>
public sealed record RaftSentExplanation(ulong Match, ulong Next, string State, int InFlight, bool IsPaused, long SilentTicks);
