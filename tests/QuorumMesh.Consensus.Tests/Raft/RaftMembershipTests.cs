using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>Section 6 (membership), section 7 (snapshots), and what etcd adds: learners, transfer, flow control, PreVote.</summary>
public class RaftMembershipTests
{
    private static RaftConfChange Change(RaftConfChangeType type, ulong id) => new(0, type, id, []);

    private static void Apply(RaftNetwork network, RaftConfChangeType type, ulong id)
    {
        Assert.True(network.Leader.Core.ProposeConfChange(Change(type, id)));
        network.Settle();
        network.Tick();
    }

    [Fact]
    public void Section_6_The_first_members_are_the_first_entries_as_etcd_writes_them()
    {
        var network = new RaftNetwork(3);
        var entries = network[2].Log.Entries(1, 4, ulong.MaxValue);
        Assert.All(entries, e => Assert.Equal((1UL, RaftEntryType.ConfChange), (e.Term, e.Type)));
        Assert.Equal([1UL, 2, 3], entries.Select(e => RaftWire.DecodeConfChange(e.Data).NodeId));
        Assert.Equal(new RaftHardState(1, 0, 3), network[2].Log.HardState);
        Assert.Equal([1UL, 2, 3], network[2].ConfState.Voters);
    }

    [Fact]
    public void Section_6_A_member_joins_as_learner_catches_up_and_is_promoted()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        for (byte i = 0; i < 10; i++) network.Propose(1, i);
        network.Add(4);
        Apply(network, RaftConfChangeType.AddLearnerNode, 4);
        network.Tick(3);
        Assert.Equal(network[1].Values, network[4].Values);
        Assert.True(network[4].Core.IsLearner);
        // Two voters of three are needed: a learner does not count.
        network.Isolate(2, 3);
        network.Propose(1, 99);
        Assert.DoesNotContain((byte)99, network[1].Values);
        network.Heal();
        network.Tick(3);
        Apply(network, RaftConfChangeType.AddNode, 4);
        Assert.False(network[4].Core.IsLearner);
        Assert.Equal([1UL, 2, 3, 4], network[1].ConfState.Voters);
    }

    [Fact]
    public void Section_6_A_learner_neither_votes_nor_campaigns()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Add(4);
        Apply(network, RaftConfChangeType.AddLearnerNode, 4);
        network.Tick(3);
        network.Filter = _ => false;
        network[4].Core.Step(new RaftMessage { Type = RaftMessageType.Vote, From = 2, To = 4, Term = 99, Index = 99, LogTerm = 98 });
        Assert.Empty(network[4].Drain());
        network.Tick(40);
        Assert.Equal(RaftRole.Follower, network[4].Core.Role);
    }

    [Fact]
    public void Section_6_A_second_change_waits_for_the_first_to_be_applied()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(2, 3);
        Assert.True(network[1].Core.ProposeConfChange(Change(RaftConfChangeType.AddNode, 4)));
        Assert.False(network[1].Core.ProposeConfChange(Change(RaftConfChangeType.AddNode, 5)));
        // One that a follower sends on becomes an empty entry, as in etcd.
        network[1].Core.Step(new RaftMessage
        {
            Type = RaftMessageType.Prop,
            From = 2,
            To = 1,
            Entries = [new RaftEntry(0, 0, RaftEntryType.ConfChange, RaftWire.Encode(Change(RaftConfChangeType.AddNode, 5)))],
        });
        network.Settle();
        network.Heal();
        network.Tick(3);
        Assert.Equal([1UL, 2, 3, 4], network[1].ConfState.Voters);
        Assert.True(network[1].Core.ProposeConfChange(Change(RaftConfChangeType.AddNode, 5)));
    }

    [Fact]
    public void Section_6_A_removed_leader_steps_down_and_another_is_elected()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        Apply(network, RaftConfChangeType.RemoveNode, 1);
        Assert.False(network[1].Core.IsLeader);
        Assert.False(network[1].Core.IsMember);
        network.Tick(30);
        Assert.NotEqual(1UL, network.Leader.Id);
        Assert.Equal([2UL, 3], network.Leader.ConfState.Voters);
        Assert.True(network.Propose(network.Leader.Id, 5));
        Assert.Contains((byte)5, network.Leader.Values);
    }

    [Fact]
    public void Section_6_Removing_a_dead_member_lets_the_rest_commit()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(3);
        Apply(network, RaftConfChangeType.RemoveNode, 3);
        network.Isolate(2, 3);
        Assert.True(network.Propose(1, 1));
        Assert.DoesNotContain((byte)1, network[1].Values); // two voters are left, both are needed
        network.Isolate(3);
        network.Tick(2);
        Assert.Contains((byte)1, network[1].Values);
    }

    [Fact]
    public void Section_6_No_campaign_while_a_committed_change_is_not_applied()
    {
        var log = new MemoryRaftLog();
        var core = RaftCore.Bootstrap(new RaftConfig { Id = 1 }, log, _ => 0, [new(1, []), new(2, [])]);
        core.Campaign();
        Assert.Equal(RaftRole.Follower, core.Role);
        var ready = core.Ready();
        log.Append(ready.HardState, ready.Entries, ready.Snapshot);
        core.Advance(ready);
        if (core.HasReady) core.Advance(core.Ready());
        core.Campaign();
        Assert.Equal(RaftRole.Candidate, core.Role);
    }

    [Fact]
    public void Section_7_A_follower_behind_the_compacted_log_gets_the_snapshot_and_goes_on_after_it()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(3);
        for (byte i = 0; i < 10; i++) network.Propose(1, i);
        var at = network[1].Core.Applied;
        network[1].Log.CreateSnapshot(at, network[1].ConfState, [77]);
        network[1].Log.Compact(at);
        network.Propose(1, 200);
        network.Heal();
        network.Tick(2);
        Assert.Equal((at, (byte)77), (network[3].Installed!.Index, network[3].Installed!.Data[0]));
        // Probing stops until the transport says how the snapshot fared.
        network[1].Core.ReportSnapshot(3, true);
        network.Tick(3);
        Assert.Equal([200], network[3].Values);
        Assert.Equal([1UL, 2, 3], network[3].ConfState.Voters);
    }

    [Fact]
    public void Section_7_A_snapshot_that_was_lost_is_sent_again()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(3);
        network.Propose(1, 1);
        network[1].Log.CreateSnapshot(network[1].Core.Applied, network[1].ConfState, [1]);
        network[1].Log.Compact(network[1].Core.Applied);
        network.Filter = m => m.Type != RaftMessageType.Snap;
        network.Tick(2);
        network.Heal();
        network.Tick(3);
        Assert.Null(network[3].Installed);
        network[1].Core.ReportSnapshot(3, false);
        network.Tick(2);
        Assert.NotNull(network[3].Installed);
    }

    [Fact]
    public void Section_7_An_old_snapshot_is_ignored_and_one_whose_entry_is_held_only_moves_the_commit_index()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        for (byte i = 1; i <= 5; i++) network.Propose(1, i);
        network.Tick();
        var follower = network[2];
        var (committed, term) = (follower.Core.Committed, follower.Core.Term);
        follower.Core.Step(new RaftMessage
        {
            Type = RaftMessageType.Snap,
            From = 1,
            To = 2,
            Term = term,
            Snapshot = new RaftSnapshot([1], new RaftConfState([1, 2, 3], []), committed - 1, term),
        });
        Assert.Equal(committed, follower.Drain().Single().Index);
        Assert.Null(follower.Installed);
        Assert.Equal(5, follower.Values.Count());
    }

    [Fact]
    public void Leadership_is_handed_over_and_proposals_wait_meanwhile()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Filter = m => m.Type != RaftMessageType.TimeoutNow;
        network[1].Core.TransferLeadership(2);
        Assert.False(network[1].Core.Propose([1]));
        network.Tick(6);
        Assert.True(network[1].Core.Propose([1])); // given up after one election timeout
        network.Heal();
        network.Tick(2);
        network.Leader.Core.TransferLeadership(2);
        network.Settle();
        Assert.Equal(2UL, network.Leader.Id);
    }

    [Fact]
    public void A_broken_connection_to_the_leader_shortens_the_wait_and_a_heartbeat_restores_it()
    {
        var network = new RaftNetwork(3);
        network.Elect(3);
        network.Isolate(3);
        foreach (var m in new[] { network[1], network[2] }) m.Core.ReportLeaderLost();
        network.Tick(3);
        Assert.Contains(network.All, m => m.Id != 3 && m.Core.IsLeader);

        network = new RaftNetwork(3);
        network.Elect(3);
        network[1].Core.ReportLeaderLost();
        network.Tick(); // the leader is heard again
        network.Isolate(3);
        network.Tick(5);
        Assert.DoesNotContain(network.All, m => m.Id != 3 && m.Core.IsLeader);
    }

    [Theory]
    [InlineData(1UL, 2UL)]
    [InlineData(2UL, 1UL)]
    [InlineData(3UL, 1UL)]
    public void Members_that_lose_their_leader_at_once_never_split_their_votes(ulong leader, ulong next)
    {
        for (var again = 0; again < 20; again++)
        {
            var network = new RaftNetwork(3);
            network.Elect(leader);
            var term = network.Leader.Core.Term;
            network.Isolate(leader);
            foreach (var m in network.All.Where(m => m.Id != leader)) m.Core.ReportLeaderLost();

            network.Tick(2);

            Assert.True(network[next].Core.IsLeader);
            Assert.Equal(term + 1, network[next].Core.Term);
        }
    }

    [Fact]
    public void A_lost_leader_is_followed_by_the_member_that_has_all_though_another_may_stand_first()
    {
        var network = new RaftNetwork(3, c => c with { PreVote = true });
        network.AnnouncePreVote();
        network.Elect(3);
        network.Filter = m => m.To != 1;
        network[3].Core.Propose([1]);
        network.Settle();
        network.Heal();
        network.Isolate(3);
        foreach (var m in new[] { network[1], network[2] }) m.Core.ReportLeaderLost();

        network.Tick(4);

        Assert.True(network[2].Core.IsLeader);
    }

    [Fact]
    public void Uncommitted_proposals_are_bounded_in_size()
    {
        var network = new RaftNetwork(3, c => c with { MaxUncommittedSize = 1000 });
        network.Elect(1);
        network.Isolate(2, 3);
        Assert.True(network[1].Core.Propose(new byte[5000])); // one is always taken
        Assert.False(network[1].Core.Propose(new byte[10]));
        network.Heal();
        network.Tick(3);
        Assert.True(network[1].Core.Propose(new byte[10]));
    }

    [Fact]
    public void Appends_to_a_silent_follower_are_bounded_in_number_and_one_entry_is_probed()
    {
        var network = new RaftNetwork(3, c => c with { MaxInflight = 4 });
        network.Elect(1);
        network.Propose(1, 1);
        network.Filter = m => m.To != 3;
        var sent = new List<RaftMessage>();
        for (byte i = 0; i < 20; i++)
        {
            network[1].Core.Propose([i]);
            sent.AddRange(network[1].Drain().Where(m => m is { To: 3, Type: RaftMessageType.App }));
        }
        Assert.Equal(4, sent.Count);
        network[1].Core.ReportUnreachable(3);
        network[1].Core.Propose([1]);
        network[1].Core.Propose([2]);
        Assert.Single(network[1].Drain(), m => m is { To: 3, Type: RaftMessageType.App });
    }

    [Fact]
    public void With_PreVote_a_member_that_was_cut_off_does_not_disturb_the_leader()
    {
        var network = new RaftNetwork(3, c => c with { PreVote = true });
        network.AnnouncePreVote();
        network.Elect(1);
        var term = network[1].Core.Term;
        network.Isolate(3);
        network.Propose(1, 1);
        network.Tick(50);
        network.Heal();
        network.Tick(20);
        Assert.Equal((1UL, term), (network.Leader.Id, network.Leader.Core.Term));
        Assert.Equal([1], network[3].Values);
    }

    [Fact]
    public void Local_kinds_and_malformed_messages_from_the_network_are_ignored()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        var core = network[2].Core;
        var before = (core.Hard, core.Soft);
        foreach (var type in Enum.GetValues<RaftMessageType>().Where(t => new RaftMessage { Type = t }.IsLocal))
            core.Step(new RaftMessage { Type = type, From = 3, To = 2, Term = 99 });
        core.Step(new RaftMessage { Type = RaftMessageType.Snap, From = 1, To = 2, Term = 99 });
        core.Step(new RaftMessage
        {
            Type = RaftMessageType.App,
            From = 1,
            To = 2,
            Term = 99,
            Index = 3,
            Entries = [new RaftEntry(1, 9, RaftEntryType.Normal, [])]
        });
        core.Step(new RaftMessage { Type = RaftMessageType.Vote, From = 0, To = 2, Term = 99 });
        core.Step(new RaftMessage { Type = RaftMessageType.Prop, From = 3, To = 2 });
        Assert.Equal(before, (core.Hard, core.Soft));
    }

    [Fact]
    public void Ready_and_Advance_go_in_pairs_and_steps_may_come_between()
    {
        var network = new RaftNetwork(1);
        network.Elect(1);
        var (core, log) = (network[1].Core, network[1].Log);
        core.Propose([1]);
        var ready = core.Ready();
        Assert.True(ready.MustSync);
        Assert.False(core.HasReady);
        Assert.Throws<InvalidOperationException>(core.Ready);
        core.Propose([2]);
        log.Append(ready.HardState, ready.Entries, ready.Snapshot);
        core.Advance(ready);
        Assert.Throws<InvalidOperationException>(() => core.Advance(ready));
        network.Settle();
        Assert.Contains((byte)2, network[1].Values);
    }
}
