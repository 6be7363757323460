using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>The default gas of a private transaction is enough for recipients whose private state is colder than the sender's.</summary>
public sealed class PrivateGasTests
{
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();
    private static readonly Address Sender = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));
    private static readonly Address Contract = Address.ForCreate(Sender, 0);

    /// <summary>Init code of a contract that adds the first word of its input to slots 0 to 3.</summary>
    private static readonly byte[] Creation =
        Deploy(string.Concat(Enumerable.Range(0, 4).Select(slot => $"600035" + $"60{slot:x2}54" + "01" + $"60{slot:x2}55")));

    [Theory]
    [InlineData("2.6", "")]
    [InlineData("24", "\"istanbulBlock\": 0,")]
    [InlineData("24", "\"istanbulBlock\": 0, \"berlinBlock\": 0,")]
    public async Task A_transaction_that_warm_state_makes_cheap_runs_on_cold_state_too(string profile, string forks)
    {
        using var a = NewNode(profile, forks);
        using var b = NewNode(profile, forks);
        await using var client = new RpcClient(a);
        // Both have the contract; what has been written into it so far only the sender has seen.
        b.Manager.Payloads[Sha3.HashPayload(Creation)] = Creation;
        await SendAsync(client, a, b, $"\"data\":\"{Hex.ToHex(Creation)}\"");
        await SendAsync(client, a, b, $"\"to\":\"{Contract}\",\"data\":\"{Hex.ToHex(((UInt256)1u).ToBigEndian())}\"");
        var call = ((UInt256)2u).ToBigEndian();
        b.Manager.Payloads[Sha3.HashPayload(call)] = call;
        var fields = $"\"to\":\"{Contract}\",\"data\":\"{Hex.ToHex(call)}\"";
        var estimate = (ulong)UInt256.Parse((await client.CallAsync("eth_estimateGas", $$"""[{"from":"{{Sender}}",{{fields}}}]"""))
            .GetString()!);
        var sent = await SendAsync(client, a, b, fields);

        Assert.Equal((byte)1, StatusAt(a, 3));
        Assert.Equal((byte)1, StatusAt(b, 3));
        Assert.Equal(2u, StorageAt(b));
        Assert.Equal(3u, StorageAt(a));
        // What eth_estimateGas answers is the sender's own need, as GoQuorum has it.
        Assert.InRange(sent.GasLimit, estimate + 40_000, 400_000ul);
    }

    [Fact]
    public void The_room_ends_at_what_a_block_takes()
    {
        Assert.Equal(125_000ul, PrivateGas.WithRoom(100_000, 0, 1_000_000));
        Assert.Equal(150_000ul, PrivateGas.WithRoom(100_000, 1, 1_000_000));
        Assert.Equal(120_000ul, PrivateGas.WithRoom(100_000, 1_000, 120_000));
        Assert.Equal(100_000ul, PrivateGas.WithRoom(100_000, 1, 90_000));
        Assert.Equal(ulong.MaxValue, PrivateGas.WithRoom(100_000, ulong.MaxValue, ulong.MaxValue));
    }

    private static async Task<Transaction> SendAsync(RpcClient client, FakeNode a, FakeNode b, string fields)
    {
        var hash = (await client.CallAsync("eth_sendTransaction",
            $$"""[{"from":"{{Sender}}",{{fields}},"privateFor":["{{Recipient}}"]}]""")).GetString();
        var pooled = (await a.FindPooledAsync(Hash256.Parse(hash!), default))!.Tx;
        var block = a.Mint(pooled);
        a.Import(block);
        b.Import(block);
        return pooled;
    }

    private static byte? StatusAt(FakeNode node, ulong block)
    {
        using var view = node.OpenView();
        return Assert.Single(view.PrivateReceipts(block, view.Header(block)!.Hash))!.Status;
    }

    private static UInt256 StorageAt(FakeNode node)
    {
        using var view = node.OpenView();
        return view.PrivateState(view.Head).GetStorage(Contract, 3u);
    }

    private static byte[] Deploy(string code)
    {
        var length = code.Length / 2;
        return Hex.FromHex($"60{length:x2}600c60003960{length:x2}6000f3{code}");
    }

    private static FakeNode NewNode(string profile, string forks) => new(GenesisFile.Parse($$"""
        { "alloc": { },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      {{forks}} "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse(profile), Key);
}
