using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>The whole node after the others have removed it: it stays up, serves what it has, and says what it is no more.</summary>
[Collection(EnvironmentCollection.Name)]
public sealed class RemovedNodeTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Refused_by_the_others_it_stays_up_as_a_non_member_also_after_a_restart()
    {
        var settings = Prepare(out var memberPorts);
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using (var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default))
        {
            // One of the others alone is not believed.
            await using var second = await RefusingMemberAsync(memberPorts[0]);
            await Loopback.UntilAsync(() => second.Refusals > 3, "the first one has refused it");
            Assert.False(node.Node.Raft!.View.HasLeft);
            await using var third = await RefusingMemberAsync(memberPorts[1]);
            await Loopback.UntilAsync(() => node.Node.Raft!.View.HasLeft, "it has left");
            await CheckAsync(node, settings);
            Assert.False(node.Ended.IsCompleted);
        }
        await using var again = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        await CheckAsync(again, settings);
    }

    private async Task CheckAsync(NodeComposition node, NodeSettings settings)
    {
        Assert.Equal("", (await AskAsync(node, "raft_role")).GetProperty("result").GetString());
        Assert.Equal(0, (await AskAsync(node, "raft_cluster")).GetProperty("result").GetArrayLength());
        Assert.Equal("no leader is currently elected", Message(await AskAsync(node, "raft_leader")));
        Assert.Equal("0x0", (await AskAsync(node, "eth_blockNumber")).GetProperty("result").GetString());
        var transaction = Hex.ToHex(TestChain.Public(TestChain.Key(1), 0).Encode());
        Assert.Equal(RaftMembers.LeftExplanation, Message(await AskAsync(node, "eth_sendRawTransaction", transaction)));
        Assert.Equal(RaftMembers.LeftExplanation, NodeReadiness.Checks(() => node, settings).Single(c => c.Name == "consensus").Check());
    }

    private NodeSettings Prepare(out int[] memberPorts)
    {
        var ports = Loopback.FreePorts(4);
        memberPorts = ports[2..];
        var keys = Enumerable.Range(0, 3).Select(i => Keccak.Hash([(byte)i, 88]).ToArray()).ToList();
        var raftPorts = new[] { ports[1], ports[2], ports[3] };
        _temp.Write("data/nodekey", Hex.ToHex(keys[0], prefix: false));
        _temp.Write($"data/{StaticNodes.FileName}", JsonSerializer.Serialize(keys.Select((key, i) =>
            $"enode://{Hex.ToHex(Secp256k1.PublicKey(key), prefix: false)}@127.0.0.1:{(i == 0 ? ports[0] : 1)}?discport=0&raftport="
                + $"{raftPorts[i]}")));
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

    private static async Task<RefusingMember> RefusingMemberAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        var member = new RefusingMember(builder.Build());
        await member.StartAsync();
        return member;
    }

    private static string? Message(JsonElement answer) => answer.GetProperty("error").GetProperty("message").GetString();

    private async Task<JsonElement> AskAsync(NodeComposition node, string method, params string[] parameters)
    {
        using var content = new StringContent(JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = parameters }),
            Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(node.HttpAddress, content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    /// <summary>A member's Raft port, as etcd's transport answers a member that was removed.</summary>
    private sealed class RefusingMember : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private int _refusals;

        public RefusingMember(WebApplication app)
        {
            _app = app;
            _app.Run(context =>
            {
                Interlocked.Increment(ref _refusals);
                context.Response.StatusCode = HttpMethods.IsGet(context.Request.Method) ? StatusCodes.Status410Gone
                    : StatusCodes.Status403Forbidden;
                return Task.CompletedTask;
            });
        }

        public int Refusals => Volatile.Read(ref _refusals);

        public Task StartAsync() => _app.StartAsync();

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
