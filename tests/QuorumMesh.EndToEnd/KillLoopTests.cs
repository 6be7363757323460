using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using Xunit.Abstractions;

namespace QuorumMesh.EndToEnd;

/// <summary>kill -9 of any process at any moment under load, restart, and nothing acknowledged is lost.</summary>
[Collection("network")]
public sealed class KillLoopTests(ITestOutputHelper output)
{
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("QUORUMMESH_KILLS"), out var kills) ? kills : 54;

    [LongFact]
    public async Task Kills_of_every_service_under_load_lose_nothing()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("QUORUMMESH_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"seed {seed} (set QUORUMMESH_SEED to repeat the order of kills)");
        var random = new Random(seed);
        await using var network = await LocalNetwork.StartAsync(3);
        var load = await Load.StartAsync(network);
        var kinds = Enum.GetValues<ServiceKind>();
        for (var kill = 0; kill < Kills; kill++)
        {
            var service = network.Service(random.Next(3), kinds[kill % kinds.Length]);
            await Task.Delay(random.Next(50, 1500));
            await network.KillAsync(service);
            await Task.Delay(random.Next(0, 500));
            await network.StartAgainAsync(service);
        }
        await load.StopAsync();
        output.WriteLine($"{Kills} kills; acknowledged: {load.Public.Count} public, {load.Private.Count} private; refused while something was down: {load.Refused}");
        Assert.NotEmpty(load.Public);
        Assert.NotEmpty(load.Private);

        foreach (var hash in load.Public.Concat(load.Private))
            for (var i = 0; i < 3; i++)
                Assert.Equal("0x1", (string)(await network.Parties[i].ReceiptAsync(hash, CancellationToken.None))["status"]!);
        await network.AssertSameBlockAsync(await network.HeadAsync(0));
        await AssertSamePrivateStateAsync(network, load);
    }

    /// <summary>A and B share every private contract: their private roots and payloads are equal; C's payload store knows none of it.</summary>
    private static async Task AssertSamePrivateStateAsync(LocalNetwork network, Load load)
    {
        var head = $"0x{await network.HeadAsync(0):x}";
        await LocalNetwork.UntilAsync(async () => await RootAsync(0) == await RootAsync(1), "A and B have one private root");
        Assert.NotEqual(await RootAsync(0), await RootAsync(2));
        foreach (var hash in load.Private)
        {
            var digest = (string)(await network.Rpc[0].CallAsync("eth_getTransactionByHash", CancellationToken.None, hash))!["input"]!;
            var payload = (string)(await network.Rpc[0].CallAsync("eth_getQuorumPayload", CancellationToken.None, digest))!;
            Assert.Equal(payload, (string)(await network.Rpc[1].CallAsync("eth_getQuorumPayload", CancellationToken.None, digest))!);
            Assert.NotEqual("0x", payload);
            Assert.Equal("0x", (string)(await network.Rpc[2].CallAsync("eth_getQuorumPayload", CancellationToken.None, digest))!);
        }

        async Task<string> RootAsync(int participant) => (string)(await network.Rpc[participant].CallAsync("debug_privateStateRoot", CancellationToken.None, head))!;
    }

    /// <summary>Public and private transactions at a steady pace; a refusal is fine, an acknowledgement counts.</summary>
    private sealed class Load
    {
        private readonly LocalNetwork _network;
        private readonly CancellationTokenSource _stop = new();
        private readonly List<Task> _senders = [];
        private int _refused;

        private Load(LocalNetwork network) => _network = network;

        public ConcurrentQueue<string> Public { get; } = new();
        public ConcurrentQueue<string> Private { get; } = new();
        public int Refused => _refused;

        public static async Task<Load> StartAsync(LocalNetwork network)
        {
            var load = new Load(network);
            var hash = await network.Parties[0].SendPrivateAsync(null, SimpleStorage.Create(1), [network.Parties[1]], CancellationToken.None);
            var hidden = (string)(await network.Parties[1].ReceiptAsync(hash, CancellationToken.None))["contractAddress"]!;
            var open = (string)(await network.Parties[2].ReceiptAsync(await network.SendPublicAsync(2, null, SimpleStorage.Create(1)), CancellationToken.None))["contractAddress"]!;
            for (var i = 0; i < 3; i++)
            {
                var participant = i;
                load._senders.Add(load.SendAsync(load.Public, value => network.SendPublicAsync(participant, open, SimpleStorage.Set(value))));
            }
            load._senders.Add(load.SendAsync(load.Private, value => network.Parties[0].SendPrivateAsync(hidden, SimpleStorage.Set(value), [network.Parties[1]], CancellationToken.None)));
            load._senders.Add(load.SendAsync(load.Private, value => network.Parties[1].SendPrivateAsync(hidden, SimpleStorage.Set(value), [network.Parties[0]], CancellationToken.None)));
            return load;
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_senders);
        }

        private async Task SendAsync(ConcurrentQueue<string> acknowledged, Func<ulong, Task<string>> send)
        {
            for (var value = 1UL; !_stop.IsCancellationRequested; value++)
            {
                try
                {
                    acknowledged.Enqueue(await send(value));
                }
                catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException)
                {
                    Interlocked.Increment(ref _refused);
                    await Task.Delay(50);
                }
                await Task.Delay(20);
            }
        }
    }
}
