namespace QuorumMesh.Consensus.Bft;

/// <summary>What this machine does beyond GoQuorum's against stalls. None of it changes a byte on the wire.</summary>
public sealed record BftTuning
{
    /// <summary>The default for <see cref="BftHeight.MaxRequestTimeout"/>: 60 s. Holds while a quorum can be reached; alone, rounds grow as
    /// GoQuorum's do, so that both meet again in the same one. Null for no cap.</summary>
    public TimeSpan? LongestRound { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a proposer is waited for that is not connected and not heard, while a quorum is: 300 ms. Null waits the whole
    /// round.</summary>
    public TimeSpan? AwayProposerWait { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Own messages of the round are sent again to a validator that connects or shows that it is behind, and a validator that
    /// waits for votes that cannot come joins a higher round at once.</summary>
    public bool HelpsOthers { get; init; } = true;
}
