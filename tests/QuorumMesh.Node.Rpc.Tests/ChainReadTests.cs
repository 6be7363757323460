using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Small reads that GoQuorum has and no recording.</summary>
public sealed class ChainReadTests
{
    [VectorFact]
    public async Task Modified_accounts_are_those_of_the_blocks()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var block = await client.CallAsync("eth_getBlockByNumber", "[\"0x5\",true]");
        var changed = Texts(await client.CallAsync("debug_getModifiedAccountsByNumber", "[5]"));
        foreach (var sender in block.GetProperty("transactions").EnumerateArray().Select(t => t.GetProperty("from").GetString()))
            Assert.Contains(sender, changed);
        // Raft's reward.
        Assert.Contains("0x0000000000000000000000000000000000000000", changed);
        Assert.Equal(changed, Texts(await client.CallAsync("debug_getModifiedAccountsByHash", $"[\"{block.GetProperty("hash")}\"]")));
        Assert.Equal(changed, Texts(await client.CallAsync("debug_getModifiedAccountsByNumber", "[4,5]")));
        var more = Texts(await client.CallAsync("debug_getModifiedAccountsByNumber", "[0,127]"));
        Assert.Subset(more.ToHashSet(), changed.ToHashSet());
        Assert.True(more.Count > changed.Count);

        Assert.Equal("block 0 has no parent", (await client.FailAsync("debug_getModifiedAccountsByNumber", "[0]")).Message);
        Assert.Equal("start block 3e7 not found", (await client.FailAsync("debug_getModifiedAccountsByNumber", "[999]")).Message);
        Assert.Equal("end block 999 not found", (await client.FailAsync("debug_getModifiedAccountsByNumber", "[1,999]")).Message);
        Assert.Equal("start block height (5) must be less than end block height (5)",
            (await client.FailAsync("debug_getModifiedAccountsByNumber", "[5,5]")).Message);
    }

    [VectorFact]
    public async Task Proof_of_work_is_not_offered()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        Assert.Equal("0x" + new string('0', 64), (await client.CallAsync("debug_seedHash", "[5]")).GetString());
        Assert.Equal("block #30001 not found", (await client.FailAsync("debug_seedHash", "[30001]")).Message);
        Assert.Equal("not supported", (await client.FailAsync("eth_getWork")).Message);
        Assert.False((await client.CallAsync("eth_submitWork",
            $"[\"0x0000000000000000\",\"0x{new string('0', 64)}\",\"0x{new string('0', 64)}\"]")).GetBoolean());
    }

    [VectorFact]
    public async Task The_protocol_version_is_that_of_the_age()
    {
        foreach (var (profile, version) in new[] { (CompatibilityProfile.V2_5, "0x40"), (CompatibilityProfile.V2_6, "0x63") })
        {
            using var node = RecordedNetwork.Node(1, upTo: 0, profile: profile, folder: RecordedNetwork.IbftFolder);
            await using var client = new RpcClient(node);
            Assert.Equal(version, (await client.CallAsync("eth_protocolVersion")).GetString());
        }
    }

    [VectorFact]
    public async Task Fees_are_zero()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        Assert.Equal("0x0", (await client.CallAsync("eth_maxPriorityFeePerGas")).GetString());
        var history = await client.CallAsync("eth_feeHistory", """["0x3","latest",[0,50,100]]""");
        Assert.Equal("0x7d", history.GetProperty("oldestBlock").GetString());
        Assert.Equal(["0x0", "0x0", "0x0", "0x0"], Texts(history.GetProperty("baseFeePerGas")));
        Assert.Equal(3, history.GetProperty("reward").GetArrayLength());
        Assert.All(history.GetProperty("reward").EnumerateArray(), r => Assert.Equal(["0x0", "0x0", "0x0"], Texts(r)));
        var block = await client.CallAsync("eth_getBlockByNumber", "[\"0x7d\",false]");
        var (used, limit) = (Number(block, "gasUsed"), Number(block, "gasLimit"));
        Assert.Equal((double)used / limit, history.GetProperty("gasUsedRatio")[0].GetDouble(), 12);

        Assert.Equal(128, (await client.CallAsync("eth_feeHistory", """[5000,"latest",[]]""")).GetProperty("gasUsedRatio")
            .GetArrayLength());
        Assert.Empty((await client.CallAsync("eth_feeHistory", """["0x0","latest"]""")).GetProperty("gasUsedRatio").EnumerateArray());
        Assert.Equal("request beyond head block: requested 999, head 127",
            (await client.FailAsync("eth_feeHistory", """["0x1","0x3e7",[]]""")).Message);
        foreach (var bad in (string[])["[50,20]", "[-1]", "[101]", "[\"1\"]", "7"])
            Assert.Equal(-32602, (await client.FailAsync("eth_feeHistory", $"[\"0x1\",\"latest\",{bad}]")).Code);
    }

    [VectorFact]
    public async Task Receipts_of_a_block_are_those_of_its_transactions()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        foreach (var number in (string[])["0x5", "0x20", "0x7f"])
        {
            var block = await client.CallAsync("eth_getBlockByNumber", $"[\"{number}\",false]");
            var receipts = await client.CallAsync("eth_getBlockReceipts", $"[\"{number}\"]");
            var expected = new List<string>();
            foreach (var hash in Texts(block.GetProperty("transactions")))
                expected.Add((await client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]")).GetRawText());
            Assert.Equal(expected, receipts.EnumerateArray().Select(r => r.GetRawText()));
            Assert.Equal(receipts.GetRawText(),
                (await client.CallAsync("eth_getBlockReceipts", $"[\"{block.GetProperty("hash")}\"]")).GetRawText());
        }
        Assert.Equal(JsonValueKind.Null, (await client.CallAsync("eth_getBlockReceipts", "[\"0xffff\"]")).ValueKind);
    }

    private static ulong Number(JsonElement block, string field) => Convert.ToUInt64(block.GetProperty(field).GetString(), 16);

    private static List<string?> Texts(JsonElement array) => [.. array.EnumerateArray().Select(a => a.GetString())];
}
