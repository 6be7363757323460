using System.Globalization;
using Xunit.Abstractions;

namespace QuorumMesh.Simulation.Raft;

/// <summary>QUORUMMESH_SEEDS sets the number of seeds per shape, QUORUMMESH_SEED runs a single one.</summary>
public class RaftSimulationTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(3, true)]
    [InlineData(5, true)]
    public void Safety_under_faults_and_progress_after_them(int size, bool membershipChanges)
    {
        var (crashes, elections, applied, delivered, introductions) = (0, 0, 0UL, 0UL, 0);
        foreach (var seed in Seeds())
        {
            try
            {
                var cluster = new RaftCluster(seed, size);
                cluster.Run(400, membershipChanges);
                cluster.HealAndConverge(400);
                crashes += cluster.Crashes;
                elections += cluster.Checks.Elections;
                applied += cluster.Checks.HighestApplied;
                delivered += cluster.Delivered;
                introductions += cluster.Introductions;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, {size} members, membership changes {membershipChanges} (QUORUMMESH_SEED={seed} runs it alone): "
                    + $"{e}");
            }
        }
        output.WriteLine($"{crashes} crashes, {elections} elections, {applied} entries applied, {delivered} messages, {introductions} "
            + "leaders vouched for");
        Assert.True(applied > 0);
    }

    private static IEnumerable<int> Seeds()
    {
        if (Environment.GetEnvironmentVariable("QUORUMMESH_SEED") is { Length: > 0 } one)
            return [int.Parse(one, CultureInfo.InvariantCulture)];
        var count = int.Parse(Environment.GetEnvironmentVariable("QUORUMMESH_SEEDS") ?? "10", CultureInfo.InvariantCulture);
        return Enumerable.Range(1, count);
    }
}
