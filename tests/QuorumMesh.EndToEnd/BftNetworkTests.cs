using System.Text.Json.Nodes;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// Networks of four validators as processes: blocks, private transactions, kills under load, votes, and a change of the engine.
/// </summary>
[Collection("network")]
public sealed class BftNetworkTests
{
    private const int Validators = 4;

    [Theory]
    [InlineData(NetworkRequest.Ibft)]
    [InlineData(NetworkRequest.Qbft)]
    public async Task Private_transactions_land_one_validator_may_be_away_and_kills_under_load_lose_nothing(string consensus)
    {
        await using var network = await LocalNetwork.StartAsync(Validators, consensus);
        var cases = new PrivateContractCases([.. network.Definition.Participants.Take(3).Select(p => new DemoParty(p))]);
        Assert.All(await cases.RunAsync(CancellationToken.None), row => Assert.True(row.Passed, row.Title));

        var load = await TransactionLoad.StartAsync(network);
        await load.EachSendsAsync(1);
        var away = network.Service(3, ServiceKind.Node);
        await network.KillAsync(away);
        await load.EachSendsAsync(1);
        await network.StartAgainAsync(away);
        var nodes = Enumerable.Range(0, Validators).Select(i => network.Service(i, ServiceKind.Node)).ToList();
        foreach (var node in nodes) node.Kill();
        foreach (var node in nodes)
            await LocalNetwork.UntilAsync(() => Task.FromResult(node.RunningPid is null), $"{node.Name} is gone");
        foreach (var node in nodes) network.Runner.StartOne(node);
        foreach (var node in nodes) await network.Runner.WaitReadyAsync(network.Http, node, CancellationToken.None);
        await load.EachSendsAsync(1);
        await load.StopAsync();

        string[] sent = [.. load.TakeAcknowledged().Select(one => one.Hash)];
        for (var i = 0; i < Validators; i++)
        {
            var participant = i;
            await LocalNetwork.UntilAsync(async () =>
                (await network.BatchAsync(participant, "eth_getTransactionReceipt", sent)).All(r => (string?)r?["status"] == "0x1"),
                $"{sent.Length} acknowledged transactions are mined at {network.Parties[i].Name}");
        }
        await network.AssertSameBlockAsync(await network.HeadAsync(0));
    }

    [Theory]
    [InlineData(NetworkRequest.Ibft)]
    [InlineData(NetworkRequest.Qbft)]
    public async Task A_validator_is_voted_out_follows_and_is_voted_in_again(string consensus)
    {
        await using var network = await LocalNetwork.StartAsync(Validators, consensus);
        var voted = (string)(await CallAsync(network, 3, "istanbul_nodeAddress"))!;
        await VoteAsync(network, voted, authorize: false);
        await LocalNetwork.UntilAsync(async () => (await ValidatorsAsync(network, 0)).Count == 3, "it is voted out");
        await LocalNetwork.UntilAsync(async () => !(bool)(await CallAsync(network, 3, "istanbul_isValidator"))!, "it knows");
        var head = await network.HeadAsync(0);
        await LocalNetwork.UntilAsync(async () => await network.HeadAsync(3) > head + 3, "it follows");
        var hash = await network.SendPublicAsync(3, network.Definition.Participants[0].Account, "0x");
        await network.Parties[0].ReceiptAsync(hash, CancellationToken.None);

        await VoteAsync(network, voted, authorize: true);
        await LocalNetwork.UntilAsync(async () => (bool)(await CallAsync(network, 3, "istanbul_isValidator"))!, "it is voted in again");
        var since = await network.HeadAsync(3);
        await LocalNetwork.UntilAsync(async () => await network.HeadAsync(0) > since + Validators + 2, "blocks go on");
        var makers = new HashSet<string>();
        for (var number = since + 1; number <= since + Validators + 2; number++)
            makers.Add((string)(await CallAsync(network, 0, "istanbul_getSignersFromBlock", $"0x{number:x}"))!["Author"]!);
        Assert.Contains(voted, makers);
        foreach (var i in Enumerable.Range(0, 3)) await CallAsync(network, i, "istanbul_discard", voted);
        Assert.Empty((await CallAsync(network, 0, "istanbul_candidates"))!.AsObject());
        await network.AssertSameBlockAsync(await network.HeadAsync(0));
    }

    [Fact]
    public async Task A_network_goes_over_from_IBFT_to_QBFT_and_says_why_there_is_no_block()
    {
        const ulong transition = 12;
        await using var network = await LocalNetwork.StartAsync(Validators, NetworkRequest.Ibft, static genesis =>
            genesis["config"]!["transitions"] = new JsonArray(new JsonObject { ["block"] = transition, ["algorithm"] = "qbft" }));
        await LocalNetwork.UntilAsync(async () => await network.HeadAsync(0) > transition + 4, "it is past the transition");
        var hash = await network.SendPublicAsync(1, network.Definition.Participants[0].Account, "0x");
        foreach (var party in network.Parties) await party.ReceiptAsync(hash, CancellationToken.None);
        await network.AssertSameBlockAsync(await network.HeadAsync(0));

        foreach (var i in new[] { 2, 3 }) await network.KillAsync(network.Service(i, ServiceKind.Node));
        await LocalNetwork.UntilAsync(async () => await ReasonAsync(network) is { } reason
            && reason.Contains("2 of 4", StringComparison.OrdinalIgnoreCase) | reason.Contains("not connected", StringComparison.Ordinal),
            "istanbul_explain names who is away");
        await network.StartAgainAsync(network.Service(2, ServiceKind.Node));
        var head = await network.HeadAsync(0);
        await LocalNetwork.UntilAsync(async () => await network.HeadAsync(0) > head + 2, "three make blocks again");
    }

    private static async Task<string?> ReasonAsync(LocalNetwork network) =>
        string.Join("; ", (await CallAsync(network, 0, "istanbul_explain"))!["reasons"]!.AsArray().Select(r => (string)r!));

    private static async Task VoteAsync(LocalNetwork network, string candidate, bool authorize)
    {
        for (var i = 0; i < 3; i++) Assert.Null(await CallAsync(network, i, "istanbul_propose", candidate, authorize));
    }

    private static async Task<JsonArray> ValidatorsAsync(LocalNetwork network, int participant) =>
        (await CallAsync(network, participant, "istanbul_getValidators"))!.AsArray();

    private static Task<JsonNode?> CallAsync(LocalNetwork network, int participant, string method, params JsonNode?[] parameters) =>
        network.Rpc[participant].CallAsync(method, CancellationToken.None, parameters);
}
