using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// A node that most members disagree with says nothing that a client would take for acknowledged, and hands no payload out.
/// </summary>
public sealed class HeadConflictTests
{
    private const string Recipient = "0RaKJeL5+cTohk86XHQgj9CIvs5u3aXcF6/ZGgxYBH4=";
    private const string PublicTransaction = "0x46d6cd8bd96b78a1e00480671618359ae1b617a2aad6b04469f28f517769a841";

    [VectorFact]
    public async Task Nothing_is_acknowledged_until_the_majority_agrees_again()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        node.Conflict = new HeadConflict(7, Keccak.Hash([1]), Keccak.Hash([2]), 2, 3);
        var from = node.Accounts.Accounts[0];
        (string Method, string Parameters)[] calls =
        [
            ("eth_getTransactionReceipt", $"[\"{PublicTransaction}\"]"),
            ("eth_getBlockReceipts", "[\"latest\"]"),
            ("eth_getLogs", """[{"fromBlock":"0x5","toBlock":"0x5"}]"""),
            ("eth_sendTransaction", $$"""[{"from":"{{from}}","data":"0x6001","gas":"0x47b760","privateFor":["{{Recipient}}"]}]"""),
        ];
        foreach (var (method, parameters) in calls)
        {
            var (code, message, _) = await client.FailAsync(method, parameters);
            Assert.Equal(-32000, code);
            Assert.StartsWith($"block 7 of this node is {Keccak.Hash([1])}, but 2 of 3 members have {Keccak.Hash([2])} there", message,
                StringComparison.Ordinal);
        }
        Assert.Empty(node.Manager.Distributed);
        Assert.Equal("0x7f", (await client.CallAsync("eth_blockNumber")).GetString());

        node.Conflict = null;
        foreach (var (method, parameters) in calls) await client.CallAsync(method, parameters);
        Assert.Single(node.Manager.Distributed);
    }
}
