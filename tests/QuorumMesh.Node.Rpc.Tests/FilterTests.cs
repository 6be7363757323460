using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Filters and subscriptions while the recorded chain is imported.</summary>
public sealed class FilterTests
{
    private const ulong Start = 0x27;

    [VectorTheory]
    [InlineData("2.5")]
    [InlineData("2.6")]
    public async Task Subscriptions_and_filters_hear_what_logs_answer(string profileName)
    {
        // Under the later rules the recorded chain does not execute; its first blocks do, and block 5 has a log.
        var profile = CompatibilityProfile.Parse(profileName);
        var start = profile == CompatibilityProfile.V2_5 ? Start : 3ul;
        using var node = RecordedNetwork.Node(1, start, profile);
        await using var client = new RpcClient(node);
        var heads = (await client.CallAsync("eth_subscribe", "[\"newHeads\"]")).GetString();
        var logs = (await client.CallAsync("eth_subscribe", "[\"logs\",{}]")).GetString();
        var blockFilter = (await client.CallAsync("eth_newBlockFilter")).GetRawText();
        var logFilter = (await client.CallAsync("eth_newFilter", "[{}]")).GetRawText();
        var blocks = RecordedNetwork.Blocks().Where(b => b.Number > start && b.Number <= start + 2).ToList();
        foreach (var block in blocks) node.Import(block);

        var (heard, headers) = (new List<JsonElement>(), new List<string>());
        var expected = await client.CallAsync("eth_getLogs", $$"""[{"fromBlock":"0x{{start + 1:x}}","toBlock":"latest"}]""");
        while (headers.Count < blocks.Count || heard.Count < expected.GetArrayLength())
        {
            var notification = await client.HearAsync();
            if (notification.GetProperty("subscription").GetString() == heads)
                headers.Add(notification.GetProperty("result").GetProperty("hash").GetString()!);
            else if (notification.GetProperty("subscription").GetString() == logs) heard.Add(notification.GetProperty("result"));
        }
        Assert.Equal(blocks.Select(b => b.Hash.ToString()), headers);
        AssertSameLogs(expected, heard);
        var polled = await client.CallAsync("eth_getFilterChanges", $"[{logFilter}]");
        AssertSameLogs(expected, [.. polled.EnumerateArray()]);
        Assert.Equal(headers, (await client.CallAsync("eth_getFilterChanges", $"[{blockFilter}]")).EnumerateArray()
            .Select(h => h.GetString()));
        Assert.Empty((await client.CallAsync("eth_getFilterChanges", $"[{logFilter}]")).EnumerateArray());

        Assert.True((await client.CallAsync("eth_unsubscribe", $"[\"{heads}\"]")).GetBoolean());
        Assert.Equal("subscription not found", (await client.FailAsync("eth_unsubscribe", $"[\"{heads}\"]")).Message);
        Assert.True((await client.CallAsync("eth_uninstallFilter", $"[{logFilter}]")).GetBoolean());
        Assert.Equal("filter not found", (await client.FailAsync("eth_getFilterChanges", $"[{logFilter}]")).Message);
    }

    [VectorFact]
    public async Task Pending_transactions_are_heard_once()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        await client.CallAsync("eth_subscribe", "[\"newPendingTransactions\"]");
        var from = node.Accounts.Accounts[0];
        var hash = (await client.CallAsync("eth_sendTransaction", $$"""[{"from":"{{from}}","to":"{{from}}"}]""")).GetString();
        Assert.Equal(hash, (await client.HearAsync()).GetProperty("result").GetString());
        var pending = await client.CallAsync("eth_getTransactionByHash", $"[\"{hash}\"]");
        Assert.Equal(JsonValueKind.Null, pending.GetProperty("blockNumber").ValueKind);
        Assert.Equal(hash, (await client.CallAsync("eth_pendingTransactions"))[0].GetProperty("hash").GetString());
    }

    [VectorFact]
    public async Task Queries_are_bounded()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node, new RpcServerOptions { MaxLogRange = 100 });
        Assert.Contains("block range too large",
            (await client.FailAsync("eth_getLogs", """[{"fromBlock":"0x0","toBlock":"latest"}]""")).Message);
        for (var i = 0; i < 1_000; i++) await client.CallAsync("eth_newBlockFilter");
        Assert.Contains("too many filters", (await client.FailAsync("eth_newBlockFilter")).Message);
        for (var i = 0; i < 256; i++) await client.CallAsync("eth_subscribe", "[\"newHeads\"]");
        Assert.Contains("too many subscriptions", (await client.FailAsync("eth_subscribe", "[\"newHeads\"]")).Message);
        Assert.Contains("no \"x\" subscription", (await client.FailAsync("eth_subscribe", "[\"x\"]")).Message);
    }

    private static void AssertSameLogs(JsonElement expected, List<JsonElement> actual)
    {
        string[] wanted = [.. expected.EnumerateArray().Select(l => l.GetRawText()).Order()];
        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, actual.Select(l => l.GetRawText()).Order());
    }
}
