using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

/// <summary>Raft blocks of a network of our own: times in seconds that follow the clock, and a difficulty of 1.</summary>
public sealed class SecondBlockTimeTests
{
    private const ulong Nanoseconds = 1_000_000_000;
    private const ulong Start = 1_700_000_000;
    private static readonly ChainConfig Ours = new()
    {
        ChainId = 1_234_567u,
        IsQuorum = true,
        HomesteadBlock = 0,
        ByzantiumBlock = 0,
        Mesh = new QuorumMeshConfig(1) { SecondBlockTimes = true }
    };
    private static readonly BlockHeader Genesis = new() { GasLimit = 700_000_000 };

    [Fact]
    public void A_million_blocks_fifty_milliseconds_apart_stay_on_the_clock_at_difficulty_one()
    {
        const ulong step = 50_000_000;
        var engine = new RaftBlockProducer(Ours, CompatibilityProfile.V24);
        var parent = engine.Prepare(Genesis, BlockTime.OfNanoseconds(Start * Nanoseconds));
        for (ulong n = 1; n <= 1_000_000; n++)
        {
            var now = (Start * Nanoseconds) + (n * step);
            var header = engine.Prepare(parent, BlockTime.OfNanoseconds(now));
            if (header.Time != now / Nanoseconds || header.Difficulty != UInt256.One || header.Time < parent.Time)
                Assert.Fail($"block {header.Number}: time {header.Time} at {now} ns, difficulty {header.Difficulty}");
            parent = header;
        }
        Assert.Equal((1_000_001ul, Start + 50_000), (parent.Number, parent.Time));
    }

    [Fact]
    public void Time_stands_still_where_the_clock_goes_back()
    {
        var engine = new RaftBlockProducer(Ours, CompatibilityProfile.V24);
        var parent = engine.Prepare(Genesis, BlockTime.OfNanoseconds((Start * Nanoseconds) + 999_999_999));
        var behind = engine.Prepare(parent, BlockTime.OfSeconds(Start - 5));
        Assert.Equal((Start, Start), (parent.Time, behind.Time));
        var rules = new RaftHeaderRules(Ours);
        Assert.Null(rules.VerifyHeader(behind, parent));
        Assert.Equal($"invalid timestamp: {Start - 1} is before the parent's {Start}",
            rules.VerifyHeader(behind with { Time = Start - 1 }, parent));
        Assert.Equal("invalid difficulty: have 2, want 1", rules.VerifyHeader(behind with { Difficulty = 2u }, parent));
    }

    [Fact]
    public void GoQuorums_chains_keep_nanoseconds_and_its_difficulty()
    {
        foreach (var mesh in new[] { null, new QuorumMeshConfig(0), new QuorumMeshConfig(1) })
        {
            var engine = new RaftBlockProducer(Ours with { Mesh = mesh }, CompatibilityProfile.V24);
            var header = engine.Prepare(Genesis, BlockTime.OfNanoseconds(Start * Nanoseconds));
            Assert.Equal((Start * Nanoseconds, (UInt256)EthashDifficulty.Minimum), (header.Time, header.Difficulty));
            Assert.Equal(header.Time + 1, engine.Prepare(header, BlockTime.OfNanoseconds(0)).Time);
        }
    }
}
