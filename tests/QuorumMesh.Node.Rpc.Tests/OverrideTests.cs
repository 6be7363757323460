using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>State overrides, access lists and blocks named by their hash.</summary>
public sealed class OverrideTests
{
    private const string TwoSlots = "0x2000000000000000000000000000000000000001";
    private const string Toucher = "0x2000000000000000000000000000000000000002";
    private const string Other = "0x2000000000000000000000000000000000000003";
    private const string Reverting = "0x2000000000000000000000000000000000000004";
    private const string Empty = "0x20000000000000000000000000000000000000ff";
    private const string PrivateContract = "0x34941bfeb61817241dc622fdf2ec79a3840fffe6";
    private const string PublicStorage = "0xa8f4970fe3cedd83a4dba92f8df335fc8f7d8058";
    private const string Get = "\"data\":\"0x6d4ce63c\"";

    /// <summary>Returns slots 0 and 1.</summary>
    private const string ReturnTwoSlots = "0x60005460005260015460205260406000f3";

    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();

    [Fact]
    public async Task Slots_are_replaced_or_changed()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        Task<string> Call(string overrides) => CallAsync(client, $$"""{"to":"{{TwoSlots}}"}""", overrides);
        Assert.Equal(Words(1, 2), await CallAsync(client, $$"""{"to":"{{TwoSlots}}"}""", "null"));
        Assert.Equal(Words(1, 2), await Call("{}"));
        Assert.Equal(Words(1, 9), await Call($$"""{"{{TwoSlots}}":{"stateDiff":{"{{Word(1)}}":"{{Word(9)}}"} } }"""));
        Assert.Equal(Words(0, 9), await Call($$"""{"{{TwoSlots}}":{"state":{"{{Word(1)}}":"{{Word(9)}}"} } }"""));
        Assert.Equal(Words(0, 0), await Call($$"""{"{{TwoSlots}}":{"state":{} } }"""));
        Assert.Equal(Words(5, 0),
            await CallAsync(client, $$"""{"to":"{{Empty}}"}""",
            $$"""{"{{Empty}}":{"code":"{{ReturnTwoSlots}}","state":{"{{Word(0)}}":"{{Word(5)}}"} } }"""));
        Assert.Equal(Words(5, 0),
            await CallAsync(client, $$"""{"to":"{{Empty}}"}""",
            $$"""{"{{Empty}}":{"code":"{{ReturnTwoSlots}}","stateDiff":{"{{Word(0)}}":"{{Word(5)}}"} } }"""));
        Assert.Equal(Words(1, 2), await CallAsync(client, $$"""{"to":"{{TwoSlots}}"}""", "null"));
    }

    [Fact]
    public async Task Balance_nonce_and_code_are_found()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        // CALLER BALANCE, returned.
        const string OwnBalance = "0x333160005260206000f3";
        var call = $$"""{"from":"{{Other}}","to":"{{Empty}}"}""";
        Assert.Equal(Words(5), await CallAsync(client, call,
            $$"""{"{{Empty}}":{"code":"{{OwnBalance}}"},"{{Other}}":{"balance":"0x5"} }"""));
        Assert.Equal("0x" + new string('f', 64), await CallAsync(client, call, $$"""{"{{Empty}}":{"code":"{{OwnBalance}}"} }"""));
        // A creation's address, returned, depends on the nonce.
        const string Creates = "0x600060006000f060005260206000f3";
        var first = await CallAsync(client, call, $$"""{"{{Empty}}":{"code":"{{Creates}}","nonce":"0x1"} }""");
        Assert.NotEqual(first, await CallAsync(client, call, $$"""{"{{Empty}}":{"code":"{{Creates}}","nonce":"0x2"} }"""));
        Assert.Contains("insufficient",
            (await client.FailAsync("eth_call",
            $$"""[{"from":"{{Other}}","to":"{{Empty}}","value":"0x6"},"latest",{"{{Other}}":{"balance":"0x5"} }]""")).Message);
    }

    [Fact]
    public async Task Estimates_see_overrides_too()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var call = $$"""{"to":"{{Empty}}","value":"0x1"}""";
        var plain = Number((await client.CallAsync("eth_estimateGas", $$"""[{{call}},"latest"]""")).GetString());
        var loaded = Number((await client.CallAsync("eth_estimateGas", $$"""[{{call}},"latest",{"{{Empty}}":{"code":"0x600054"} }]"""))
            .GetString());
        Assert.Equal(plain + 3 + 2100, loaded);
        Assert.Contains("reverted",
            (await client.FailAsync("eth_estimateGas", $$"""[{{call}},"latest",{"{{Empty}}":{"code":"0x60006000fd"} }]""")).Message);
    }

    [Theory]
    [InlineData("1", "StateOverride")]
    [InlineData("""{"0x12":{} }""", "address")]
    [InlineData($$"""{"{{Empty}}":{"state":{},"stateDiff":{} } }""", "both 'state' and 'stateDiff'")]
    [InlineData($$"""{"{{Empty}}":{"state":[] } }""", "OverrideAccount.state")]
    [InlineData($$"""{"{{Empty}}":{"stateDiff":{"0x1":"0x1"} } }""", "32 bytes")]
    [InlineData($$"""{"{{Empty}}":{"movePrecompileToAddress":"{{Other}}"} }""", "precompiles")]
    public async Task Bad_overrides_are_named(string overrides, string why)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        foreach (var method in new[] { "eth_call", "eth_estimateGas", "eth_createAccessList" })
        {
            var (code, message, _) = await client.FailAsync(method, $$"""[{"to":"{{Empty}}"},"latest",{{overrides}}]""");
            Assert.Equal(-32602, code);
            Assert.Contains(why, message, StringComparison.Ordinal);
        }
    }

    /// <summary>A private account is changed in the private state, a public one that it calls in the public state.</summary>
    [VectorFact]
    public async Task Both_states_are_changed_each_where_the_account_is()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var changed = await CallAsync(client, $$"""{"to":"{{PrivateContract}}",{{Get}} }""",
            $$"""{"{{PrivateContract}}":{"state":{"{{Word(0)}}":"{{Word(0x99)}}"} } }""");
        Assert.Equal(Words(0x99), changed);
        // STATICCALLs the public contract's get() and returns what it says.
        var asks = $"0x636d4ce63c60005260206000600460" + $"1c73{PublicStorage[2..]}5afa5060206000f3";
        var both = $$"""{"{{PrivateContract}}":{"code":"{{asks}}"},"{{PublicStorage}}":{"stateDiff":{"{{Word(0)}}":"{{Word(0x77)}}"} } }""";
        Assert.Equal(Words(0x77), await CallAsync(client, $$"""{"to":"{{PrivateContract}}"}""", both));
        // A stranger has no such account: the code is given to the public state, and runs there.
        using var stranger = RecordedNetwork.Node(3);
        await using var outside = new RpcClient(stranger);
        Assert.Equal(Words(0x77), await CallAsync(outside, $$"""{"to":"{{PrivateContract}}"}""", both));
        Assert.Equal("0x", await CallAsync(outside, $$"""{"to":"{{PrivateContract}}"}""", "null"));
    }

    [Fact]
    public async Task An_access_list_holds_what_is_touched()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var answer = await client.CallAsync("eth_createAccessList", $$"""[{"to":"{{Toucher}}"}]""");
        Assert.Equal($$"""[{"address":"{{Toucher}}","storageKeys":["{{Word(1)}}"]},{"address":"{{Empty}}","storageKeys":[]},{"address":"{{Other}}","storageKeys":["{{Word(2)}}"]}]""",
            answer.GetProperty("accessList").GetRawText());
        Assert.False(answer.TryGetProperty("error", out _));
        // 21000, 3 addresses, 2 slots, and the code with everything warm.
        Assert.Equal(21_000ul + (3 * 2400) + (2 * 1900) + 327 + 105, Number(answer.GetProperty("gasUsed").GetString()));
        var again = await client.CallAsync("eth_createAccessList",
            $$"""[{"to":"{{Toucher}}","accessList":{{answer.GetProperty("accessList").GetRawText()}} },"latest"]""");
        Assert.Equal(answer.GetRawText(), again.GetRawText());
        Assert.Equal("[]", (await client.CallAsync("eth_createAccessList", $$"""[{"to":"{{Empty}}"},"latest"]""")).GetProperty("accessList")
            .GetRawText());
        var failed = await client.CallAsync("eth_createAccessList", $$"""[{"to":"{{Reverting}}"},"latest"]""");
        Assert.Equal(("execution reverted", 1),
            (failed.GetProperty("error").GetString(), failed.GetProperty("accessList").GetArrayLength()));
        var changed = await client.CallAsync("eth_createAccessList",
            $$"""[{"to":"{{Empty}}"},"latest",{"{{Empty}}":{"code":"0x600754"} }]""");
        Assert.Equal($$"""[{"address":"{{Empty}}","storageKeys":["{{Word(7)}}"]}]""", changed.GetProperty("accessList").GetRawText());
        Assert.Equal("header not found", (await client.FailAsync("eth_createAccessList", $$"""[{"to":"{{Toucher}}"},"0x99"]""")).Message);
    }

    [VectorFact]
    public async Task Access_lists_need_Berlin_and_the_public_state()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        Assert.Contains("Berlin", (await client.FailAsync("eth_createAccessList", $$"""[{"to":"{{PublicStorage}}"}]""")).Message);
    }

    [VectorFact]
    public async Task A_block_is_named_by_its_hash_in_every_form()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var hash = (await client.CallAsync("eth_getBlockByNumber", """["0x20",false]""")).GetProperty("hash").GetRawText();
        (string Method, string Before, string After)[] reads =
        [
            ("eth_call", $$"""{"to":"{{PrivateContract}}",{{Get}} },""", ""), ("eth_getBalance", $"\"{PublicStorage}\",", ""),
            ("eth_getCode", $"\"{PublicStorage}\",", ""),
            ("eth_getTransactionCount", $"\"{PublicStorage}\",", ""), ("eth_getStorageAt", $"\"{PublicStorage}\",\"0x0\",", ""),
            ("eth_estimateGas", $$"""{"to":"{{PublicStorage}}",{{Get}} },""", ""),
            ("eth_getProof", $"\"{PublicStorage}\",[],", ""), ("eth_storageRoot", $"\"{PublicStorage}\",", ""),
            ("eth_getBlockReceipts", "", ""),
            ("debug_traceCall", $$"""{"to":"{{PublicStorage}}",{{Get}} },""", ""), ("eth_getBlockByNumber", "", ",false"),
        ];
        foreach (var (method, before, after) in reads)
        {
            var expected = await client.CallAsync(method, $"[{before}\"0x20\"{after}]");
            foreach (var block in new[] { hash, $$"""{"blockHash":{{hash}} }""", $$"""{"blockHash":{{hash}},"requireCanonical":true}""",
                """{"blockNumber":"0x20"}""" })
                Assert.Equal(expected.GetRawText(), (await client.CallAsync(method, $"[{before}{block}{after}]")).GetRawText());
        }
        var unknown = $"\"0x{new string('1', 64)}\"";
        Assert.Equal("0x", (await client.CallAsync("eth_call", $$"""[{"to":"{{PublicStorage}}",{{Get}} },{{unknown}}]""")).GetString());
        Assert.Equal(-32602, (await client.FailAsync("eth_getLogs", $$"""[{"fromBlock":{{hash}} }]""")).Code);
        foreach (var bad in new[] { $"\"0x{new string('z', 64)}\"", $"\"0x{new string('1', 63)}\"", $"\"0x{new string('1', 65)}\"",
            $"\"{new string('1', 64)}\"", $$"""{"blockHash":{{hash}},"requireCanonical":"yes"}""", "\"\"", "12", "{}" })
            Assert.Equal(-32602, (await client.FailAsync("eth_getBalance", $"[\"{PublicStorage}\",{bad}]")).Code);
    }

    private static async Task<string> CallAsync(RpcClient client, string call, string overrides) =>
        (await client.CallAsync("eth_call", $"[{call},\"latest\",{overrides}]")).GetString()!;

    private static string Word(ulong value) => "0x" + value.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);

    private static string Words(params ulong[] values) => "0x" + string.Concat(values.Select(v => Word(v)[2..]));

    private static ulong Number(string? quantity) => (ulong)UInt256.Parse(quantity!);

    /// <summary>Toucher: SLOAD 1, BALANCE of Empty, STATICCALL to Other, which loads slot 2.</summary>
    private static FakeNode NewNode() => new(GenesisFile.Parse($$"""
        { "alloc": { "{{TwoSlots}}": { "balance": "0", "code": "{{ReturnTwoSlots}}", "storage": { "{{Word(0)}}": "{{Word(1)}}", "{{Word(1)}}": "{{Word(2)}}" } },
                     "{{Toucher}}": { "balance": "0", "code": "0x6001545073{{Empty[2..]}}3150600060006000600073{{Other[2..]}}5afa00" },
                     "{{Other}}": { "balance": "0x64", "code": "0x6002545000" },
                     "{{Reverting}}": { "balance": "0", "code": "0x60015460006000fd" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key);
}
