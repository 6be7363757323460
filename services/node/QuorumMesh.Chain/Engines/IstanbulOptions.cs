namespace QuorumMesh.Chain.Engines;

/// <summary>What is local to a node where the genesis is silent: GoQuorum takes these from its command line.</summary>
public sealed record IstanbulOptions
{
    /// <summary>GoQuorum's up to 21.</summary>
    public const ulong DefaultBlockPeriodSeconds = 1;

    /// <summary>GoQuorum 24's (24:consensus/istanbul/config.go DefaultConfig).</summary>
    public const ulong DefaultNewPeriodSeconds = 5;

    /// <summary>Least time between two blocks, where the genesis has none; null takes the default.</summary>
    public ulong? BlockPeriodSeconds { get; init; }

    /// <summary>Timer of round 0, where the genesis has none; null takes GoQuorum's 10 s.</summary>
    public ulong? RequestTimeoutMilliseconds { get; init; }

    /// <summary>How far ahead of the clock a block may be.</summary>
    public ulong AllowedFutureSeconds { get; init; }

    /// <summary>The clock; null skips the check.</summary>
    public Func<ulong>? UnixSeconds { get; init; }
}
