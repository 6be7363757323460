using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>
/// The whole node, alone in its cluster: what /readyz says of a loop that is held up, and of a leader that nobody follows.
/// </summary>
[Collection(EnvironmentCollection.Name)]
public sealed class NodeReadinessTests : IDisposable
{
    private static readonly byte[] Key = Keccak.Hash("readiness"u8).ToArray();
    private readonly TempDirectory _temp = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task A_leader_that_hears_no_majority_is_not_ready_and_what_waits_for_its_blocks_is_told()
    {
        var settings = Prepare() with { PendingWait = TimeSpan.FromMilliseconds(300) };
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await Loopback.UntilAsync(() => Check(node, settings, "consensus") is null, "it leads by itself");
        await SendAsync(node, 0);
        await Loopback.UntilAsync(() => node.Core.Published.Head == 1, "a block is mined");
        await Task.Delay(settings.PendingWait * 2);
        Assert.Null(Check(node, settings, "pending"));

        var absent = Secp256k1.PublicKey(TestChain.Key(7));
        await AskAsync(node, "raft_addPeer", $"enode://{Hex.ToHex(absent, prefix: false)}@127.0.0.1:1?discport=0&raftport=1");
        await Loopback.UntilAsync(() => Check(node, settings, "consensus") is not null, "the new member is missed");
        Assert.Equal("this node leads, and hears no majority of the members: it mints nothing", Check(node, settings, "consensus"));
        await SendAsync(node, 1);
        await Loopback.UntilAsync(() => Check(node, settings, "pending") is not null, "the transaction waits");
        Assert.StartsWith("1 executable transactions wait, and no block has come for ", Check(node, settings, "pending"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loop_that_is_held_up_is_not_ready_until_it_goes_on()
    {
        var settings = Prepare();
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await Loopback.UntilAsync(() => Check(node, settings, "consensus") is null, "it leads by itself");
        Assert.Null(Check(node, settings, "loop"));
        using var goesOn = new ManualResetEventSlim();
        node.Service.Events.NewHead += _ => goesOn.Wait(TimeSpan.FromMinutes(5));
        var sent = SendAsync(node, 0);
        try
        {
            await Loopback.UntilAsync(() => Check(node, settings, "loop") is not null, "the loop is missed");
            Assert.StartsWith("busy with one batch for ", Check(node, settings, "loop"), StringComparison.Ordinal);
        }
        finally
        {
            goesOn.Set();
        }
        await sent;
        await Loopback.UntilAsync(() => Check(node, settings, "loop") is null, "the loop goes on");
    }

    private static string? Check(NodeComposition node, NodeSettings settings, string name) =>
        NodeReadiness.Checks(() => node, settings).Single(c => c.Name == name).Check();

    private Task SendAsync(NodeComposition node, ulong nonce) =>
        AskAsync(node, "eth_sendRawTransaction", Hex.ToHex(TestChain.Public(TestChain.Key(1), nonce).Encode()));

    private NodeSettings Prepare()
    {
        var ports = Loopback.FreePorts(2);
        _temp.Write("data/nodekey", Hex.ToHex(Key, prefix: false));
        var own = $"enode://{Hex.ToHex(Secp256k1.PublicKey(Key), prefix: false)}@127.0.0.1:{ports[0]}?discport=0&raftport={ports[1]}";
        _temp.Write($"data/{StaticNodes.FileName}", JsonSerializer.Serialize(new[] { own }));
        var settings = new NodeSettings
        {
            DataDirectory = _temp.File("data"),
            ListenAddress = "127.0.0.1",
            Port = ports[0],
            RaftPort = ports[1],
            IpcDisabled = true,
            Http = new RpcListener(true, "127.0.0.1", 0, "eth,raft"),
        };
        Assert.Equal(0, ChainFiles.Init(settings, _temp.Write("genesis.json", Encoding.UTF8.GetString(TestChain.Genesis))));
        return settings;
    }

    private async Task AskAsync(NodeComposition node, string method, string parameter)
    {
        using var content = new StringContent(
            JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = new[] { parameter } }), Encoding.UTF8,
            "application/json");
        using var answer = await _http.PostAsync(node.HttpAddress, content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.True(document.RootElement.TryGetProperty("result", out _), document.RootElement.ToString());
    }
}
