using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>What web3j-quorum asks of private contracts and transactions, answered as GoQuorum 24.4.1 was recorded.</summary>
public sealed class EthPrivacyTests
{
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));

    [Fact]
    public async Task A_standard_private_contract_has_no_privacy_metadata_and_a_public_account_is_none()
    {
        using var node = NewNode("24");
        await using var client = new RpcClient(node);
        var contract = (await MinePrivateAsync(node, client, "0x60016000f3")).GetProperty("contractAddress").GetString()!;
        var (code, message, _) = await client.FailAsync("eth_getContractPrivacyMetadata", $"[\"{contract}\"]");
        Assert.Equal((-32000, $"{Address.Parse(contract).ToChecksumString()}: no account extra data found"), (code, message));
        Assert.Equal($"{Hex.ToHex(Sender.ToArray(), prefix: false)}: the provided address is not a private contract",
            (await client.FailAsync("eth_getContractPrivacyMetadata", $"[\"{Sender}\"]")).Message);
    }

    [Theory]
    [InlineData("0x60016000f3", "invalid character '`' looking for beginning of value")]
    [InlineData("0x2060016000f3", "invalid character '`' looking for beginning of value")]
    [InlineData("0x00", @"invalid character '\x00' looking for beginning of value")]
    [InlineData("0x27", @"invalid character '\'' looking for beginning of value")]
    [InlineData("0xad00", @"invalid character '\u00ad' looking for beginning of value")]
    [InlineData("0xfe", "invalid character '\u00fe' looking for beginning of value")]
    [InlineData("0x7b7d", "missing required field 'nonce' in transaction")]
    public async Task A_private_transaction_that_is_no_marker_is_told_in_the_words_of_go(string payload, string error)
    {
        using var node = NewNode("24");
        await using var client = new RpcClient(node);
        var hash = (await MinePrivateAsync(node, client, payload)).GetProperty("transactionHash").GetString();
        foreach (var method in new[] { "eth_getPrivateTransactionByHash", "eth_getPrivateTransactionReceipt" })
            Assert.Equal(error, (await client.FailAsync(method, $"[\"{hash}\"]")).Message);
    }

    [Fact]
    public async Task What_holds_no_payload_of_ours_is_null_or_not_found()
    {
        using var node = NewNode("24");
        await using var client = new RpcClient(node);
        var hash = (await MinePrivateAsync(node, client, "0x60016000f3")).GetProperty("transactionHash").GetString();
        node.Manager.Payloads.Clear();
        foreach (var unknown in new[] { hash, Hash256.Zero.ToString() })
            Assert.Null((await client.CallAsync("eth_getPrivateTransactionByHash", $"[\"{unknown}\"]")).GetString());
        Assert.Equal("private transaction not found for this participant",
            (await client.FailAsync("eth_getPrivateTransactionReceipt", $"[\"{hash}\"]")).Message);
        Assert.Equal("privacy marker transaction not found",
            (await client.FailAsync("eth_getPrivateTransactionReceipt", $"[\"{Hash256.Zero}\"]")).Message);
        node.Manager.Enabled = false;
        Assert.Equal("PrivateTransactionManager is not enabled",
            (await client.FailAsync("eth_getPrivateTransactionByHash", $"[\"{hash}\"]")).Message);
    }

    [Fact]
    public async Task The_marker_precompile_is_known_and_older_generations_lack_the_methods()
    {
        using (var node = NewNode("24"))
        await using (var client = new RpcClient(node))
            Assert.Equal("0x000000000000000000000000000000000000007a",
                (await client.CallAsync("eth_getPrivacyPrecompileAddress")).GetString());
        using var older = NewNode("2.6");
        await using var old = new RpcClient(older);
        foreach (var method in new[] { "eth_getPrivacyPrecompileAddress", "eth_getContractPrivacyMetadata",
            "eth_getPrivateTransactionByHash", "eth_getPrivateTransactionReceipt", "eth_distributePrivateTransaction" })
            Assert.Equal(-32601, (await old.FailAsync(method)).Code);
    }

    private static async Task<System.Text.Json.JsonElement> MinePrivateAsync(FakeNode node, RpcClient client, string data)
    {
        var hash = (await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{Sender}}","data":"{{data}}","gas":"0x47b760","privateFor":[]}]""")).GetString();
        node.Import(node.Mint((await node.FindPooledAsync(Hash256.Parse(hash!), default))!.Tx));
        return await client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]");
    }

    private static FakeNode NewNode(string profile) => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse(profile), Key);
}
