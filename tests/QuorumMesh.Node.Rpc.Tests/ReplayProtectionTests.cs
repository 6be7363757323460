using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Transactions without a chain id, which can be sent again on other networks.</summary>
public sealed class ReplayProtectionTests
{
    private const string Refusal = "only replay-protected (EIP-155) transactions allowed over RPC";
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";
    private const string OwnNetwork = """ "quorumMesh": { "version": 0 }, """;
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));

    [Theory]
    [InlineData("24", "")]
    [InlineData("24", OwnNetwork)]
    [InlineData("21", OwnNetwork)]
    public async Task One_without_a_chain_id_is_refused_with_the_words_of_GoQuorum(string profile, string mark)
    {
        using var node = NewNode(profile, mark);
        await using var client = new RpcClient(node);
        foreach (var gasPrice in new UInt256[] { 0u, 1_000u })
        {
            var (code, message, _) = await client.FailAsync("eth_sendRawTransaction", Raw(Unprotected(gasPrice)));
            Assert.Equal((-32000, Refusal), (code, message));
        }
        Assert.StartsWith("0x", (await client.CallAsync("eth_sendRawTransaction", Raw(Protected()))).GetString());
    }

    [Theory]
    [InlineData("2.5")]
    [InlineData("2.6")]
    [InlineData("21")]
    public async Task Older_generations_take_it_as_their_GoQuorum_does(string profile)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        var transaction = Unprotected(0u);
        Assert.Equal(transaction.Hash.ToString(), (await client.CallAsync("eth_sendRawTransaction", Raw(transaction))).GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(OwnNetwork)]
    public async Task The_flag_allows_it(string mark)
    {
        using var node = NewNode("24", mark);
        await using var client = new RpcClient(node, new RpcServerOptions { AllowUnprotected = true });
        var transaction = Unprotected(0u);
        Assert.Equal(transaction.Hash.ToString(), (await client.CallAsync("eth_sendRawTransaction", Raw(transaction))).GetString());
    }

    [Fact]
    public async Task Private_ones_have_no_chain_id_and_pass()
    {
        using var node = NewNode("24");
        await using var client = new RpcClient(node);
        var hash = await node.Manager.StoreRawAsync([0x60, 0x01], null, default);
        var transaction = TransactionSigner.SignPrivate(new Transaction { GasLimit = 100_000, Data = hash.ToArray() }, Key);
        Assert.Equal(transaction.Hash.ToString(), (await client.CallAsync("eth_sendRawPrivateTransaction",
            $$"""["{{Hex.ToHex(transaction.EncodedSpan)}}",{"privateFor":["{{Recipient}}"]}]""")).GetString());
        await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{Sender}}","data":"0x6001","gas":"0x47b760","privateFor":["{{Recipient}}"]}]""");
    }

    [Fact]
    public async Task A_block_that_holds_one_is_valid()
    {
        using var node = NewNode("24");
        await using var client = new RpcClient(node);
        var transaction = Unprotected(0u);
        node.Import(node.Mint(transaction));
        var mined = await client.CallAsync("eth_getTransactionByHash", $"[\"{transaction.Hash}\"]");
        Assert.Equal(Sender.ToString(), mined.GetProperty("from").GetString());
        Assert.Contains(mined.GetProperty("v").GetString(), new[] { "0x1b", "0x1c" });
    }

    private static Transaction Unprotected(UInt256 gasPrice) =>
        TransactionSigner.Sign(new Transaction { GasLimit = 100_000, GasPrice = gasPrice, To = Sender }, Key);

    private static Transaction Protected() => TransactionSigner.Sign(new Transaction { GasLimit = 100_000, To = Sender }, Key, 10u);

    private static string Raw(Transaction transaction) => $"[\"{Hex.ToHex(transaction.EncodedSpan)}\"]";

    private static FakeNode NewNode(string profile, string mark = "") => new(GenesisFile.Parse($$"""
        { "alloc": {}, "config": { {{mark}} "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse(profile), Key);
}
