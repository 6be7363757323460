using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;

namespace QuorumMesh.Chain.Tests;

/// <summary>A chain may change its engine at a block; which rules hold is asked by height.</summary>
public sealed class EngineScheduleTests
{
    private static readonly ChainConfig Config = new() { ChainId = 10u, IsQuorum = true };
    private readonly IHeaderRules _first = new RaftHeaderRules(Config);
    private readonly IHeaderRules _second = new RaftHeaderRules(Config);

    [Fact]
    public void Each_block_is_under_the_last_engine_that_began_at_or_before_it()
    {
        var rules = new ChainRules(Config, CompatibilityProfile.V24, new EngineSchedule(_first, (10UL, _second)));
        Assert.Same(_first, rules.EngineAt(0));
        Assert.Same(_first, rules.EngineAt(9));
        Assert.Same(_second, rules.EngineAt(10));
        Assert.Same(_second, rules.EngineAt(ulong.MaxValue));
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    public void Engines_follow_each_other_in_ascending_order(ulong second, ulong third) =>
        Assert.Throws<ArgumentException>(() => new EngineSchedule(_first, (second, _second), (third, _first)));

    [Fact]
    public void A_block_time_knows_its_unit()
    {
        Assert.Equal(BlockTime.OfSeconds(5), BlockTime.OfNanoseconds(5_999_999_999).In(BlockTimeUnit.Seconds));
        Assert.Equal(BlockTime.OfNanoseconds(5_000_000_000), BlockTime.OfSeconds(5).In(BlockTimeUnit.Nanoseconds));
        Assert.Equal(BlockTime.OfSeconds(ulong.MaxValue), BlockTime.OfSeconds(ulong.MaxValue).In(BlockTimeUnit.Seconds));
        Assert.Throws<OverflowException>(() => BlockTime.OfSeconds(ulong.MaxValue).In(BlockTimeUnit.Nanoseconds));
    }
}
