using System.Globalization;
using QuorumMesh.Cli.Network;
using Xunit.Abstractions;

namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>
/// Whole participants, each in a network namespace of its own: partitions, one-way ones too, slow and lossy links, and kills, under load
/// in all directions.
/// </summary>
[Collection("network")]
public sealed class NamespaceTests(ITestOutputHelper output)
{
    private const int Shapes = 6;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    [NamespaceTheory]
    [InlineData(NetworkRequest.Ibft, 4)]
    [InlineData(NetworkRequest.Ibft, 7)]
    [InlineData(NetworkRequest.Qbft, 4)]
    [InlineData(NetworkRequest.Qbft, 7)]
    [InlineData(NetworkRequest.Raft, 3)]
    [InlineData(NetworkRequest.Raft, 5)]
    public async Task Faults_under_load_lose_nothing_acknowledged_and_blocks_come_again(string consensus, int participants)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("QUORUMMESH_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"{consensus}, {participants} participants; seed {seed} (set QUORUMMESH_SEED to draw the same faults)");
        using var namespaces = new NamespaceNet(participants);
        await using var network = await LocalNetwork.StartAsync(participants, consensus, namespaces: namespaces);
        var load = await TransactionLoad.StartAsync(network);
        var run = new FaultRun(network, namespaces, seed, output);
        try
        {
            await load.EachSendsAsync(1);
            await run.RunAsync(Length);
            await Task.Delay(Quiet);
            await load.EachSendsAsync(1);
        }
        catch
        {
            Tell(network);
            throw;
        }
        finally
        {
            await load.StopAsync();
            output.WriteLine($"{load}\n{run}");
        }
        await AssertKeptAsync(network, load);
    }

    private static TimeSpan Length => TimeSpan.FromMinutes(
        double.Parse(Environment.GetEnvironmentVariable(NamespaceTheoryAttribute.Switch)!, CultureInfo.InvariantCulture) / Shapes);

    private async Task AssertKeptAsync(LocalNetwork network, TransactionLoad load)
    {
        try
        {
            var acknowledged = await AcknowledgedChecks.AssertKeptAsync(network, load.TakeAcknowledged());
            await AcknowledgedChecks.AssertSameHistoriesAsync(network, load.Directions);
            await network.AssertSameBlockAsync(await network.HeadAsync(0));
            output.WriteLine($"{acknowledged.Count} transactions acknowledged, each mined at every node; one chain");
        }
        catch
        {
            Tell(network);
            throw;
        }
    }

    private void Tell(LocalNetwork network)
    {
        foreach (var service in network.Runner.Services.Where(s => s.Kind == ServiceKind.Node))
            output.WriteLine($"the last that {service.Name} wrote:\n{service.LastOutput(20)}");
    }
}
