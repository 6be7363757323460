using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// Ethash's difficulty formula by fork (Yellow Paper 4.3.4, EIP-2, EIP-100 and the bomb delays), which Raft blocks carry.
/// </summary>
public static class EthashDifficulty
{
    /// <summary>The least difficulty, as geth's params.MinimumDifficulty.</summary>
    public const ulong Minimum = 131_072;
    private const int BoundShift = 11;
    private const ulong BombPeriod = 100_000;

    /// <param name="time">Of the new block, in the header's own unit.</param>
    public static UInt256 Next(ChainConfig config, CompatibilityProfile profile, ulong time, BlockHeader parent)
    {
        var number = parent.Number + 1;
        if (BombDelay(config, profile, number) is { } delay)
            return Byzantium(time, parent, delay);
        return ChainConfig.IsActive(config.HomesteadBlock, number) ? Homestead(time, parent) : Frontier(time, parent);
    }

    /// <summary>Yellow Paper, section 4.3.4, before EIP-2.</summary>
    public static UInt256 Frontier(ulong time, BlockHeader parent)
    {
        var step = parent.Difficulty >> BoundShift;
        var difficulty = (Int128)time - parent.Time < 13 ? parent.Difficulty + step : parent.Difficulty - step;
        return Max(Max(difficulty) + Bomb(parent.Number + 1));
    }

    /// <summary>EIP-2.</summary>
    public static UInt256 Homestead(ulong time, BlockHeader parent) =>
        Adjusted(parent.Difficulty, 1 - FloorDivide((Int128)time - parent.Time, 10)) + Bomb(parent.Number + 1);

    /// <param name="delay">Blocks by which the bomb is put off: 3, 5, 9 million and so on.</param>
    public static UInt256 Byzantium(ulong time, BlockHeader parent, ulong delay)
    {
        Int128 start = parent.UncleHash == Hash256.EmptyUncles ? 1 : 2;
        var bombBlock = parent.Number >= delay - 1 ? parent.Number - (delay - 1) : 0;
        return Adjusted(parent.Difficulty, start - FloorDivide((Int128)time - parent.Time, 9)) + Bomb(bombBlock);
    }

    private static ulong? BombDelay(ChainConfig c, CompatibilityProfile profile, ulong number)
    {
        if (profile.KnowsBerlin)
        {
            if (ChainConfig.IsActive(c.GrayGlacierBlock, number))
                return 11_400_000;
            if (ChainConfig.IsActive(c.ArrowGlacierBlock, number))
                return 10_700_000;
            if (ChainConfig.IsActive(c.LondonBlock, number))
                return 9_700_000;
        }
        if (profile.KnowsPetersburgAndIstanbul && ChainConfig.IsActive(c.MuirGlacierBlock, number))
            return 9_000_000;
        if (ChainConfig.IsActive(c.ConstantinopleBlock, number))
            return 5_000_000;
        return ChainConfig.IsActive(c.ByzantiumBlock, number) ? 3_000_000 : null;
    }

    private static UInt256 Adjusted(in UInt256 parent, Int128 factor)
    {
        factor = Int128.Max(factor, -99);
        var step = parent >> BoundShift;
        var magnitude = step * (UInt256)(ulong)Int128.Abs(factor);
        return Max(factor >= 0 ? parent + magnitude : parent - magnitude);
    }

    private static UInt256 Bomb(ulong block)
    {
        var period = block / BombPeriod;
        // Past 256 bits the power would be meaningless; no chain gets there.
        return period <= 1 ? UInt256.Zero : UInt256.One << (int)Math.Min(period - 2, 255);
    }

    private static UInt256 Max(in UInt256 difficulty) => difficulty < Minimum ? Minimum : difficulty;

    private static Int128 FloorDivide(Int128 value, Int128 divisor) => value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}
