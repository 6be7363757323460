using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Cli;
using Xunit.Abstractions;
using static QuorumMesh.EndToEnd.Peers.NodeKind;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>Our validators and GoQuorum's on one IBFT chain, as processes: turns, transactions, sync, votes, kills.</summary>
[Collection("network")]
public sealed class MixedIbftTests(ITestOutputHelper output)
{
    [GoQuorumFact]
    public async Task Each_proposes_each_ones_transactions_land_and_each_syncs_from_block_0()
    {
        await using var network = new MixedIbftNetwork();
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        var hashes = new List<string>();
        foreach (var node in network.Nodes) hashes.Add(await node.SendAsync());
        foreach (var hash in hashes) await network.MinedAsync(hash);
        await network.BlocksAsync(2 * network.Nodes.Count);
        var head = await network.Nodes[0].HeadAsync();
        var makers = new HashSet<string>();
        for (var number = head - (ulong)network.Nodes.Count + 1; number <= head; number++)
            makers.Add((string)(await network.Nodes[2].CallAsync("istanbul_getSignersFromBlock", $"0x{number:x}"))!["Author"]!);
        Assert.Equal(network.Nodes.Count, makers.Count);

        foreach (var kind in new[] { Ours, Theirs })
        {
            var newcomer = network.Add(kind);
            newcomer.Launch(network.Genesis, network.Nodes.Select(n => n.Enode));
            await newcomer.ReadyAsync();
            await network.CaughtUpAsync(newcomer);
        }
        await network.AssertSameChainAsync();
    }

    [GoQuorumFact]
    public async Task A_validator_of_either_kind_is_voted_in_and_out_by_both()
    {
        await using var network = new MixedIbftNetwork();
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        foreach (var kind in new[] { Ours, Theirs })
        {
            var newcomer = network.Add(kind);
            newcomer.Launch(network.Genesis, network.Nodes.Select(n => n.Enode));
            await newcomer.ReadyAsync();
            var voters = network.Nodes.Take(4).ToList();
            foreach (var voter in voters) await voter.CallAsync("istanbul_propose", newcomer.Address.ToString(), true);
            await network.ValidatorsAsync(5);
            await LocalNetwork.UntilAsync(async () =>
                (string)(await network.Nodes[0].CallAsync("istanbul_getSignersFromBlock"))!["Author"]! == newcomer.Address.ToString(),
                $"{newcomer} makes a block; its last output: {newcomer.LastOutput()}");
            await network.MinedAsync(await newcomer.SendAsync());
            foreach (var voter in voters)
            {
                await voter.CallAsync("istanbul_discard", newcomer.Address.ToString());
                await voter.CallAsync("istanbul_propose", newcomer.Address.ToString(), false);
            }
            await network.ValidatorsAsync(4);
            foreach (var voter in voters) await voter.CallAsync("istanbul_discard", newcomer.Address.ToString());
            await network.MinedAsync(await newcomer.SendAsync());
            newcomer.Kill();
        }
        await network.AssertSameChainAsync();
    }

    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task One_of_four_dies_under_load_all_are_restarted_and_blocks_go_on(NodeKind victims)
    {
        await using var network = new MixedIbftNetwork();
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        var victim = network.Nodes.First(n => n.Kind == victims);
        var taken = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var load = network.Nodes.Where(n => n != victim).Select(n => Task.Run(() => SendUntilAsync(n, taken, stop.Token))).ToList();
        await LocalNetwork.UntilAsync(() => Task.FromResult(taken.Count > 20), "transactions flow");
        victim.Kill();
        await network.BlocksAsync(6);
        await network.RestartAsync(victim);
        await network.CaughtUpAsync(victim);
        await stop.CancelAsync();
        await Task.WhenAll(load);
        foreach (var hash in taken) await network.MinedAsync(hash);

        foreach (var node in network.Nodes) node.Kill();
        foreach (var node in network.Nodes) await network.RestartAsync(node);
        await network.BlocksAsync(4);
        await network.AssertSameChainAsync();
    }

    /// <summary>Discovery v4, with a bootnode of either kind.</summary>
    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task Validators_that_know_a_bootnode_alone_find_each_other_and_make_blocks(NodeKind bootnode)
    {
        await using var network = new MixedIbftNetwork();
        var other = bootnode == Ours ? Theirs : Ours;
        await network.StartAsync(discovers: true, bootnode, other, other, bootnode);
        foreach (var node in network.Nodes)
            await LocalNetwork.UntilAsync(async () => (await node.CallAsync("admin_peers"))!.AsArray().Count == 3,
                () => $"{node} has three peers; its last output: {node.LastOutput()}");
        foreach (var node in network.Nodes) await network.MinedAsync(await node.SendAsync());
        await network.AssertSameChainAsync();
    }

    /// <summary>How often is said by QUORUMMESH_RESTARTS; what was seen is printed.</summary>
    [GoQuorumFact]
    public async Task All_are_killed_and_restarted_under_load_and_blocks_go_on_at_once()
    {
        await using var network = new MixedIbftNetwork();
        await network.StartAsync(Ours, Ours, Theirs, Theirs);
        var taken = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var load = network.Nodes.Select(n => Task.Run(() => SendUntilAsync(n, taken, stop.Token))).ToList();
        var times = int.Parse(Environment.GetEnvironmentVariable("QUORUMMESH_RESTARTS") ?? "3", CultureInfo.InvariantCulture);
        for (; times > 0; times--)
        {
            var before = taken.Count;
            await LocalNetwork.UntilAsync(() => Task.FromResult(taken.Count > before + 50), "transactions flow");
            var head = await network.Nodes[0].HeadAsync();
            foreach (var node in network.Nodes) node.Kill();
            var clock = Stopwatch.StartNew();
            foreach (var node in network.Nodes) node.Launch(network.Genesis, network.Nodes.Select(n => n.Enode));
            foreach (var node in network.Nodes) await node.ReadyAsync();
            var answering = clock.Elapsed;
            head = Math.Max(head, await network.HighestAsync());
            await LocalNetwork.UntilAsync(async () => await network.HighestAsync() > head, "a new block");
            output.WriteLine($"all answer after {answering.TotalSeconds:F1} s, first block after {clock.Elapsed.TotalSeconds:F1} s");
        }
        await stop.CancelAsync();
        await Task.WhenAll(load);
        await network.BlocksAsync(4);
        await network.AssertSameChainAsync();
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
