using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class RevertReasonRpcTests
{
    private static readonly byte[] Key = Keccak.Hash("sender"u8).ToArray();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_receipt_shows_what_its_transaction_returned_where_it_is_kept(bool keeps)
    {
        using var node = new FakeNode(GenesisFile.Parse("""
            { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "isQuorum": true },
              "difficulty": "0x0", "gasLimit": "0xE0000000" }
            """), CompatibilityProfile.V24, keeps, Key);
        await using var client = new RpcClient(node);
        // Init code: MSTORE(0, 0xaa), REVERT(30, 2).
        var failing = TransactionSigner.Sign(new Transaction { GasLimit = 100_000, Data = Hex.FromHex("60aa6000526002601efd") }, Key, 10u);
        var passing = TransactionSigner.Sign(new Transaction { Nonce = 1, GasLimit = 100_000 }, Key, 10u);
        foreach (var tx in new[] { failing, passing })
            await client.CallAsync("eth_sendRawTransaction", $"[\"{Hex.ToHex(tx.EncodedSpan)}\"]");
        node.Mine(1);
        var receipt = await client.CallAsync("eth_getTransactionReceipt", $"[\"{failing.Hash}\"]");
        Assert.Equal("0x0", receipt.GetProperty("status").GetString());
        Assert.Equal(keeps, receipt.TryGetProperty("revertReason", out var reason));
        if (keeps) Assert.Equal("0x00aa", reason.GetString());
        receipt = await client.CallAsync("eth_getTransactionReceipt", $"[\"{passing.Hash}\"]");
        Assert.Equal("0x1", receipt.GetProperty("status").GetString());
        Assert.False(receipt.TryGetProperty("revertReason", out _));
    }
}
