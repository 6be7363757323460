using QuorumMesh.Chain.Genesis;
namespace QuorumMesh.Chain;

/// <summary>What the times in a chain's headers count; <see cref="ChainConfig.BlockTimeUnit"/> tells.</summary>
public enum BlockTimeUnit
{
    Seconds,

    /// <summary>GoQuorum's Raft chains (raft/minter.go).</summary>
    Nanoseconds,
}

/// <summary>A moment as headers carry it: whole units since 1970-01-01 UTC. Nanoseconds fit until the year 2554.</summary>
public readonly record struct BlockTime(ulong Value, BlockTimeUnit Unit)
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>A time of an IBFT chain, or of a network of our own.</summary>
    public static BlockTime OfSeconds(ulong seconds) => new(seconds, BlockTimeUnit.Seconds);

    /// <summary>A time of a GoQuorum Raft chain.</summary>
    public static BlockTime OfNanoseconds(ulong nanoseconds) => new(nanoseconds, BlockTimeUnit.Nanoseconds);

    /// <summary>The same moment in another unit; a part of a second is left out.</summary>
    /// <exception cref="OverflowException">Seconds past the year 2554 have no 64-bit nanoseconds.</exception>
    public BlockTime In(BlockTimeUnit unit) => (Unit, unit) switch
    {
        (BlockTimeUnit.Nanoseconds, BlockTimeUnit.Seconds) => OfSeconds(Value / NanosecondsPerSecond),
        (BlockTimeUnit.Seconds, BlockTimeUnit.Nanoseconds) => OfNanoseconds(checked(Value * NanosecondsPerSecond)),
        _ => this,
    };
}
