using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// Reads while the private head waits: what is public is answered, what may be private is an error, and nothing is stale.
/// </summary>
public sealed class PrivateHeadTests
{
    private const string PrivateContract = "0x34941bfeb61817241dc622fdf2ec79a3840fffe6";
    private const string PublicContract = "0xA8f4970FE3cEdD83a4DbA92f8Df335FC8f7d8058";
    private const string PrivateTransaction = "0x2b9024027a01b130f909904018ae1871385c923ba9389c1f0ef0ffa37b11df2e";
    private const string PublicTransaction = "0x46d6cd8bd96b78a1e00480671618359ae1b617a2aad6b04469f28f517769a841";

    [VectorFact]
    public async Task Public_reads_go_on_and_private_ones_fail()
    {
        using var node = RecordedNetwork.Node(1, withPrivate: false);
        await using var client = new RpcClient(node, new RpcServerOptions { PrivateHeadWait = TimeSpan.FromMilliseconds(1) });

        Assert.Equal("0x7f", (await client.CallAsync("eth_blockNumber")).GetString());
        Assert.EndsWith("3a", (await client.CallAsync("eth_call", $$"""[{"to":"{{PublicContract}}","data":"0x6d4ce63c"},"latest"]"""))
            .GetString());
        Assert.EndsWith("3a", (await client.CallAsync("eth_getStorageAt", $$"""["{{PublicContract}}","0x0","latest"]""")).GetString());
        Assert.Equal("0x1", (await client.CallAsync("eth_getTransactionReceipt", $"[\"{PublicTransaction}\"]")).GetProperty("status")
            .GetString());
        Assert.Single((await client.CallAsync("eth_getLogs", """[{"fromBlock":"0x5","toBlock":"0x5"}]""")).EnumerateArray());

        foreach (var (method, parameters) in new[]
        {
            ("eth_call", $$"""[{"to":"{{PrivateContract}}","data":"0x6d4ce63c"},"latest"]"""),
            ("eth_getCode", $"[\"{PrivateContract}\",\"latest\"]"),
            ("eth_getStorageAt", $"[\"{PrivateContract}\",\"0x0\",\"latest\"]"),
            ("eth_storageRoot", $"[\"{PrivateContract}\"]"),
            ("eth_getTransactionReceipt", $"[\"{PrivateTransaction}\"]"),
            ("debug_privateStateRoot", "[\"latest\"]"),
            ("eth_getLogs", """[{"fromBlock":"0x0","toBlock":"latest"}]"""),
        })
        {
            var (code, message, _) = await client.FailAsync(method, parameters);
            Assert.Equal(-32000, code);
            Assert.Contains("private state is not available from block 1 on", message);
        }
    }

    [VectorFact]
    public async Task Private_state_roots_are_the_recorded_ones()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        using var roots = RecordedNetwork.Json("privateStateRoots.json");
        var number = 0;
        foreach (var root in roots.RootElement.GetProperty("node1").EnumerateArray())
            Assert.Equal(root.GetString(), (await client.CallAsync("debug_privateStateRoot", $"[\"0x{number++:x}\"]")).GetString());
    }
}
