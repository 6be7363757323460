namespace QuorumMesh.Chain.Engines;

/// <summary>GoQuorum's gas limit step: at most 1/4096 of the parent's, towards a range.</summary>
/// <param name="Floor">The miner's target; 700 000 000 by default.</param>
/// <param name="Ceiling">800 000 000 by default.</param>
public sealed record GasLimitRule(ulong Floor = GasLimitRule.Minimum, ulong Ceiling = 800_000_000)
{
    /// <summary>The least gas limit of a block (2.5:params/protocol_params.go).</summary>
    public const ulong Minimum = 700_000_000;
    /// <summary>Below this no limit goes; a transition may lower it (24:params/config.go GetMinerMinGasLimit).</summary>
    public ulong Least { get; init; } = Minimum;

    // Ethereum's is 1024.
    private const ulong BoundDivisor = 4096;

    // Wider than any step that GoQuorum's releases make: what an honest node proposes is never above it.
    private const ulong LargestStepDivisor = 1024;

    /// <summary>The limit of the block after <paramref name="parent"/> (2.5:core/block_validator.go CalcGasLimit). Only makers of
    /// blocks use it: neither engine checks the step on import.</summary>
    public ulong Next(BlockHeader parent)
    {
        var contribution = (ulong)((UInt128)parent.GasUsed * 3 / 2 / BoundDivisor);
        var decay = (parent.GasLimit / BoundDivisor) is var step && step > 0 ? step - 1 : 0;
        var limit = Math.Max(parent.GasLimit - decay + contribution, Least);
        if (limit < Floor)
            return Math.Min(parent.GasLimit + decay, Floor);
        return limit > Ceiling ? Math.Max(parent.GasLimit - decay, Ceiling) : limit;
    }

    /// <summary>The most that the block after <paramref name="parent"/> has when its maker keeps to the rule.</summary>
    public ulong Most(BlockHeader parent)
    {
        var step = parent.GasLimit / LargestStepDivisor;
        return Math.Max(parent.GasLimit + Math.Min(step, ulong.MaxValue - parent.GasLimit), Least);
    }
}
