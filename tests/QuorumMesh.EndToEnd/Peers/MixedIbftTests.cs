using System.Collections.Concurrent;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using static QuorumMesh.EndToEnd.Peers.NodeKind;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>Our validators and GoQuorum's on one IBFT chain, as processes: turns, transactions, sync, votes, kills.</summary>
[Collection("network")]
public sealed class MixedIbftTests : IDisposable
{
    private const int PortsEach = 10;
    private const int MostNodes = 6;

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-mixed-ibft-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly int _firstPort = DemoCommand.FreePorts(MostNodes);
    private readonly List<MixedValidator> _nodes = [];

    private string Genesis => Path.Combine(_directory, "genesis.json");
    private IEnumerable<MixedValidator> Running => _nodes.Where(n => n.IsRunning);

    [GoQuorumFact]
    public async Task Each_proposes_each_ones_transactions_land_and_each_syncs_from_block_0()
    {
        await StartAsync(Ours, Ours, Theirs, Theirs);
        var hashes = new List<string>();
        foreach (var node in _nodes.ToList()) hashes.Add(await node.SendAsync());
        foreach (var hash in hashes) await MinedAsync(hash);
        await BlocksAsync(2 * _nodes.Count);
        var head = await _nodes[0].HeadAsync();
        var makers = new HashSet<string>();
        for (var number = head - (ulong)_nodes.Count + 1; number <= head; number++)
            makers.Add((string)(await _nodes[2].CallAsync("istanbul_getSignersFromBlock", $"0x{number:x}"))!["Author"]!);
        Assert.Equal(_nodes.Count, makers.Count);

        foreach (var kind in new[] { Ours, Theirs })
        {
            var newcomer = Add(kind);
            newcomer.Launch(Genesis, _nodes.Select(n => n.Enode));
            await newcomer.ReadyAsync();
            await CaughtUpAsync(newcomer);
        }
        await AssertSameChainAsync();
    }

    [GoQuorumFact]
    public async Task A_validator_of_either_kind_is_voted_in_and_out_by_both()
    {
        await StartAsync(Ours, Ours, Theirs, Theirs);
        foreach (var kind in new[] { Ours, Theirs })
        {
            var newcomer = Add(kind);
            newcomer.Launch(Genesis, _nodes.Select(n => n.Enode));
            await newcomer.ReadyAsync();
            var voters = _nodes.Take(4).ToList();
            foreach (var voter in voters) await voter.CallAsync("istanbul_propose", newcomer.Address.ToString(), true);
            await ValidatorsAsync(5);
            await LocalNetwork.UntilAsync(async () =>
                (string)(await _nodes[0].CallAsync("istanbul_getSignersFromBlock"))!["Author"]! == newcomer.Address.ToString(),
                $"{newcomer} makes a block; its last output: {newcomer.LastOutput()}");
            await MinedAsync(await newcomer.SendAsync());
            foreach (var voter in voters)
            {
                await voter.CallAsync("istanbul_discard", newcomer.Address.ToString());
                await voter.CallAsync("istanbul_propose", newcomer.Address.ToString(), false);
            }
            await ValidatorsAsync(4);
            foreach (var voter in voters) await voter.CallAsync("istanbul_discard", newcomer.Address.ToString());
            await MinedAsync(await newcomer.SendAsync());
            newcomer.Kill();
        }
        await AssertSameChainAsync();
    }

    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task One_of_four_dies_under_load_all_are_restarted_and_blocks_go_on(NodeKind victims)
    {
        await StartAsync(Ours, Ours, Theirs, Theirs);
        var victim = _nodes.First(n => n.Kind == victims);
        var taken = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var load = _nodes.Where(n => n != victim).Select(n => Task.Run(() => SendUntilAsync(n, taken, stop.Token))).ToList();
        await LocalNetwork.UntilAsync(() => Task.FromResult(taken.Count > 20), "transactions flow");
        victim.Kill();
        await BlocksAsync(6);
        await RestartAsync(victim);
        await CaughtUpAsync(victim);
        await stop.CancelAsync();
        await Task.WhenAll(load);
        foreach (var hash in taken) await MinedAsync(hash);

        foreach (var node in _nodes) node.Kill();
        foreach (var node in _nodes) await RestartAsync(node);
        await BlocksAsync(4);
        await AssertSameChainAsync();
    }

    public void Dispose()
    {
        foreach (var node in _nodes) node.Dispose();
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task StartAsync(params NodeKind[] kinds)
    {
        LocalNetwork.UseArtifacts();
        foreach (var kind in kinds) Add(kind);
        var (fork, profile) = GoQuorum.EndsWithConstantinople ? ("constantinople", "2.5") : ("istanbul", "2.6");
        File.WriteAllText(Genesis, GenesisTemplate.Create(
            new NetworkRequest(_directory, kinds.Length, NetworkRequest.Ibft, fork, MixedCluster.ChainId, profile, PortOffset: 0),
            MixedCluster.ChainId, [], [.. _nodes.Select(n => n.Address)]));
        foreach (var node in _nodes) node.Launch(Genesis, _nodes.Select(n => n.Enode));
        foreach (var node in _nodes) await node.ReadyAsync();
        await BlocksAsync(2);
    }

    private MixedValidator Add(NodeKind kind)
    {
        var node = new MixedValidator(_http, _directory, kind, _firstPort + (PortsEach * _nodes.Count));
        _nodes.Add(node);
        return node;
    }

    private async Task RestartAsync(MixedValidator node)
    {
        node.Launch(Genesis, _nodes.Select(n => n.Enode));
        await node.ReadyAsync();
    }

    /// <summary>So many more blocks at each that runs.</summary>
    private async Task BlocksAsync(int count)
    {
        ulong head = 0;
        foreach (var node in Running) head = Math.Max(head, await node.HeadAsync());
        foreach (var node in Running.ToList()) await CaughtUpAsync(node, head + (ulong)count);
    }

    private async Task CaughtUpAsync(MixedValidator node)
    {
        ulong head = 0;
        foreach (var other in Running.Where(n => n != node)) head = Math.Max(head, await other.HeadAsync());
        await CaughtUpAsync(node, head);
    }

    private static Task CaughtUpAsync(MixedValidator node, ulong head) => LocalNetwork.UntilAsync(
        async () => await node.HeadAsync() >= head, () => $"{node} has block {head}; its last output: {node.LastOutput()}");

    private async Task ValidatorsAsync(int count)
    {
        foreach (var node in _nodes.Take(4).ToList())
            await LocalNetwork.UntilAsync(async () => (await node.CallAsync("istanbul_getValidators"))!.AsArray().Count == count,
                $"{node} counts {count} validators");
    }

    private async Task MinedAsync(string hash)
    {
        foreach (var node in Running.ToList())
            await LocalNetwork.UntilAsync(async () => await node.CallAsync("eth_getTransactionReceipt", hash) is not null,
                () => $"{node} has {hash}; its last output: {node.LastOutput()}");
    }

    private async Task AssertSameChainAsync()
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

    private static async Task SendUntilAsync(MixedValidator node, ConcurrentBag<string> taken, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                taken.Add(await node.SendAsync());
            }
            catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException)
            {
                // Not taken: nothing is owed.
            }
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
