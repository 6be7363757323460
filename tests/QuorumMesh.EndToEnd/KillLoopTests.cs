using QuorumMesh.Cli.Network;
using QuorumMesh.Tests.Shared;
using Xunit.Abstractions;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// kill -9 of any process at any moment, under load in all directions, and restart: nothing acknowledged is lost, and what is
/// refused is counted.
/// </summary>
[Collection("network")]
public sealed class KillLoopTests(ITestOutputHelper output)
{
    /// <summary>
    /// Of the transactions while everything is up. Beside it a machine that stands still may once cost what each sender has under
    /// way.
    /// </summary>
    private const double RefusableShare = 0.02;

    /// <summary>Three are one of each kind of service; make test-long asks for many.</summary>
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("QUORUMMESH_KILLS"), out var kills) ? kills : 3;

    [LongFact]
    public async Task Kills_of_every_service_under_load_in_all_directions_lose_nothing()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("QUORUMMESH_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"seed {seed} (set QUORUMMESH_SEED to repeat the order of kills)");
        var random = new Random(seed);
        await using var network = await LocalNetwork.StartAsync(3);
        var load = await TransactionLoad.StartAsync(network);
        var (kept, calm) = (new List<Acknowledged>(), (Acknowledged: 0, Refused: 0));
        try
        {
            await load.EachSendsAsync(1);
            for (var order = new Queue<ServiceProcess>(DrawOrder(network, random).Take(Kills)); order.Count > 0;)
            {
                await KillSomeAsync(network, order, random);
                await load.EachSendsAsync(1);
                var (acknowledged, refused) = await load.EachSendsAsync(2);
                calm = (calm.Acknowledged + acknowledged, calm.Refused + refused);
                kept.AddRange(await load.WithoutAsync(() => AcknowledgedChecks.AssertKeptAsync(network, load.TakeAcknowledged())));
                await AcknowledgedChecks.AssertSameHistoriesAsync(network, load.Directions);
            }
        }
        finally
        {
            await load.StopAsync();
            output.WriteLine($"{Kills} kills; while all were up and each sender had come through again: {calm.Acknowledged} acknowledged, "
                + $"{calm.Refused} refused; in all:\n{load}");
        }
        Assert.InRange(calm.Refused, 0, load.SendersInAll + (int)(RefusableShare * (calm.Acknowledged + calm.Refused)));

        kept.AddRange(load.TakeAcknowledged());
        await AcknowledgedChecks.AssertKeptAsync(network, kept);
        await AcknowledgedChecks.AssertSameHistoriesAsync(network, load.Directions);
        await network.AssertSameBlockAsync(await network.HeadAsync(0));
        Assert.Equal(load.Directions.Sum(d => d.Acknowledged), kept.Count);
    }

    /// <summary>Without end: of three in a row each is of another kind, and nine in a row are every service once.</summary>
    private static IEnumerable<ServiceProcess> DrawOrder(LocalNetwork network, Random random)
    {
        var kinds = Enum.GetValues<ServiceKind>();
        while (true)
        {
            var participants = kinds.ToDictionary(kind => kind, _ => Shuffled(random, [0, 1, 2]));
            for (var i = 0; i < 3; i++)
                foreach (var kind in Shuffled(random, kinds))
                    yield return network.Service(participants[kind][i], kind);
        }
    }

    private static T[] Shuffled<T>(Random random, T[] items)
    {
        T[] shuffled = [.. items];
        random.Shuffle(shuffled);
        return shuffled;
    }

    /// <summary>
    /// Kills the next, now and then one more before the first is back, starts them again, and waits until everything is ready.
    /// </summary>
    private async Task KillSomeAsync(LocalNetwork network, Queue<ServiceProcess> order, Random random)
    {
        var killed = new List<ServiceProcess>();
        await Task.Delay(random.Next(50, 1500));
        do
        {
            var service = order.Dequeue();
            output.WriteLine($"kill {service.Name}");
            await network.KillAsync(service);
            killed.Add(service);
            await Task.Delay(random.Next(0, 500));
        }
        while (random.Next(4) == 0 && order.TryPeek(out var next) && !killed.Contains(next));
        killed.ForEach(network.Runner.StartOne);
        foreach (var service in network.Runner.Services)
            await network.Runner.WaitReadyAsync(network.Http, service, CancellationToken.None);
    }
}
