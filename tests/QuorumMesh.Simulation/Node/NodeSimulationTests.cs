using System.Globalization;
using Xunit.Abstractions;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// QUORUMMESH_SEEDS sets the number of seeds, QUORUMMESH_SEED runs a single one; QUORUMMESH_MS and QUORUMMESH_WITHOUT take less of the
/// faults (<see cref="FaultPlan"/>).
/// </summary>
public class NodeSimulationTests(ITestOutputHelper output)
{
    private const string DefaultSeeds = "50";

    /// <summary>264: a minter's block of the future held a private state from before a late payload.</summary>
    private static readonly int[] OnceFailed = [264];

    private delegate NodeNetwork Make(int seed, FaultPlan plan);

    [Fact]
    public void Whole_nodes_agree_and_keep_what_they_acknowledged()
    {
        var (blocks, crashes, acknowledged, syncs, rewinds, losses) = (0UL, 0, 0, 0, 0, 0);
        var (passedOver, refused, lostLogs, changed, rebuilt, notRebuilt) = (0, 0, 0, 0, 0, 0);
        RunAll((seed, plan) => new RaftNodeNetwork(seed, plan), FaultPlan.Of(10_000), settleMs: 120_000, done =>
        {
            var network = (RaftNodeNetwork)done;
            blocks += network.Height;
            crashes += network.Crashes;
            acknowledged += network.Acknowledged;
            syncs += network.Syncs;
            rewinds += network.Rewinds;
            losses += network.Losses;
            passedOver += network.PassedOver;
            refused += network.Refused;
            lostLogs += network.LostLogs;
            changed += network.ChangedMembers;
            rebuilt += network.Rebuilt;
            notRebuilt += network.NotRebuilt;
        });
        output.WriteLine($"{blocks} blocks, {crashes} crashes, {acknowledged} transactions acknowledged, {syncs} catch-ups by snapshot, "
            + $"{rewinds} late payloads, {losses} lost databases");
        output.WriteLine($"{passedOver} committed entries passed over, {refused} messages refused, {lostLogs} nodes refused to start "
            + $"without their log, {changed} changes of members");
        output.WriteLine($"{rebuilt} blocks made whole of what a member held, {notRebuilt} not");
        Assert.True(acknowledged > 0);
        Assert.True(rebuilt > 0 || !Seeds().Any(seed => seed % 2 == 1));
    }

    [Fact]
    public void Whole_validators_agree_and_keep_what_they_acknowledged()
    {
        var (blocks, crashes, acknowledged, rounds, refused, slow, lies) = (0UL, 0, 0, 0, 0, 0, 0);
        RunAll((seed, plan) => new BftNodeNetwork(seed, plan), FaultPlan.Of(20_000), settleMs: 180_000, done =>
        {
            var network = (BftNodeNetwork)done;
            blocks += network.Height;
            crashes += network.Crashes;
            acknowledged += network.Acknowledged;
            rounds += network.FailedRounds;
            refused += network.Refused;
            slow += network.TooSlow;
            lies += network.Lies;
        });
        output.WriteLine($"{blocks} blocks, {crashes} crashes, {acknowledged} transactions acknowledged, {rounds} rounds failed, {refused} "
            + $"messages refused, {slow} times a block or a proposal took too long, {lies} lies told");
        Assert.True(acknowledged > 0);
    }

    /// <summary>Each seed on a thread of its own, as many at once as there are processors; the first that fails is shrunk.</summary>
    private static void RunAll(Make make, FaultPlan plan, long settleMs, Action<NodeNetwork> done)
    {
        var (gate, failed) = (new object(), (Seed: 0, Error: (Exception?)null));
        var seeds = new Queue<int>(Seeds());
        Thread[] threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (true)
            {
                int seed;
                lock (gate)
                {
                    if (failed.Error is not null || !seeds.TryDequeue(out seed)) return;
                }
                try
                {
                    var network = Run(make, seed, plan, settleMs);
                    lock (gate) done(network);
                }
                catch (Exception e)
                {
                    lock (gate) failed = (seed, e);
                }
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        if (failed.Error is null) return;
        var least = plan.Shrink(smaller => Fails(make, failed.Seed, smaller, settleMs));
        Assert.Fail($"seed {failed.Seed} (QUORUMMESH_SEED={failed.Seed} runs it alone, shrunk: QUORUMMESH_SEED={failed.Seed} "
            + $"{least.Describe("QUORUMMESH_")}): {failed.Error}");
    }

    private static NodeNetwork Run(Make make, int seed, FaultPlan plan, long settleMs)
    {
        // What the nodes do in the background goes on where their scheduler says, and nowhere else.
        SynchronizationContext.SetSynchronizationContext(null);
        var network = make(seed, plan);
        network.Run();
        network.HealAndSettle(settleMs);
        return network;
    }

    private static bool Fails(Make make, int seed, FaultPlan plan, long settleMs)
    {
        try
        {
            Run(make, seed, plan, settleMs);
            return false;
        }
        catch (Exception)
        {
            return true;
        }
    }

    private static IEnumerable<int> Seeds()
    {
        if (Environment.GetEnvironmentVariable("QUORUMMESH_SEED") is { Length: > 0 } one)
            return [int.Parse(one, CultureInfo.InvariantCulture)];
        var count = int.Parse(Environment.GetEnvironmentVariable("QUORUMMESH_SEEDS") ?? DefaultSeeds, CultureInfo.InvariantCulture);
        return Enumerable.Range(1, count).Union(OnceFailed);
    }
}
