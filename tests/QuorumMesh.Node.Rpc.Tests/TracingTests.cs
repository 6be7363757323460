using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>debug_trace… on the recorded chain, beyond what the recorded samples show.</summary>
public sealed class TracingTests
{
    private const string TokenTransfer = "0x46d6cd8bd96b78a1e00480671618359ae1b617a2aad6b04469f28f517769a841";
    private const string Token = "0xb9ae2fb991f26d0580d09633effc9879bc80c803";
    private const string Sender = "0x29df33e116115cbc1b1294edc827de70c7a1408d";
    private const string PrivateSet = "0x4567ff2d628f5a11f5e11de1e7abca1eb54076dcda61cce35cf26dbe0f122590";
    private const string PrivateContract = "0x34941bfeb61817241dc622fdf2ec79a3840fffe6";
    private const string PrivateCreation = "0x2b9024027a01b130f909904018ae1871385c923ba9389c1f0ef0ffa37b11df2e";
    private const string PrivateLogs = "0x1e916455d41f7eab7f1d38408287eb6d32a1714280d3e1a40c27032ed32d1bf9";
    private const string PrivateReadsPublic = "0xd9924200aa2cf3e77236c55edd4df90666ad39f3cde20465b9bee7571daa7bbb";
    private const string Create2 = "0xaea92f705dba5a4c5ed591d648b1cf98e240f7ebadd0b837ea6a047743f66264";
    private const string CreateAndSelfDestruct = "0x09e1b01f93933a876fa5d678183da71c0f192e944a759de4cd08cb5da5332eab";
    private const string ValueTooMuch = "0xfd5a95b76df443a86f03932aaeec39a335063e56b2a55d8915304a5f04f54409";
    private const string SetPublic = "0x60fe47b10000000000000000000000000000000000000000000000000000000000000007";
    private const string PublicStorage = "0xa8f4970fe3cedd83a4dba92f8df335fc8f7d8058";

    [VectorTheory]
    [InlineData("callTracer")]
    [InlineData("prestateTracer")]
    [InlineData("4byteTracer")]
    [InlineData(null)]
    public async Task A_block_is_traced_as_its_transactions_are(string? tracer)
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var config = tracer is null ? """{"disableMemory":true,"disableStack":true}""" : $$"""{"tracer":"{{tracer}}"}""";
        foreach (var number in new[] { 22, 25, 41, 42, 45, 62 })
        {
            var block = await client.CallAsync("eth_getBlockByNumber", $"[\"0x{number:x}\",false]");
            var whole = await client.CallAsync("debug_traceBlockByNumber", $"[\"0x{number:x}\",{config}]");
            var byHash = await client.CallAsync("debug_traceBlockByHash", $"[{block.GetProperty("hash").GetRawText()},{config}]");
            var rlp = (await client.CallAsync("debug_getBlockRlp", $"[{number}]")).GetString();
            var given = await client.CallAsync("debug_traceBlock", $"[\"0x{rlp}\",{config}]");
            var base64 = await client.CallAsync("debug_traceBlock",
                $"[\"{Convert.ToBase64String(Convert.FromHexString(rlp!))}\",{config}]");
            Assert.Equal(block.GetProperty("transactions").GetArrayLength(), whole.GetArrayLength());
            foreach (var (hash, traced) in block.GetProperty("transactions").EnumerateArray().Zip(whole.EnumerateArray()))
            {
                Assert.Equal(hash.GetString(), traced.GetProperty("txHash").GetString());
                Same(await client.CallAsync("debug_traceTransaction", $"[{hash.GetRawText()},{config}]"), traced.GetProperty("result"));
            }
            Same(whole, byHash);
            Same(whole, given);
            Same(whole, base64);
        }
    }

    [VectorFact]
    public async Task Gas_and_failure_are_those_of_the_receipts()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        for (var number = 1UL; number <= node.Head.Number; number++)
        {
            var receipts = new List<JsonElement>();
            foreach (var hash in (await client.CallAsync("eth_getBlockByNumber", $"[\"0x{number:x}\",false]")).GetProperty("transactions")
                .EnumerateArray())
                receipts.Add(await client.CallAsync("eth_getTransactionReceipt", $"[{hash.GetRawText()}]"));
            var traces = await client.CallAsync("debug_traceBlockByNumber",
                $$"""["0x{{number:x}}",{"disableMemory":true,"disableStack":true,"disableStorage":true,"limit":1}]""");
            var expected = receipts.Select(r => (Number(r, "gasUsed"), r.GetProperty("status").GetString() != "0x1"));
            Assert.Equal(expected, traces.EnumerateArray()
                .Select(t => (t.GetProperty("result").GetProperty("gas").GetUInt64(),
                t.GetProperty("result").GetProperty("failed").GetBoolean())));
        }
    }

    [VectorFact]
    public async Task A_stranger_sees_nothing_of_a_private_transaction()
    {
        using var node = RecordedNetwork.Node(3);
        await using var client = new RpcClient(node);
        Assert.Empty((await client.CallAsync("debug_traceTransaction", $"[\"{PrivateSet}\"]")).GetProperty("structLogs").EnumerateArray());
        Assert.Contains("not a party",
            (await client.FailAsync("debug_traceTransaction", $$"""["{{PrivateSet}}",{"tracer":"callTracer"}]""")).Message);
        Assert.Equal("{}", (await client.CallAsync("debug_traceTransaction", $$"""["{{PrivateSet}}",{"tracer":"4byteTracer"}]"""))
            .GetRawText());
        Assert.Equal("{}", (await client.CallAsync("debug_traceTransaction", $$"""["{{PrivateSet}}",{"tracer":"prestateTracer"}]"""))
            .GetRawText());
        var creation = await client.CallAsync("debug_traceTransaction", $$"""["{{PrivateCreation}}",{"tracer":"callTracer"}]""");
        Assert.Equal(("0x", "0x"), (creation.GetProperty("input").GetString(), creation.GetProperty("output").GetString()));
        var block = await client.CallAsync("debug_traceBlockByNumber", """["0x22",{"tracer":"callTracer"}]""");
        Assert.Equal(2, block.EnumerateArray().Count(t => t.TryGetProperty("error", out _)));
        Assert.Equal(1, block.EnumerateArray().Count(t => t.TryGetProperty("result", out _)));
    }

    [VectorFact]
    public async Task A_private_call_is_traced_through_both_states()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var call = await client.CallAsync("debug_traceTransaction", $$"""["{{PrivateReadsPublic}}",{"tracer":"callTracer"}]""");
        Assert.Equal(PublicStorage, Assert.Single(call.GetProperty("calls").EnumerateArray()).GetProperty("to").GetString());
        var before = await client.CallAsync("debug_traceTransaction", $$"""["{{PrivateSet}}",{"tracer":"prestateTracer"}]""");
        Assert.Equal((await client.CallAsync("eth_getCode", $"[\"{PrivateContract}\",\"latest\"]")).GetString(),
            before.GetProperty(PrivateContract).GetProperty("code").GetString());
        Assert.EndsWith("2a", before.GetProperty(PrivateContract).GetProperty("storage").EnumerateObject().Single().Value.GetString());
        var change = await client.CallAsync("debug_traceTransaction",
            $$"""["{{PrivateSet}}",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true} }]""");
        Assert.EndsWith("2b", change.GetProperty("post").GetProperty(PrivateContract).GetProperty("storage").EnumerateObject().Single()
            .Value.GetString());
        Assert.Equal(2, change.GetProperty("post").EnumerateObject().Count());
    }

    [VectorFact]
    public async Task Private_traces_wait_for_the_private_head_and_public_ones_do_not()
    {
        using var node = RecordedNetwork.Node(1, withPrivate: false);
        await using var client = new RpcClient(node, new RpcServerOptions { PrivateHeadWait = TimeSpan.FromMilliseconds(1) });
        Assert.Contains("private state is not available from block 1 on",
            (await client.FailAsync("debug_traceTransaction", $"[\"{PrivateSet}\"]")).Message);
        Assert.Equal(92141, (await client.CallAsync("debug_traceTransaction", $$"""["{{TokenTransfer}}",{"limit":1}]""")).GetProperty("gas")
            .GetInt32());
    }

    [VectorFact]
    public async Task History_that_is_no_longer_kept_is_an_error()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        node.Prune(30);
        var (code, message, _) = await client.FailAsync("debug_traceTransaction", $"[\"{TokenTransfer}\"]");
        Assert.Equal(-32000, code);
        Assert.Matches("state.*25", message);
        Assert.NotEmpty((await client.CallAsync("debug_traceBlockByNumber", """["0x1f",{"limit":1}]""")).EnumerateArray());
    }

    [VectorFact]
    public async Task A_payload_that_is_not_there_is_named()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        node.Manager.IsAway = true;
        var (code, message, _) = await client.FailAsync("debug_traceTransaction", $"[\"{PrivateSet}\"]");
        Assert.Equal(-32000, code);
        Assert.Matches("payload [0-9a-zA-Z+/=]+ is not available: the manager is away", message);
        Assert.Equal(92141, (await client.CallAsync("debug_traceTransaction", $$"""["{{TokenTransfer}}",{"limit":1}]""")).GetProperty("gas")
            .GetInt32());
    }

    [VectorFact]
    public async Task Payloads_that_come_in_several_answers_are_all_asked_for()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        using var view = node.OpenView();
        var number = Enumerable.Range(1, (int)view.Head).First(n => view.Rules.PayloadsOf(view.Block((ulong)n)!).Distinct().Count() > 1);
        var arguments = $$"""["0x{{number:x}}",{"tracer":"prestateTracer"}]""";
        var whole = (await client.CallAsync("debug_traceBlockByNumber", arguments)).GetRawText();
        node.Manager.MostAnswers = 1;
        Assert.Equal(whole, (await client.CallAsync("debug_traceBlockByNumber", arguments)).GetRawText());
    }

    [VectorFact]
    public async Task Bounds_are_kept_and_say_what_to_do()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node, new RpcServerOptions { MaxTraceBytes = 50_000 });
        Assert.Contains("disableMemory", (await client.FailAsync("debug_traceTransaction", $"[\"{TokenTransfer}\"]")).Message);
        Assert.Equal(3, (await client.CallAsync("debug_traceTransaction", $$"""["{{TokenTransfer}}",{"limit":3}]"""))
            .GetProperty("structLogs").GetArrayLength());
        Assert.Contains("execution timeout",
            (await client.FailAsync("debug_traceTransaction", $$"""["{{TokenTransfer}}",{"timeout":"0s"}]""")).Message);
        Assert.Equal("time: unknown unit x in duration 5x",
            (await client.FailAsync("debug_traceTransaction", $$"""["{{TokenTransfer}}",{"timeout":"5x"}]""")).Message.Split(": ", 2)[1]);
        Assert.Contains("JavaScript",
            (await client.FailAsync("debug_traceTransaction",
            $$"""["{{TokenTransfer}}",{"tracer":"{step: function(log) {}, result: function() { return 1 } }"}]""")).Message);
        Assert.Equal("genesis is not traceable", (await client.FailAsync("debug_traceBlockByNumber", """["0x0"]""")).Message);
        Assert.Equal("block #4095 not found", (await client.FailAsync("debug_traceBlockByNumber", """["0xfff"]""")).Message);
        Assert.Contains("could not decode block", (await client.FailAsync("debug_traceBlock", """["0xc0"]""")).Message);
        Assert.Contains("not set back", (await client.FailAsync("debug_setHead", """["0x1"]""")).Message);
    }

    [VectorTheory]
    [InlineData("2.5", "", "#")]
    [InlineData("2.6", "0x", "")]
    [InlineData("21", "0x", "")]
    [InlineData("24", "0x", "")]
    public async Task What_is_not_there_is_named_as_that_GoQuorum_does(string profile, string prefix, string mark)
    {
        using var node = RecordedNetwork.Node(1, upTo: 0, CompatibilityProfile.Parse(profile));
        await using var client = new RpcClient(node);
        var hash = new string('a', 64);
        Assert.Equal($"transaction {prefix}{hash} not found",
            (await client.FailAsync("debug_traceTransaction", $"[\"0x{hash}\"]")).Message);
        Assert.Equal($"block {mark}{prefix}{hash} not found",
            (await client.FailAsync("debug_traceBlockByHash", $"[\"0x{hash}\"]")).Message);
        Assert.Equal($"block {mark}{prefix}{hash} not found",
            (await client.FailAsync("debug_traceCall", $$"""[{"to":"{{Token}}"},{"blockHash":"0x{{hash}}"} ]""")).Message);
        Assert.Equal("block #255 not found", (await client.FailAsync("debug_traceCall", $$"""[{"to":"{{Token}}"},"0xff"]""")).Message);
        Assert.Equal("block #255 not found", (await client.FailAsync("debug_traceBlockByNumber", """["0xff"]""")).Message);
    }

    [VectorTheory]
    [InlineData("2.5", "parent {0} not found")]
    [InlineData("21", "parent 0x{0} not found")]
    [InlineData("24", "block #{1} not found")]
    public async Task A_parent_that_is_not_there_is_named_as_that_GoQuorum_does(string profile, string text)
    {
        using var node = RecordedNetwork.Node(1, upTo: 0, CompatibilityProfile.Parse(profile));
        await using var client = new RpcClient(node);
        var block = RecordedNetwork.Blocks().First(b => b.Number > 1 && !b.Transactions.Any(t => t.IsPrivate));
        var expected = string.Format(System.Globalization.CultureInfo.InvariantCulture, text, block.Header.ParentHash.ToString()[2..],
            block.Number - 1);
        Assert.Equal(expected, (await client.FailAsync("debug_traceBlock", $$"""["{{Hex.ToHex(block.Encode())}}"]""")).Message);
    }

    [VectorTheory]
    [InlineData("2.5", "Missing opcode 0xc", "invalid opcode 0xc")]
    [InlineData("24", "opcode 0xc not defined", "invalid opcode: opcode 0xc not defined")]
    public async Task An_unknown_instruction_is_named_as_that_GoQuorum_does(string profile, string name, string error)
    {
        using var node = RecordedNetwork.Node(1, upTo: 0, CompatibilityProfile.Parse(profile));
        await using var client = new RpcClient(node);
        var step = (await client.CallAsync("debug_traceCall", CallOf("0x0c", ""))).GetProperty("structLogs")[0];
        Assert.Equal((name, error), (step.GetProperty("op").GetString(), step.GetProperty("error").GetString()));
    }

    [VectorTheory]
    [InlineData("21", """{"type":"SELFDESTRUCT"}""")]
    [InlineData("24", $$"""{"type":"SELFDESTRUCT","from":"{{PublicStorage}}","to":"0x0000000000000000000000000000000000000005","value":"0x10"}""")]
    public async Task A_selfdestruct_is_shown_as_that_GoQuorum_does(string profile, string frame)
    {
        using var node = RecordedNetwork.Node(1, upTo: 0, CompatibilityProfile.Parse(profile));
        await using var client = new RpcClient(node);
        var call = await client.CallAsync("debug_traceCall", CallOf("0x6005ff", "\"tracer\":\"callTracer\","));
        Assert.Equal(frame, Assert.Single(call.GetProperty("calls").EnumerateArray()).GetRawText());
    }

    /// <summary>A traced call of a contract with this code and a balance.</summary>
    private static string CallOf(string code, string options) =>
        $$"""[{"to":"{{PublicStorage}}"},"latest",{ {{options}}"stateOverrides":{"{{PublicStorage}}":{"code":"{{code}}","balance":"0x10"} } }]""";

    [VectorFact]
    public async Task Options_of_the_struct_logger()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var step = (await client.CallAsync("debug_traceTransaction",
            $$"""["{{TokenTransfer}}",{"disableStack":true,"enableMemory":false,"enableReturnData":true,"reexec":5,"limit":1}]"""))
            .GetProperty("structLogs")[0];
        Assert.Equal(["depth", "gas", "gasCost", "op", "pc", "returnData", "storage"], step.EnumerateObject().Select(p => p.Name).Order());
    }

    [VectorFact]
    public async Task Options_of_callTracer()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var receipt = await client.CallAsync("eth_getTransactionReceipt", $"[\"{PrivateLogs}\"]");
        var call = await client.CallAsync("debug_traceTransaction",
            $$"""["{{PrivateLogs}}",{"tracer":"callTracer","tracerConfig":{"withLog":true} }]""");
        Assert.Equal(receipt.GetProperty("logs").EnumerateArray().Select(l => l.GetProperty("data").GetString()),
            call.GetProperty("logs").EnumerateArray().Select(l => l.GetProperty("data").GetString()));
        Assert.Equal(receipt.GetProperty("logs")[0].GetProperty("topics").GetRawText(),
            call.GetProperty("logs")[0].GetProperty("topics").GetRawText());
        var top = await client.CallAsync("debug_traceTransaction",
            $$"""["{{PrivateReadsPublic}}",{"tracer":"callTracer","tracerConfig":{"onlyTopCall":true} }]""");
        Assert.False(top.TryGetProperty("calls", out _));
        var all = await client.CallAsync("debug_traceTransaction",
            $$"""["{{PrivateReadsPublic}}",{"tracer":"callTracer","tracerConfig":{"onlyTopCall":null,"withLog":null,"diffMode":null} }]""");
        Assert.True(all.TryGetProperty("calls", out _));
    }

    [VectorFact]
    public async Task Creations_selfdestructs_and_calls_that_cannot_begin()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var creation = Assert.Single((await client.CallAsync("debug_traceTransaction", $$"""["{{Create2}}",{"tracer":"callTracer"}]"""))
            .GetProperty("calls").EnumerateArray());
        Assert.Equal(("CREATE2", "0x1defa8bd44df7bda9985596f2578106b6b2dc02e"),
            (creation.GetProperty("type").GetString(), creation.GetProperty("to").GetString()));
        var code = await client.CallAsync("eth_getCode", $"""["0x1defa8bd44df7bda9985596f2578106b6b2dc02e","0x15"]""");
        Assert.Equal(code.GetString(), creation.GetProperty("output").GetString());

        var destroyed = (await client.CallAsync("debug_traceTransaction", $$"""["{{CreateAndSelfDestruct}}",{"tracer":"callTracer"}]"""))
            .GetProperty("calls");
        Assert.Equal("CREATE", destroyed[0].GetProperty("type").GetString());
        Assert.Contains("""{"type":"SELFDESTRUCT"}""", destroyed.GetRawText());

        var refused = Assert.Single((await client.CallAsync("debug_traceTransaction", $$"""["{{ValueTooMuch}}",{"tracer":"callTracer"}]"""))
            .GetProperty("calls").EnumerateArray());
        Assert.Equal("insufficient balance for transfer", refused.GetProperty("error").GetString());
        Assert.False(refused.TryGetProperty("gas", out _));
    }

    [VectorFact]
    public async Task A_difference_is_what_the_transaction_changed()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var change = await client.CallAsync("debug_traceTransaction",
            $$"""["{{TokenTransfer}}",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true} }]""");
        var (pre, post) = (change.GetProperty("pre"), change.GetProperty("post"));
        Assert.Equal((31, 32), (pre.GetProperty(Sender).GetProperty("nonce").GetInt32(),
            post.GetProperty(Sender).GetProperty("nonce").GetInt32()));
        Assert.Equal(["nonce"], post.GetProperty(Sender).EnumerateObject().Select(p => p.Name));
        Assert.Equal(["storage"], post.GetProperty(Token).EnumerateObject().Select(p => p.Name));
        Assert.Equal(4, post.GetProperty(Token).GetProperty("storage").EnumerateObject().Count());
        Assert.Single(pre.GetProperty(Token).GetProperty("storage").EnumerateObject());
        Assert.Equal(2, post.EnumerateObject().Count());
    }

    [VectorFact]
    public async Task Calls_are_traced_on_both_sides_and_with_overrides()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        const string get = "\"data\":\"0x6d4ce63c\"";
        var call = await client.CallAsync("debug_traceCall",
            $$"""[{"to":"{{PrivateContract}}",{{get}} },"latest",{"tracer":"callTracer"}]""");
        Assert.Equal((await client.CallAsync("eth_call", $$"""[{"to":"{{PrivateContract}}",{{get}} },"latest"]""")).GetString(),
            call.GetProperty("output").GetString());
        var header = await client.CallAsync("eth_getBlockByNumber", """["0x20",false]""");
        var old = await client.CallAsync("debug_traceCall",
            $$"""[{"to":"{{PrivateContract}}",{{get}} },{"blockHash":{{header.GetProperty("hash").GetRawText()}} }]""");
        Assert.False(old.GetProperty("failed").GetBoolean());

        var slot = $"\"0x{new string('0', 64)}\"";
        var overrides = $$"""{"stateOverrides":{"{{PublicStorage}}":{"stateDiff":{ {{slot}}:"0x{{new string('0', 62)}}99"} } } }""";
        var changed = await client.CallAsync("debug_traceCall", $$"""[{"to":"{{PublicStorage}}",{{get}} },"latest",{{overrides}}]""");
        Assert.EndsWith("99", changed.GetProperty("returnValue").GetString());
        var difference = await client.CallAsync("debug_traceCall",
            $$"""[{"from":"{{Sender}}","to":"{{PublicStorage}}","data":"{{SetPublic}}"},"latest",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true} }]""");
        Assert.EndsWith("07", difference.GetProperty("post").GetProperty(PublicStorage).GetProperty("storage").EnumerateObject().Single()
            .Value.GetString());
        Assert.Contains("insufficient balance",
            (await client.FailAsync("debug_traceCall",
            $$"""[{"from":"0x00000000000000000000000000000000000000ff","to":"{{PublicStorage}}","value":"0x1"},"latest"]""")).Message);
        Assert.Contains("stateDiff",
            (await client.FailAsync("debug_traceCall",
            $$"""[{"to":"{{PublicStorage}}"},"latest",{"stateOverrides":{"{{PublicStorage}}":{"state":{},"stateDiff":{} } } }]"""))
            .Message);
        var replaced = await client.CallAsync("debug_traceCall",
            $$"""[{"to":"{{PublicStorage}}",{{get}} },"latest",{"stateOverrides":{"{{PublicStorage}}":{"state":{} } } }]""");
        Assert.Equal(new string('0', 64), replaced.GetProperty("returnValue").GetString());
    }

    /// <summary>Calls inside each other as deep as it goes: more levels of JSON than a writer has by default.</summary>
    [VectorFact]
    public async Task Deep_recursion_is_answered()
    {
        using var node = RecordedNetwork.Node(1, upTo: 1);
        await using var client = new RpcClient(node, new RpcServerOptions { GasCap = 1_000_000_000_000 });
        const string CallsItself = "0x600060006000600060003061012c5a03f1";
        var overrides = $$"""{"tracer":"callTracer","stateOverrides":{"{{PublicStorage}}":{"code":"{{CallsItself}}"} } }""";
        var call = await client.CallAsync("debug_traceCall", $$"""[{"to":"{{PublicStorage}}"},"latest",{{overrides}}]""");
        var depth = 1;
        while (call.TryGetProperty("calls", out var calls)) (call, depth) = (calls[0], depth + 1);
        Assert.Equal(1026, depth);
        Assert.Equal("max call depth exceeded", call.GetProperty("error").GetString());
    }

    [VectorFact]
    public async Task Storage_is_listed_as_it_was_before_a_transaction()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var block = await client.CallAsync("eth_getTransactionByHash", $"[\"{TokenTransfer}\"]");
        var (hash, index) = (block.GetProperty("blockHash").GetString(), (int)Number(block, "transactionIndex"));
        var slots = new Dictionary<string, string>();
        var next = "0x";
        for (var page = 0; page < 100 && next is not null; page++)
        {
            var range = await client.CallAsync("debug_storageRangeAt", $"[\"{hash}\",{index},\"{Token}\",\"{next}\",2]");
            foreach (var item in range.GetProperty("storage").EnumerateObject())
                slots.Add(item.Value.GetProperty("key").GetString()!, item.Value.GetProperty("value").GetString()!);
            next = range.GetProperty("nextKey").GetString();
        }
        Assert.True(slots.Count > 3);
        foreach (var (slot, value) in slots)
            Assert.Equal((await client.CallAsync("eth_getStorageAt", $"[\"{Token}\",\"{slot}\",\"0x19\"]")).GetString(), value);
        var later = await client.CallAsync("debug_storageRangeAt", $"[\"{hash}\",{index + 1},\"{Token}\",\"0x\",1000]");
        Assert.Equal(slots.Count + 3, later.GetProperty("storage").EnumerateObject().Count());
        Assert.Equal("account 00000000000000000000000000000000000000ff doesn't exist",
            (await client.FailAsync("debug_storageRangeAt", $"[\"{hash}\",0,\"0x00000000000000000000000000000000000000ff\",\"0x\",1]"))
            .Message);
    }

    private static ulong Number(JsonElement element, string name) => Convert.ToUInt64(element.GetProperty(name).GetString()![2..], 16);

    private static void Same(JsonElement expected, JsonElement actual) =>
        Assert.Null(JsonDifference.Find(expected, actual, shapeOnly: false, "", timeless: true));
}
