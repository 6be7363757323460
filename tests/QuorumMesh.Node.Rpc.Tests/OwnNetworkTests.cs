using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>What wallets and libraries of today see and send on a network of our own.</summary>
public sealed class OwnNetworkTests
{
    private const ulong Seconds = 1_700_000_000;
    private const ulong Now = (Seconds * 1_000_000_000) + 5;
    private const string Gwei = "0x3b9aca00";
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Other = Address.Parse("0x2000000000000000000000000000000000000001");

    [Fact]
    public async Task A_transaction_with_fee_caps_pays_nothing_and_its_block_shows_a_base_fee_of_zero()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var tx = Sign(new Transaction
        {
            Type = TransactionType.DynamicFee,
            TypedChainId = 10u,
            GasLimit = 21_000,
            To = Other,
            GasPrice = 40_000_000_000u,
            MaxPriorityFee = 2_000_000_000u,
            Value = 5u
        });
        await client.CallAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(tx.EncodedSpan)}\"]");
        node.Mine(Now);
        var block = await client.CallAsync("eth_getBlockByNumber", """["0x1",true]""");
        Assert.Equal(("0x0", $"0x{Seconds:x}", "0x1"), (Text(block, "baseFeePerGas"), Text(block, "timestamp"), Text(block, "difficulty")));
        foreach (var shown in new[] { block.GetProperty("transactions")[0],
            await client.CallAsync("eth_getTransactionByHash", $"[\"{tx.Hash}\"]") })
            Assert.Equal(("0x0", "0x9502f9000", "0x77359400"),
                (Text(shown, "gasPrice"), Text(shown, "maxFeePerGas"), Text(shown, "maxPriorityFeePerGas")));
        var receipt = await client.CallAsync("eth_getTransactionReceipt", $"[\"{tx.Hash}\"]");
        Assert.Equal(("0x1", "0x0", "0x2"), (Text(receipt, "status"), Text(receipt, "effectiveGasPrice"), Text(receipt, "type")));
        Assert.Equal("0x5f", (await client.CallAsync("eth_getBalance", $"[\"{Sender}\",\"latest\"]")).GetString());
        var history = await client.CallAsync("eth_feeHistory", """["0x1","latest",[50]]""");
        Assert.Equal(("0x0", "0x0"),
            (history.GetProperty("baseFeePerGas")[0].GetString(), history.GetProperty("reward")[0][0].GetString()));
    }

    [Fact]
    public async Task The_flag_for_seconds_divides_nothing_here_and_heads_carry_the_base_fee()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node, new RpcServerOptions { BlockTimesInSeconds = true });
        await client.CallAsync("eth_subscribe", """["newHeads"]""");
        node.Mine(Now);
        Assert.Equal($"0x{Seconds:x}", Text(await client.CallAsync("eth_getBlockByNumber", """["latest",false]"""), "timestamp"));
        Assert.Equal($"0x{Seconds:x}", Text(await client.CallAsync("eth_getHeaderByNumber", """["latest"]"""), "timestamp"));
        var head = (await client.HearAsync()).GetProperty("result");
        Assert.Equal(($"0x{Seconds:x}", "0x0"), (Text(head, "timestamp"), Text(head, "baseFeePerGas")));
    }

    [Theory]
    [InlineData("""{ "version": 0 }""")]
    [InlineData(null)]
    public async Task Other_chains_show_no_base_fee_and_take_no_caps(string? mark)
    {
        using var node = NewNode(mark);
        await using var client = new RpcClient(node);
        node.Mine(Now);
        var block = await client.CallAsync("eth_getBlockByNumber", """["latest",false]""");
        Assert.False(block.TryGetProperty("baseFeePerGas", out _));
        Assert.Equal($"0x{Now:x}", Text(block, "timestamp"));
        if (mark is not null)
            Assert.Equal("Gas price not 0",
            (await client.FailAsync("eth_sendTransaction", Send($$""","maxFeePerGas":"{{Gwei}}" """))).Message);
    }

    [Fact]
    public async Task Send_transaction_honours_fee_caps_access_list_and_chain_id()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var list = $$"""[{"address":"{{Other}}","storageKeys":["0x{{new string('0', 63)}}1"]}]""";
        async Task<JsonElement> Sent(string fields) =>
            await client.CallAsync("eth_getTransactionByHash",
                $"[{(await client.CallAsync("eth_sendTransaction", Send(fields))).GetRawText()}]");

        var both = await Sent($$""","maxFeePerGas":"{{Gwei}}","maxPriorityFeePerGas":"0x1","accessList":{{list}},"chainId":"0xa" """);
        Assert.Equal(("0x2", Gwei, "0x1", "0xa"),
            (Text(both, "type"), Text(both, "maxFeePerGas"), Text(both, "maxPriorityFeePerGas"), Text(both, "chainId")));
        Assert.Equal(Other.ToString(), both.GetProperty("accessList")[0].GetProperty("address").GetString());
        var listed = await Sent($$""","accessList":{{list}}""");
        Assert.Equal(("0x1", "0x0", Sender.ToString()), (Text(listed, "type"), Text(listed, "gasPrice"), Text(listed, "from")));
        var tip = await Sent(""","maxPriorityFeePerGas":"0x2" """);
        Assert.Equal(("0x2", "0x2"), (Text(tip, "type"), Text(tip, "maxFeePerGas")));
        Assert.Equal("0x0", Text(await Sent(""","chainId":"0xa" """), "type"));
        Assert.Equal(4, node.Mine(Now).Transactions.Count);
    }

    [Fact]
    public async Task Fields_that_do_not_fit_are_refused_with_geths_words()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        (string Fields, string Error)[] cases =
        [
            (""","chainId":"0xb" """, "chainId does not match node's (have=11, want=10)"),
            (""","chainId":"0xb","privateFor":[]""", "chainId does not match node's (have=11, want=10)"),
            (""","gasPrice":"0x0","maxFeePerGas":"0x1" """, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"),
            (""","maxFeePerGas":"0x1","maxPriorityFeePerGas":"0x2" """, "maxFeePerGas (1) < maxPriorityFeePerGas (2)"),
            ($$""","privateFor":[],"accessList":[{"address":"{{Other}}","storageKeys":[]}]""",
                "a private transaction is always a legacy one: it cannot have an accessList (EIP-2930); leave it out"),
            (""","gasPrice":"0x1" """, "Gas price not 0"),
        ];
        foreach (var (fields, error) in cases) Assert.Equal(error, (await client.FailAsync("eth_sendTransaction", Send(fields))).Message);
        Assert.Empty(node.Manager.Distributed);
    }

    [Fact]
    public async Task Filled_and_signed_transactions_show_their_type_and_fields()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var fields = Send($$""","gas":"0x5208","nonce":"0x0","maxFeePerGas":"{{Gwei}}" """);
        var filled = await client.CallAsync("eth_fillTransaction", fields);
        Assert.Equal(("0x2", Gwei), (Text(filled.GetProperty("tx"), "type"), Text(filled.GetProperty("tx"), "maxFeePerGas")));
        var signed = Transaction.Decode(Hex.FromHex(Text(await client.CallAsync("eth_signTransaction", fields), "raw")!));
        Assert.True(TransactionSigner.TryRecover(signed, SenderRules.For(10u, Evm.Fork.Cancun), out var sender));
        Assert.Equal(Sender, sender);
    }

    [Fact]
    public async Task A_private_transaction_with_fee_caps_is_a_legacy_one()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var hash = await client.CallAsync("eth_sendTransaction",
            Send($$""","data":"0x6001","gas":"0x47b760","privateFor":[],"maxFeePerGas":"{{Gwei}}" """));
        var pooled = await client.CallAsync("eth_getTransactionByHash", $"[{hash.GetRawText()}]");
        Assert.Equal(("0x0", "0x0"), (Text(pooled, "type"), Text(pooled, "gasPrice")));
        Assert.Contains(Text(pooled, "v"), new[] { "0x25", "0x26" });
    }

    [Theory]
    [InlineData("2.5", "0x6308", "0x6308", "0x5208")]
    [InlineData("2.6", "0x5208", "0x6308", "0x5208")]
    [InlineData("24", "0x5208", "0x6308", "0x5208")]
    public async Task Estimates_leave_room_for_a_payload_hash_where_the_value_is_given_and_zero(string profile, string absent,
        string zero, string one)
    {
        using var node = NewNode(mark: null, CompatibilityProfile.Parse(profile), forks: "");
        await using var client = new RpcClient(node);
        async Task<string?> Estimate(string fields) =>
            (await client.CallAsync("eth_estimateGas", $$"""[{"from":"{{Sender}}","to":"{{Other}}"{{fields}}}]""")).GetString();
        Assert.Equal((absent, absent, zero, one),
            (await Estimate(""), await Estimate(""","value":null"""), await Estimate(""","value":"0x0" """),
            await Estimate(""","value":"0x1" """)));
    }

    [Theory]
    [InlineData("2.5", "rlp: too few elements for types.txdata", "rlp: input list has too many elements for types.txdata",
        "rlp: expected input list for types.txdata", "invalid sender")]
    [InlineData("21", "rlp: too few elements for types.txdata", "rlp: input list has too many elements for types.txdata",
        "rlp: expected input list for types.txdata", "invalid chain id for signer")]
    [InlineData("24", "rlp: too few elements for types.LegacyTx", "rlp: input list has too many elements for types.LegacyTx",
        "rlp: too few elements for types.AccessListTx", "invalid chain id for signer")]
    public async Task Raw_transactions_are_refused_in_the_words_of_the_profile(string profile, string few, string many, string typed,
        string foreign)
    {
        using var node = NewNode(mark: null, CompatibilityProfile.Parse(profile));
        await using var client = new RpcClient(node);
        async Task<string> Error(string raw, string method = "eth_sendRawTransaction") =>
            (await client.FailAsync(method, method == "eth_sendRawTransaction" ? $"[\"{raw}\"]" : $"[\"{raw}\",{{\"privateFor\":[]}}]"))
            .Message;
        Assert.Equal(few, await Error("0xc20102"));
        Assert.Equal(few, await Error("0xc20102", "eth_sendRawPrivateTransaction"));
        Assert.Equal(many, await Error("0xca80808080808080808080"));
        Assert.Equal(typed, await Error("0x01c20102"));
        var other = TransactionSigner.Sign(new Transaction { GasLimit = 21_000, To = Other }, Key, 11u);
        Assert.Equal(foreign, await Error(Hex.ToHex(other.EncodedSpan)));
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static string Send(string fields) => $$"""[{"from":"{{Sender}}","to":"{{Other}}"{{fields}}}]""";

    private static Transaction Sign(Transaction tx) => TransactionSigner.Sign(tx, Key);

    private static FakeNode NewNode(string? mark = """{ "version": 1 }""", CompatibilityProfile? profile = null, string forks = """
        , "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0
        """) => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Sender}}": { "balance": "100" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "isQuorum": true
                      {{forks}} {{(mark is null ? "" : $", \"quorumMesh\": {mark}")}} },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), profile ?? CompatibilityProfile.V24, Key);
}
