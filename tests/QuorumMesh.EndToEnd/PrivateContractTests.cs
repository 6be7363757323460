using System.Text.Json.Nodes;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd;

/// <summary>The main job from outside: published processes, Nethereum for the three cases, plain JSON-RPC for the rest.</summary>
[Collection("network")]
public sealed class PrivateContractTests
{
    [Fact]
    public async Task Three_participants_see_what_they_are_party_to()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var results = await new PrivateContractCases(
            [.. network.Definition.Participants.Select(p => new DemoParty(p, network.Http.Timeout))]).RunAsync(CancellationToken.None);
        Assert.All(results, result => Assert.Equal(result.Expected, result.Seen));

        // What a wallet that waits for confirmations needs: blocks that come without further transactions.
        var hash = await network.SendPublicAsync(0, null, SimpleStorage.Create(1));
        var mined = Convert.ToUInt64((string)(await network.Parties[0].ReceiptAsync(hash, CancellationToken.None))["blockNumber"]!, 16);
        await network.AssertSameBlockAsync(mined + 5);
        var block = await network.Rpc[0].CallAsync("eth_getBlockByNumber", CancellationToken.None, $"0x{mined + 5:x}", false);
        Assert.Empty(block!["transactions"]!.AsArray());
        Assert.Equal("0x0", (string)block["baseFeePerGas"]!);
        Assert.InRange(Convert.ToInt64((string)block["timestamp"]!, 16), DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeSeconds(),
            DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_manager_that_is_down_holds_the_private_head_and_not_the_public_chain()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var hash = await network.Parties[0].SendPrivateAsync(null, SimpleStorage.Create(42), [network.Parties[1]], CancellationToken.None);
        var contract = (string)(await network.Parties[1].ReceiptAsync(hash, CancellationToken.None))["contractAddress"]!;
        var manager = network.Service(2, ServiceKind.TxManager);
        await network.KillAsync(manager);

        // C is not a party, but only its manager can say so.
        var set = await network.Parties[0].SendPrivateAsync(contract, SimpleStorage.Set(7), [network.Parties[1]], CancellationToken.None);
        await network.Parties[0].ReceiptAsync(set, CancellationToken.None);
        var later = await network.SendPublicAsync(0, null, SimpleStorage.Create(1));
        await network.Parties[0].ReceiptAsync(later, CancellationToken.None);
        var block = await network.HeadAsync(0);
        await network.AssertSameBlockAsync(block);
        var refused = await Assert.ThrowsAsync<Cli.CommandException>(() => network.Parties[2].ReadAsync(contract, CancellationToken.None));
        Assert.Contains("private state", refused.Message, StringComparison.Ordinal);

        await network.StartAgainAsync(manager);
        await LocalNetwork.UntilAsync(async () => await network.Parties[2].ReadAsync(contract, CancellationToken.None) == 0,
            "C reads again");
        Assert.Equal(7UL, await network.Parties[1].ReadAsync(contract, CancellationToken.None));
    }

    [Fact]
    public async Task Signing_offline_works_from_storeraw_to_the_receipt()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var wallet = new OfflineWallet();
        var contract = wallet.NextContract;
        var raw = wallet.SignPrivate(null, await network.StoreRawAsync(0, SimpleStorage.Create(42)));
        var options = new JsonObject { ["privateFor"] = new JsonArray(network.Definition.Participants[1].TxManagerKey) };
        var hash = (string)(await network.Rpc[0].CallAsync("eth_sendRawPrivateTransaction", CancellationToken.None, raw, options))!;
        foreach (var party in network.Parties)
            Assert.Equal("0x1", (string)(await party.ReceiptAsync(hash, CancellationToken.None))["status"]!);
        Assert.Equal(42UL, await network.Parties[0].ReadAsync(contract, CancellationToken.None));
        Assert.Equal(42UL, await network.Parties[1].ReadAsync(contract, CancellationToken.None));
        Assert.Equal(0UL, await network.Parties[2].ReadAsync(contract, CancellationToken.None));
    }

    [Fact]
    public async Task Private_transactions_are_traced_by_their_parties_alone()
    {
        await using var network = await LocalNetwork.StartAsync(3);
        var created = await network.Parties[0].SendPrivateAsync(null, SimpleStorage.Create(42), [network.Parties[1]],
            CancellationToken.None);
        var contract = (string)(await network.Parties[0].ReceiptAsync(created, CancellationToken.None))["contractAddress"]!;
        var set = await network.Parties[0].SendPrivateAsync(contract, SimpleStorage.Set(7), [network.Parties[1]], CancellationToken.None);
        foreach (var party in network.Parties) await party.ReceiptAsync(set, CancellationToken.None);

        async Task<JsonNode> TraceAsync(int participant) =>
            (await network.Rpc[participant].CallAsync("debug_traceTransaction", CancellationToken.None, set))!;
        var (a, b, c) = (await TraceAsync(0), await TraceAsync(1), await TraceAsync(2));
        Assert.NotEmpty(a["structLogs"]!.AsArray());
        Assert.Equal(a.ToJsonString(), b.ToJsonString());
        Assert.Empty(c["structLogs"]!.AsArray());
        var call = await network.Rpc[1].CallAsync("debug_traceTransaction", CancellationToken.None, set,
            new JsonObject { ["tracer"] = "callTracer" });
        Assert.Equal((contract, SimpleStorage.Set(7)), ((string)call!["to"]!, (string)call["input"]!));
    }
}
