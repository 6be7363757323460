using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// The headers of new Raft blocks, as GoQuorum's minter makes them (raft/minter.go): Ethash's difficulty, the clock in
/// nanoseconds. Where the chain counts seconds the difficulty is 1.
/// </summary>
public sealed class RaftBlockProducer(ChainConfig config, CompatibilityProfile profile, GasLimitRule? gasLimit = null)
{
    private readonly GasLimitRule _gasLimit = gasLimit ?? new GasLimitRule();

    /// <summary>
    /// A header to build on <paramref name="parent"/>: number, time, difficulty, gas limit. Roots are filled in by the builder.
    /// </summary>
    /// <param name="now">The clock; pushed past the parent's time when not later, or in seconds not below it.</param>
    public BlockHeader Prepare(BlockHeader parent, BlockTime now)
    {
        var time = Next(parent, now.In(config.BlockTimeUnit).Value);
        return new BlockHeader
        {
            ParentHash = parent.Hash,
            Number = parent.Number + 1,
            GasLimit = _gasLimit.Next(parent),
            Time = time,
            Difficulty = config.BlockTimeUnit == BlockTimeUnit.Seconds ? UInt256.One : EthashDifficulty.Next(config, profile, time, parent),
        };
    }

    // GoQuorum's rule is a later time for each block (raft/minter.go). In nanoseconds that never runs ahead of the clock; in
    // seconds it would.
    private ulong Next(BlockHeader parent, ulong now) =>
        config.BlockTimeUnit == BlockTimeUnit.Seconds ? Math.Max(now, parent.Time) : Math.Max(now, parent.Time + 1);
}
