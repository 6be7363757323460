using System.Text.Json.Nodes;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>A Raft cluster of our nodes and GoQuorum's, in a directory of its own; ends with every process gone.</summary>
internal sealed class MixedCluster : IAsyncDisposable
{
    public const ulong ChainId = 10;

    private const int MostMembers = 12;
    private const int PortsEach = 10;

    private readonly List<MixedNode> _nodes = [];
    private readonly int _firstPort = DemoCommand.FreePorts(MostMembers);

    private MixedCluster()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("qmesh-mixed-").FullName;
        Genesis = Path.Combine(Directory, "genesis.json");
        var (fork, profile) = GoQuorum.EndsWithConstantinople ? ("constantinople", "2.5") : ("istanbul", "21");
        File.WriteAllText(Genesis,
            GenesisTemplate.Create(new NetworkRequest(Directory, 1, "raft", fork, ChainId, profile, PortOffset: 0), ChainId, [], []));
    }

    public string Directory { get; }
    public string Genesis { get; }

    /// <summary>The enode URLs of the first members, in the order of their ids.</summary>
    public List<string> First { get; } = [];

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(10) };
    public IEnumerable<MixedNode> Running => _nodes.Where(n => n.IsRunning);

    public static async Task<MixedCluster> StartAsync(params NodeKind[] kinds)
    {
        LocalNetwork.UseArtifacts();
        var cluster = new MixedCluster();
        try
        {
            foreach (var kind in kinds) cluster.First.Add(cluster.Add(kind).Enode);
            foreach (var node in cluster._nodes) node.Launch(cluster.First, joins: false);
            foreach (var node in cluster._nodes) await node.ReadyAsync();
            await cluster.LeaderAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for a leader that a majority can reach.</summary>
    public async Task<MixedNode> LeaderAsync(MixedNode? not = null)
    {
        MixedNode? leader = null;
        await LocalNetwork.UntilAsync(async () =>
        {
            foreach (var node in Running.Where(n => n != not))
                if (await node.LeadsAsync()) leader = node;
            return leader is not null;
        }, "a member leads");
        return leader!;
    }

    /// <summary>Ends leaders until one of the kind leads.</summary>
    public async Task<MixedNode> LeaderAsync(NodeKind kind)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            var leader = await LeaderAsync();
            if (leader.Kind == kind) return leader;
            leader.Kill();
            await LeaderAsync(not: leader);
            await RestartAsync(leader);
        }
        throw new InvalidOperationException($"no member of kind {kind} came to lead");
    }

    public async Task RestartAsync(MixedNode node)
    {
        node.Launch(MembersFor(node), joins: !First.Contains(node.Enode));
        await node.ReadyAsync();
        await CaughtUpAsync(node);
    }

    /// <summary>A GoQuorum that leads drops a change without a word while it still applies another one (etcd raft,
    /// pendingConfIndex). Ours then says,
    /// after a while, that it is not committed; it may be asked again.</summary>
    public static async Task<JsonNode?> ChangeAsync(MixedNode at, string method, JsonNode what)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await at.CallAsync(method, what.DeepClone());
            }
            catch (CommandException e) when (tries < 5 && e.Message.Contains("to ask again is safe", StringComparison.Ordinal))
            {
                // Once more.
            }
        }
    }

    /// <summary>A new member, added by a member that runs; gives it once it has every block.</summary>
    public async Task<MixedNode> JoinAsync(NodeKind kind, MixedNode at, bool asLearner = false)
    {
        var node = Add(kind);
        node.RaftId = (ulong)(await ChangeAsync(at, asLearner ? "raft_addLearner" : "raft_addPeer", node.Enode))!;
        await RestartAsync(node);
        return node;
    }

    public async Task RemoveAsync(MixedNode node, MixedNode at)
    {
        Assert.Null(await ChangeAsync(at, "raft_removePeer", node.RaftId));
        await LeaderAsync(not: node);
        foreach (var other in Running.Where(n => n != node && n.Kind == NodeKind.Ours))
            await LocalNetwork.UntilAsync(async () => !(await other.MembersAsync()).Split(' ').Contains($"{node.RaftId}"),
                $"{node} is gone at {other}");
    }

    /// <summary>Every member has the transaction; gives its block.</summary>
    public async Task<ulong> MinedAsync(string hash, MixedNode? but = null)
    {
        ulong block = 0;
        foreach (var node in Running.Where(n => n != but).ToList())
            await LocalNetwork.UntilAsync(async () =>
            {
                if (await node.CallAsync("eth_getTransactionReceipt", hash) is not { } receipt) return false;
                block = Convert.ToUInt64((string)receipt["blockNumber"]!, 16);
                return true;
            }, $"{node} has {hash}");
        return block;
    }

    /// <summary>Hash, state root and receipts root of each block are the same at all members that run.</summary>
    public async Task AssertSameChainAsync(MixedNode? but = null)
    {
        var nodes = Running.Where(n => n != but).ToList();
        ulong head = 0;
        foreach (var node in nodes) head = Math.Max(head, await node.HeadAsync());
        foreach (var node in nodes) await CaughtUpAsync(node, head);
        for (ulong number = 0; number <= head; number++)
        {
            var seen = new HashSet<(string, string, string)>();
            foreach (var node in nodes)
            {
                var block = (await node.CallAsync("eth_getBlockByNumber", $"0x{number:x}", false))!;
                seen.Add(((string)block["hash"]!, (string)block["stateRoot"]!, (string)block["receiptsRoot"]!));
            }
            Assert.Single(seen);
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) node.Dispose();
        Http.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task CaughtUpAsync(MixedNode node)
    {
        ulong head = 0;
        foreach (var other in Running.Where(n => n != node)) head = Math.Max(head, await other.HeadAsync());
        await CaughtUpAsync(node, head);
    }

    private static Task CaughtUpAsync(MixedNode node, ulong head) =>
        LocalNetwork.UntilAsync(async () => await node.HeadAsync() >= head,
            () => $"{node} has block {head}; its last output: {node.LastOutput()}");

    private IEnumerable<string> MembersFor(MixedNode node) =>
        First.Contains(node.Enode) ? First : [.. First, node.Enode];

    private MixedNode Add(NodeKind kind)
    {
        var node = new MixedNode(this, kind, (ulong)_nodes.Count + 1, _firstPort + PortsEach * _nodes.Count);
        _nodes.Add(node);
        return node;
    }
}
