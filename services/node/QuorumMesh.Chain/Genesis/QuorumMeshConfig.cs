namespace QuorumMesh.Chain.Genesis;

/// <summary>
/// <c>config.quorumMesh</c>: the genesis is QuorumMesh's own, not one of GoQuorum's. The forks after Berlin count in it, and no
/// field is passed over.
/// </summary>
/// <param name="Version">
/// <see cref="BeforeTheMark"/>: the rules of networks that were made before this object was: block times in nanoseconds under
/// Raft, no gas price in any transaction. <see cref="Current"/>: from London on a base fee of 0 is shown, and fee caps are taken
/// and never charged.
/// </param>
public sealed record QuorumMeshConfig(int Version)
{
    /// <summary>Networks that were made before the object was known.</summary>
    public const int BeforeTheMark = 0;
    /// <summary>What new networks are made with.</summary>
    public const int Current = 1;

    /// <summary>Block times are seconds since 1970 under Raft too, equal ones are allowed, and the difficulty is 1.</summary>
    public bool SecondBlockTimes { get; init; }

    /// <summary>Null mints no empty block.</summary>
    public EmptyBlocksConfig? EmptyBlocks { get; init; }

    /// <summary>
    /// Not in the file: the chain was made by a version that knew no such object and took the forks after Berlin from every
    /// genesis.
    /// </summary>
    public bool IsInferred { get; init; }
}

/// <summary>
/// Blocks without transactions that are minted after the last one that had any, so that clients which wait for confirmations get
/// them.
/// </summary>
/// <param name="Count">1 to <see cref="MaxCount"/>.</param>
/// <param name="PeriodSeconds">From one to the next, 1 to <see cref="MaxPeriodSeconds"/>.</param>
public sealed record EmptyBlocksConfig(int Count, int PeriodSeconds)
{
    public const int MaxCount = 100;
    public const int MaxPeriodSeconds = 3_600;
}
