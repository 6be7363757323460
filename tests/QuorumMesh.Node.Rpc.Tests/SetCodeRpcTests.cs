using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Transactions of type 4 (EIP-7702) over JSON-RPC.</summary>
public sealed class SetCodeRpcTests
{
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly byte[] AuthorityKey = Keccak.Hash("authority"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Authority = Secp256k1.AddressOf(Secp256k1.PublicKey(AuthorityKey));
    private static readonly Address Wallet = Address.Parse("0x2000000000000000000000000000000000000001");

    [Fact]
    public async Task A_raw_transaction_is_pooled_and_shown_with_its_list()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var authorization = Authorization.Sign(10u, Wallet, 0, AuthorityKey);
        var tx = Sign(new Transaction
        {
            Type = TransactionType.SetCode,
            TypedChainId = 10u,
            GasLimit = 100_000,
            To = Authority,
            AuthorizationList = [authorization]
        });
        Assert.Equal(tx.Hash.ToString(),
            (await client.CallAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(tx.EncodedSpan)}\"]")).GetString());
        var shown = await client.CallAsync("eth_getTransactionByHash", $"[\"{tx.Hash}\"]");
        Assert.Equal("0x4", shown.GetProperty("type").GetString());
        Assert.Equal("0xa", shown.GetProperty("chainId").GetString());
        Assert.Equal(Sender.ToString(), shown.GetProperty("from").GetString());
        Assert.Equal(shown.GetProperty("v").GetString(), shown.GetProperty("yParity").GetString());
        var tuple = Assert.Single(shown.GetProperty("authorizationList").EnumerateArray());
        Assert.Equal("0xa", tuple.GetProperty("chainId").GetString());
        Assert.Equal(Wallet.ToString(), tuple.GetProperty("address").GetString());
        Assert.Equal("0x0", tuple.GetProperty("nonce").GetString());
        Assert.Equal(authorization.YParity == 0 ? "0x0" : "0x1", tuple.GetProperty("yParity").GetString());
        Assert.Equal(authorization.R, UInt256.Parse(tuple.GetProperty("r").GetString()!));
        Assert.Equal(authorization.S, UInt256.Parse(tuple.GetProperty("s").GetString()!));
    }

    [Fact]
    public async Task Calls_and_estimates_take_a_list()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var a = Authorization.Sign(10u, Wallet, 0, AuthorityKey);
        var list = $$"""[{"chainId":"0xa","address":"{{Wallet}}","nonce":"0x0","yParity":"0x{{a.YParity}}","r":"{{Quantity(a.R)}}","s":"{{Quantity(a.S)}}"}]""";
        var call = $$"""[{"to":"{{Authority}}","authorizationList":{{list}}},"latest"]""";
        Assert.Equal(((UInt256)7u).ToBigEndian(), Hex.FromHex((await client.CallAsync("eth_call", call)).GetString()!));
        Assert.Equal("0x", (await client.CallAsync("eth_call", $$"""[{"to":"{{Authority}}"},"latest"]""")).GetString());
        Assert.InRange((ulong)UInt256.Parse(
            (await client.CallAsync("eth_estimateGas", $$"""[{"to":"{{Authority}}","authorizationList":{{list}}}]""")).GetString()!),
            46_000ul, 49_000ul);
        Assert.Equal("EIP-7702 transaction with empty auth list",
            (await client.FailAsync("eth_call", $$"""[{"to":"{{Authority}}","authorizationList":[]},"latest"]""")).Message);
        Assert.Contains("8 bits",
            (await client.FailAsync("eth_call", $$"""[{"to":"{{Authority}}","authorizationList":[{"yParity":"0x100"}]},"latest"]"""))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Estimates_pay_for_an_access_list()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        async Task<ulong> Estimate(string fields) =>
            (ulong)UInt256.Parse((await client.CallAsync("eth_estimateGas", $$"""[{"to":"{{Sender}}"{{fields}}}]""")).GetString()!);
        var plain = await Estimate("");
        var slot = $"\"0x{new string('0', 64)}\"";
        Assert.Equal(plain + 2400 + (2 * 1900),
            await Estimate($$""","accessList":[{"address":"{{Wallet}}","storageKeys":[{{slot}},{{slot}}]}]"""));
        Assert.Equal(plain + 2400, await Estimate($$""","accessList":[{"address":"{{Wallet}}","storageKeys":null}]"""));
        Assert.Equal(plain, await Estimate(""","accessList":[]"""));
        Assert.Equal(plain, await Estimate(""","accessList":null"""));
        foreach (var bad in (string[])["1", "[1]", "[{}]", $$"""[{"address":"{{Wallet}}","storageKeys":["0x1"]}]"""])
            Assert.Equal(-32602, (await client.FailAsync("eth_call", $$"""[{"to":"{{Sender}}","accessList":{{bad}}},"latest"]""")).Code);
    }

    [Fact]
    public async Task Estimates_reach_the_floor_of_the_call_data()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var data = string.Concat(Enumerable.Repeat("01", 1000));
        Assert.Equal("0xee48", (await client.CallAsync("eth_estimateGas", $$"""[{"to":"{{Sender}}","data":"0x{{data}}"}]""")).GetString());
    }

    [Fact]
    public async Task Private_ones_are_refused_clearly()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var tx = Sign(new Transaction
        {
            Type = TransactionType.SetCode,
            TypedChainId = 10u,
            GasLimit = 100_000,
            To = Authority,
            AuthorizationList = [Authorization.Sign(10u, Wallet, 0, AuthorityKey)]
        });
        Assert.Contains("cannot be private",
            (await client.FailAsync("eth_sendRawPrivateTransaction", $$"""["{{Hex.ToHex(tx.EncodedSpan)}}",{"privateFor":[]}]""")).Message,
            StringComparison.Ordinal);
        Assert.Contains("eth_sendRawTransaction",
            (await client.FailAsync("eth_sendTransaction", $$"""[{"from":"{{Sender}}","privateFor":[],"authorizationList":[]}]""")).Message,
            StringComparison.Ordinal);
    }

    private static string Quantity(UInt256 value) => "0x" + Convert.ToHexStringLower(value.ToBigEndian()).TrimStart('0');

    private static Transaction Sign(Transaction tx) => TransactionSigner.Sign(tx, Key);

    /// <summary>The wallet returns 7.</summary>
    private static FakeNode NewNode() => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Wallet}}": { "balance": "0", "code": "0x600760005260206000f3" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "pragueBlock": 0, "isQuorum": true, "quorumMesh": { "version": 0 } },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key);
}
