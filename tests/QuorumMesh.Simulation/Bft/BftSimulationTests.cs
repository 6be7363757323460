using System.Globalization;
using Xunit.Abstractions;

namespace QuorumMesh.Simulation.Bft;

/// <summary>
/// The pure BFT machines under faults. QUORUMMESH_SEEDS is the number of seeds of a shape, QUORUMMESH_FIRST_SEED the first, QUORUMMESH_SEED
/// runs a single one, QUORUMMESH_SHAPE a single shape, QUORUMMESH_MS and QUORUMMESH_WITHOUT less of the faults; `make sim` sets them.
/// </summary>
public class BftSimulationTests(ITestOutputHelper output)
{
    private const int SeedsOfShape = 84;
    private const int FaultyMs = 25_000;

    public static TheoryData<string> Shapes =>
        Environment.GetEnvironmentVariable("QUORUMMESH_SHAPE") is { Length: > 0 } one ? [one] : [.. BftShape.All];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void One_block_a_height_under_faults_and_blocks_again_after_them(string shape)
    {
        var (decisions, late, crashes, delivered, slowest) = (0, 0UL, 0, 0L, 0L);
        foreach (var seed in Seeds())
        {
            var simulation = Run(shape, seed, out var healed);
            decisions += simulation.Checks.Decisions;
            late += simulation.Checks.LateRounds;
            crashes += simulation.Crashes;
            delivered += simulation.Delivered;
            slowest = Math.Max(slowest, healed);
        }
        output.WriteLine($"{shape}: {decisions} decisions, {late} rounds past the first, {crashes} crashes, {delivered} messages; at most "
            + $"{slowest} ms to two more blocks after the faults");
        Assert.True(decisions > 0);
    }

    /// <summary>Each found a fault once; the seeds stay themselves as long as the simulation draws as it did.</summary>
    [Theory]
    // Validators that had begun a round did not follow F + 1 others to a later one.
    [InlineData("ibft7", 5)]
    // Votes that a crash had kept from being sent go out later as the proof of a lock: the check took it for a vote in a round left.
    [InlineData("ibft4-liars", 407)]
    // A round change that a crash had kept from being sent goes out after votes in its own round: it tells of earlier ones alone.
    [InlineData("qbft4", 201493)]
    public void A_seed_that_failed_once_passes(string shape, int seed) => Assert.True(Run(shape, seed, out _).Checks.Decisions > 0);

    private static BftSimulation Run(string shape, int seed, out long healed)
    {
        var plan = FaultPlan.Of(FaultyMs);
        try
        {
            return Run(shape, seed, plan, out healed);
        }
        catch (Exception e)
        {
            var least = plan.Shrink(smaller => Fails(shape, seed, smaller));
            throw new BftSafetyException($"{shape} seed {seed}; again: make sim SHAPE={shape} SEED={seed}, and shrunk: make sim "
                + $"SHAPE={shape} SEED={seed} {least.Describe()}\n{e}");
        }
    }

    private static BftSimulation Run(string shape, int seed, FaultPlan plan, out long healed)
    {
        var simulation = new BftSimulation(seed, BftShape.Parse(shape), plan);
        simulation.Run(plan.Ms);
        healed = simulation.HealAndDecide();
        return simulation;
    }

    private static bool Fails(string shape, int seed, FaultPlan plan)
    {
        try
        {
            Run(shape, seed, plan, out _);
            return false;
        }
        catch (Exception)
        {
            return true;
        }
    }

    private static IEnumerable<int> Seeds()
    {
        if (Environment.GetEnvironmentVariable("QUORUMMESH_SEED") is { Length: > 0 } one) return [Number(one)];
        var first = Number(Environment.GetEnvironmentVariable("QUORUMMESH_FIRST_SEED") ?? "1");
        var count = Environment.GetEnvironmentVariable("QUORUMMESH_SEEDS") is { Length: > 0 } given ? Number(given) : SeedsOfShape;
        return Enumerable.Range(first, count);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
