using System.Collections.Concurrent;
using QuorumMesh.Cli;
using static QuorumMesh.EndToEnd.Peers.NodeKind;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>Our nodes and GoQuorum's in one Raft cluster, as processes: blocks, membership, kills.</summary>
[Collection("network")]
public sealed class MixedClusterTests
{
    [GoQuorumTheory]
    [InlineData(Theirs, Theirs, Ours)]
    [InlineData(Ours, Ours, Theirs)]
    public async Task Whoever_leads_takes_every_members_transactions_and_all_have_the_same_states(NodeKind a, NodeKind b, NodeKind c)
    {
        await using var cluster = await MixedCluster.StartAsync(a, b, c);
        foreach (var kind in new[] { Ours, Theirs })
        {
            var leader = await cluster.LeaderAsync(kind);
            foreach (var node in cluster.Running.ToList()) await cluster.MinedAsync(await node.SendAsync());
            Assert.Same(leader, await cluster.LeaderAsync());
        }
        await cluster.AssertSameChainAsync();
    }

    /// <summary>Each kind is added to each kind's leader, by it and by the other kind's follower, as a peer and as a learner.</summary>
    [GoQuorumTheory]
    [InlineData(Ours, false)]
    [InlineData(Ours, true)]
    [InlineData(Theirs, false)]
    [InlineData(Theirs, true)]
    public async Task Members_are_added_promoted_and_removed_from_either_side(NodeKind leads, bool atFollower)
    {
        await using var cluster = await MixedCluster.StartAsync(Theirs, Theirs, Ours, Ours);
        ulong id = 4;
        foreach (var kind in new[] { Theirs, Ours })
        {
            var leader = await cluster.LeaderAsync(leads);
            var at = atFollower ? cluster.Running.First(n => n.Kind != leads) : leader;
            var peer = await cluster.JoinAsync(kind, at);
            Assert.Equal(++id, peer.RaftId);
            await cluster.MinedAsync(await peer.SendAsync());
            await Refused("already been added", () => at.CallAsync("raft_addPeer", peer.Enode));
            await LeaveAsync(cluster, peer, at);

            var learner = await cluster.JoinAsync(kind, at, asLearner: true);
            Assert.Equal(++id, learner.RaftId);
            Assert.Equal($"1 2 3 4 {id}(learner)", await OurViewAsync(cluster));
            await cluster.MinedAsync(await learner.SendAsync());
            await Refused("learner node can't add peer or learner", () => learner.CallAsync("raft_addPeer", learner.Enode));
            await Refused("is not a learner. only learner can be promoted to peer", () => at.CallAsync("raft_promoteToPeer", at.RaftId));
            Assert.True((bool)(await MixedCluster.ChangeAsync(at, "raft_promoteToPeer", learner.RaftId))!);
            await LocalNetwork.UntilAsync(async () => await OurViewAsync(cluster) == $"1 2 3 4 {id}", "the learner votes");
            await LeaveAsync(cluster, learner, at);
        }
        await cluster.AssertSameChainAsync();
        foreach (var node in cluster.Running.ToList()) Assert.Equal("1 2 3 4", await node.MembersAsync());
    }

    /// <summary>The log is cut before they come: blocks before the snapshot are fetched from members of either kind.</summary>
    [GoQuorumTheory]
    [InlineData(Ours)]
    [InlineData(Theirs)]
    public async Task Members_join_after_the_log_was_cut(NodeKind leads)
    {
        const int blocks = 1_600; // ours cut their log after 1,000 entries, theirs after 250
        await using var cluster = await MixedCluster.StartAsync(Theirs, Theirs, Ours);
        var leader = await cluster.LeaderAsync(leads);
        while (await leader.HeadAsync() < blocks) await leader.SendAsync();

        foreach (var kind in new[] { Theirs, Ours })
        {
            var node = await cluster.JoinAsync(kind, leader);
            node.Kill();
            await cluster.RestartAsync(node);
            await cluster.MinedAsync(await node.SendAsync());
        }
        await cluster.AssertSameChainAsync();
    }

    [GoQuorumTheory]
    [InlineData(Theirs, Theirs, Ours)]
    [InlineData(Ours, Ours, Theirs)]
    public async Task Members_that_are_killed_under_load_come_back_and_nothing_that_a_living_member_took_is_lost(NodeKind a,
        NodeKind b, NodeKind c)
    {
        await using var cluster = await MixedCluster.StartAsync(a, b, c);
        foreach (var kind in new[] { Ours, Theirs })
        {
            var leader = await cluster.LeaderAsync(kind);
            await KillUnderLoadAsync(cluster, leader);
            leader = await cluster.LeaderAsync(kind);
            await KillUnderLoadAsync(cluster, cluster.Running.First(n => n != leader));
        }
        await cluster.AssertSameChainAsync();
    }

    /// <summary>Ours campaigns sooner than GoQuorum does, and must not keep it from leading where it alone can.</summary>
    [GoQuorumFact]
    public async Task Of_two_members_the_one_with_the_longer_log_leads()
    {
        await using var cluster = await MixedCluster.StartAsync(Theirs, Theirs, Ours);
        var leader = await cluster.LeaderAsync(Theirs);
        var ours = cluster.Running.Single(n => n.Kind == Ours);
        ours.Kill();
        var hash = await leader.SendAsync();
        await cluster.MinedAsync(hash);
        leader.Kill();
        ours.Launch(cluster.First, joins: false);
        await ours.ReadyAsync();

        await cluster.MinedAsync(await ours.SendAsync());
        await cluster.MinedAsync(hash);
        await cluster.RestartAsync(leader);
        await cluster.AssertSameChainAsync();
    }

    [GoQuorumFact]
    public async Task A_member_that_was_down_when_it_was_removed_takes_no_part_and_comes_back_under_a_new_id()
    {
        await using var cluster = await MixedCluster.StartAsync(Theirs, Theirs, Ours);
        var leader = await cluster.LeaderAsync(Theirs);
        var ours = cluster.Running.Single(n => n.Kind == Ours);
        ours.Kill();
        await cluster.RemoveAsync(ours, leader);
        ours.Launch(cluster.First, joins: false);
        await ours.ReadyAsync();
        await LocalNetwork.UntilAsync(async () => await ours.MembersAsync() == "", "it knows that it was removed");
        await Refused("node not part of raft cluster. operations not allowed", () => ours.CallAsync("raft_removePeer", leader.RaftId));
        ours.Kill();

        ours.Empty();
        ours.RaftId = (ulong)(await MixedCluster.ChangeAsync(leader, "raft_addPeer", ours.Enode))!;
        Assert.Equal(4UL, ours.RaftId);
        ours.Launch(cluster.First, joins: true);
        await ours.ReadyAsync();
        await cluster.MinedAsync(await ours.SendAsync());
        await cluster.AssertSameChainAsync();
    }

    [GoQuorumFact]
    public async Task A_lost_raft_log_is_refused()
    {
        await using var cluster = await MixedCluster.StartAsync(Theirs, Theirs, Ours);
        await cluster.MinedAsync(await cluster.Running.First().SendAsync());
        var ours = cluster.Running.Single(n => n.Kind == Ours);
        ours.Kill();
        Directory.Delete(Path.Combine(ours.Directory, "raftlog"), recursive: true);
        ours.Launch(cluster.First, joins: false);
        ours.WaitForExit();
        Assert.Equal(1, ours.ExitCode);
        Assert.Contains("what this member promised to the others is lost", ours.LastOutput(), StringComparison.Ordinal);
        Assert.Contains($"raft_removePeer {ours.RaftId}", ours.LastOutput(), StringComparison.Ordinal);
    }

    private static async Task LeaveAsync(MixedCluster cluster, MixedNode node, MixedNode at)
    {
        await cluster.RemoveAsync(node, at);
        await LocalNetwork.UntilAsync(async () => await node.MembersAsync() == "", $"{node} knows that it was removed");
        Assert.True(node.IsRunning);
        Assert.Equal("", (string)(await node.CallAsync("raft_role"))!);
        await Refused("node not part of raft cluster. operations not allowed", () => node.CallAsync("raft_addPeer", node.Enode));
        Assert.Null(await at.CallAsync("raft_removePeer", node.RaftId)); // again: no error
        node.Kill();
    }

    private static async Task<string> OurViewAsync(MixedCluster cluster) => await cluster.Running.First(n => n.Kind == Ours).MembersAsync();

    private static async Task Refused(string why, Func<Task> call) =>
        Assert.Contains(why, (await Assert.ThrowsAsync<CommandException>(call)).Message, StringComparison.Ordinal);

    /// <summary>
    /// All that the others took while and after one was killed is mined; what it took itself, it may not have told to anybody.
    /// </summary>
    private static async Task KillUnderLoadAsync(MixedCluster cluster, MixedNode victim)
    {
        var taken = new ConcurrentBag<string>();
        using var stop = new CancellationTokenSource();
        var load = cluster.Running.Where(n => n != victim).Select(n => Task.Run(() => SendUntilAsync(n, taken, stop.Token))).ToList();
        await LocalNetwork.UntilAsync(() => Task.FromResult(taken.Count > 20), "transactions flow");
        victim.Kill();
        var leader = await cluster.LeaderAsync(not: victim);
        var head = await leader.HeadAsync();
        await LocalNetwork.UntilAsync(async () => await leader.HeadAsync() > head + 10, "blocks go on");
        await cluster.RestartAsync(victim);
        await stop.CancelAsync();
        await Task.WhenAll(load);
        foreach (var hash in taken) await cluster.MinedAsync(hash);
    }

    private static async Task SendUntilAsync(MixedNode node, ConcurrentBag<string> taken, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            taken.Add(await node.SendAsync());
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
