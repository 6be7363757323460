using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>
/// Our validators and GoQuorum's on one IBFT chain, as processes in a directory of their own; ends with every process gone.
/// </summary>
internal sealed class MixedIbftNetwork : IAsyncDisposable
{
    private const int PortsEach = 10;
    private const int MostNodes = 6;
    private const int Validators = 4;

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-mixed-ibft-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly int _firstPort = DemoCommand.FreePorts(MostNodes + Validators);
    private readonly List<MixedValidator> _nodes = [];
    private readonly MixedManagers? _managers;

    /// <param name="managers">Whether each of four validators has a transaction manager of ours.</param>
    public MixedIbftNetwork(bool managers = false) =>
        _managers = managers ? new MixedManagers(Path.Combine(_directory, "m"), Validators, _firstPort + (PortsEach * MostNodes)) : null;

    public string Genesis => Path.Combine(_directory, "genesis.json");
    public IReadOnlyList<MixedValidator> Nodes => _nodes;
    public IEnumerable<MixedValidator> Running => _nodes.Where(n => n.IsRunning);

    /// <summary>Ends every process.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) node.Dispose();
        if (_managers is not null) await _managers.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Starts validators from one genesis, each with the others as its static nodes.</summary>
    public Task StartAsync(params NodeKind[] kinds) => StartAsync(discovers: false, kinds);

    /// <param name="discovers">Each knows the first one alone, by discovery.</param>
    public async Task StartAsync(bool discovers, params NodeKind[] kinds)
    {
        LocalNetwork.UseArtifacts();
        if (_managers is not null) await _managers.StartAsync();
        foreach (var kind in kinds) Add(kind);
        var (fork, profile) = GoQuorum.EndsWithConstantinople ? ("constantinople", "2.5") : ("istanbul", "2.6");
        File.WriteAllText(Genesis, GenesisTemplate.Create(
            new NetworkRequest(_directory, kinds.Length, NetworkRequest.Ibft, fork, MixedCluster.ChainId, profile, PortOffset: 0),
            MixedCluster.ChainId, [], [.. _nodes.Select(n => n.Address)]));
        if (discovers)
            foreach (var node in _nodes) node.Bootnode = node == _nodes[0] ? "" : _nodes[0].DiscoveryEnode;
        foreach (var node in _nodes) node.Launch(Genesis, discovers ? [] : _nodes.Select(n => n.Enode));
        foreach (var node in _nodes) await node.ReadyAsync();
        await BlocksAsync(2);
    }

    /// <summary>A node that is no validator, yet.</summary>
    public MixedValidator Add(NodeKind kind)
    {
        var node = new MixedValidator(_http, _directory, kind, _firstPort + (PortsEach * _nodes.Count),
            _managers?.Participants.ElementAtOrDefault(_nodes.Count));
        _nodes.Add(node);
        return node;
    }

    public async Task RestartAsync(MixedValidator node)
    {
        node.Launch(Genesis, _nodes.Select(n => n.Enode));
        await node.ReadyAsync();
    }

    /// <summary>Ends the manager of a node.</summary>
    public Task StopManagerAsync(MixedValidator node) => _managers!.StopAsync(_managers.Participants[_nodes.IndexOf(node)]);

    /// <summary>Starts it again.</summary>
    public Task StartManagerAsync(MixedValidator node) => _managers!.StartAsync(_managers.Participants[_nodes.IndexOf(node)]);

    /// <summary>The highest block of those that run.</summary>
    public async Task<ulong> HighestAsync()
    {
        ulong head = 0;
        foreach (var node in Running.ToList()) head = Math.Max(head, await node.HeadAsync());
        return head;
    }

    /// <summary>So many more blocks at each that runs.</summary>
    public async Task BlocksAsync(int count)
    {
        var head = await HighestAsync();
        foreach (var node in Running.ToList()) await CaughtUpAsync(node, head + (ulong)count);
    }

    /// <summary>Waits until the node has what others have now.</summary>
    public async Task CaughtUpAsync(MixedValidator node)
    {
        await CaughtUpAsync(node, await HighestAsync());
    }

    private static Task CaughtUpAsync(MixedValidator node, ulong head) => LocalNetwork.UntilAsync(
        async () => await node.HeadAsync() >= head, () => $"{node} has block {head}; its last output: {node.LastOutput()}");

    public async Task ValidatorsAsync(int count)
    {
        foreach (var node in _nodes.Take(Validators).ToList())
            await LocalNetwork.UntilAsync(async () => (await node.CallAsync("istanbul_getValidators"))!.AsArray().Count == count,
                $"{node} counts {count} validators");
    }

    public async Task MinedAsync(string hash)
    {
        foreach (var node in Running.ToList())
            await LocalNetwork.UntilAsync(async () => await node.CallAsync("eth_getTransactionReceipt", hash) is not null,
                () => $"{node} has {hash}; its last output: {node.LastOutput()}");
    }

    public async Task AssertSameChainAsync()
    {
        var head = await Running.First().HeadAsync();
        foreach (var node in Running.ToList()) await CaughtUpAsync(node, head);
        for (ulong number = 0; number <= head; number++)
        {
            var seen = new HashSet<(string, string, string)>();
            foreach (var node in Running.ToList())
            {
                var block = (await node.CallAsync("eth_getBlockByNumber", $"0x{number:x}", false))!;
                seen.Add(((string)block["hash"]!, (string)block["stateRoot"]!, (string)block["receiptsRoot"]!));
            }
            Assert.Single(seen);
        }
    }
}
