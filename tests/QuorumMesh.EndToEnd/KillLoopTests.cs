using System.Text.Json.Nodes;
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

    private const int CallsAtOnce = 100;
    private const int TellAtMost = 5;
    private const string NoState = "none";

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
                kept.AddRange(await load.WithoutAsync(() => AssertKeptAsync(network, load.TakeAcknowledged())));
                await AssertSameHistoriesAsync(network, load.Directions);
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
        await AssertKeptAsync(network, kept);
        await AssertSameHistoriesAsync(network, load.Directions);
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

    /// <summary>
    /// Each is mined, in one place and with one outcome; the parties hold the payload of a private one, and no other does.
    /// </summary>
    private static async Task<IReadOnlyList<Acknowledged>> AssertKeptAsync(LocalNetwork network, IReadOnlyList<Acknowledged> sent)
    {
        foreach (var chunk in sent.Chunk(CallsAtOnce))
        {
            var receipts = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => ReceiptsAsync(network, i, chunk)));
            for (var i = 0; i < chunk.Length; i++)
            {
                string[] texts = [.. receipts.Select(seen => seen[i]!.ToJsonString())];
                Assert.True((string?)receipts[0][i]!["status"] == "0x1" && texts.Distinct().Count() == 1,
                    $"{chunk[i]} succeeded, and alike everywhere:\n{string.Join('\n', texts)}");
            }
            await AssertPayloadsAsync(network, [.. chunk.Where(one => !one.Direction.IsPublic)]);
        }
        return sent;
    }

    private static async Task<JsonNode?[]> ReceiptsAsync(LocalNetwork network, int participant, Acknowledged[] sent)
    {
        JsonNode?[] receipts = [];
        await LocalNetwork.UntilAsync(
            async () => (receipts = await network.BatchAsync(participant, "eth_getTransactionReceipt", [.. sent.Select(one => one.Hash)]))
            .All(receipt => receipt is not null),
            () => $"mined at {network.Parties[participant].Name}: "
                + $"{string.Join("; ", sent.Where((_, i) => receipts.ElementAtOrDefault(i) is null).Take(TellAtMost))}");
        return receipts;
    }

    private static async Task AssertPayloadsAsync(LocalNetwork network, Acknowledged[] sent)
    {
        if (sent.Length == 0) return;
        var transactions = await network.BatchAsync(0, "eth_getTransactionByHash", [.. sent.Select(one => one.Hash)]);
        string[] digests = [.. transactions.Select(transaction => (string)transaction!["input"]!)];
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async participant =>
        {
            string[] wrong = [];
            await LocalNetwork.UntilAsync(
                async () => (wrong = Wrong(participant, await network.BatchAsync(participant, "eth_getQuorumPayload", digests)))
                .Length == 0,
                () => $"payloads at {network.Parties[participant].Name}: {string.Join("; ", wrong.Take(TellAtMost))}");
        }));

        string[] Wrong(int participant, JsonNode?[] payloads) =>
            [.. sent.Select((one, i) =>
                (Sent: one, Expected: one.Direction.IsParty(participant) ? one.Data : "0x", Seen: (string?)payloads[i]))
                .Where(p => p.Seen != p.Expected).Select(p => $"{p.Seen} for {p.Sent}")];
    }

    /// <summary>The parties of a contract have one state of it, which no other has.</summary>
    private static async Task AssertSameHistoriesAsync(LocalNetwork network, IReadOnlyList<LoadDirection> directions)
    {
        foreach (var direction in directions.DistinctBy(d => d.Contract))
        {
            var states = new string[3];
            await LocalNetwork.UntilAsync(
                async () =>
                {
                    var block = $"0x{await network.HeadAsync(0):x}";
                    for (var i = 0; i < 3; i++) states[i] = await StateAsync(network, i, direction.Contract, block);
                    return states.Where((_, i) => direction.IsPublic || direction.IsParty(i)).Distinct().Count() == 1;
                },
                () => $"the parties to the contract of {direction.Name} have one state of it: {string.Join("; ", states)}");
            for (var i = 0; i < 3; i++)
                Assert.Equal((network.Parties[i].Name, direction.IsPublic || direction.IsParty(i)),
                    (network.Parties[i].Name, states[i] != NoState));
        }
    }

    /// <summary>The contract's word and the root of its storage at a block.</summary>
    private static async Task<string> StateAsync(LocalNetwork network, int participant, string contract, string block)
    {
        var code = (string)(await network.Rpc[participant].CallAsync("eth_getCode", CancellationToken.None, contract, block))!;
        if (code == "0x") return NoState;
        var word = await network.Rpc[participant].CallAsync("eth_getStorageAt", CancellationToken.None, contract,
            HistoryContract.Slot, block);
        return $"{word} {await network.Rpc[participant].CallAsync("eth_storageRoot", CancellationToken.None, contract, block)}";
    }
}
