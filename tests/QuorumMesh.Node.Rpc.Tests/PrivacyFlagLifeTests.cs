using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Contracts with privacy flags at their sender, from creation on.</summary>
public sealed class PrivacyFlagLifeTests
{
    /// <summary>Adds its input to slot 0.</summary>
    private const string Code = "0x6960003560005401600055600052600a6016f3";

    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task What_was_sent_with_a_flag_is_run_with_it(int flag)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var created = await MineAsync(node, client, await SendAsync(client, flag, null, Code));
        Assert.Equal("0x1", created[0].GetProperty("status").GetString());
        var contract = created[0].GetProperty("contractAddress").GetString()!;
        var metadata = await client.CallAsync("eth_getContractPrivacyMetadata", $"[\"{contract}\"]");
        Assert.Equal(flag, metadata.GetProperty("privacyFlag").GetInt32());

        var changed = await MineAsync(node, client, await SendAsync(client, flag, contract, Word(5)));
        Assert.Equal("0x1", changed[0].GetProperty("status").GetString());
        Assert.Equal(Word(5), await SlotAsync(client, contract));
        var (_, message, data) = await client.FailAsync("eth_sendTransaction", Arguments(0, contract, Word(6)));
        Assert.Equal("sent privacy flag doesn't match all affected contract flags", message);
        Assert.Equal(
            $"contract {Address.Parse(contract).ToChecksumString()} was made with privacy flag {flag}; this transaction has flag 0", data);

        // Both are sent on one state: with state validation the second does not find what its sender computed.
        var both = await MineAsync(node, client, await SendAsync(client, flag, contract, Word(7)),
            await SendAsync(client, flag, contract, Word(8)));
        Assert.Equal(("0x1", flag == 3 ? "0x0" : "0x1"),
            (both[0].GetProperty("status").GetString(), both[1].GetProperty("status").GetString()));
        Assert.Equal(Word(flag == 3 ? 12u : 20u), await SlotAsync(client, contract));
    }

    private static string Word(uint value) => Hex.ToHex(((UInt256)value).ToBigEndian());

    private static string Arguments(int flag, string? to, string data) => JsonSerializer.Serialize(new object[]
    {
        to is null ? new { from = Sender.ToString(), data, gas = "0x47b760", privateFor = Array.Empty<string>(), privacyFlag = flag }
            : new { from = Sender.ToString(), to, data, gas = "0x47b760", privateFor = Array.Empty<string>(), privacyFlag = flag },
    });

    private static async Task<string> SendAsync(RpcClient client, int flag, string? to, string data) =>
        (await client.CallAsync("eth_sendTransaction", Arguments(flag, to, data))).GetString()!;

    private static async Task<string?> SlotAsync(RpcClient client, string contract) =>
        (await client.CallAsync("eth_getStorageAt", $"[\"{contract}\",\"0x0\",\"latest\"]")).GetString();

    private static async Task<List<JsonElement>> MineAsync(FakeNode node, RpcClient client, params string[] hashes)
    {
        var transactions = new List<Transaction>();
        foreach (var hash in hashes) transactions.Add((await node.FindPooledAsync(Hash256.Parse(hash), default))!.Tx);
        node.Import(node.Mint([.. transactions]));
        var receipts = new List<JsonElement>();
        foreach (var hash in hashes) receipts.Add(await client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]"));
        return receipts;
    }

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true,
          "privacyEnhancementsBlock": 0 }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Key);
}
