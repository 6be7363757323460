using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>Named after the sections of "In Search of an Understandable Consensus Algorithm" (extended version).</summary>
public class RaftPaperTests
{
    private static RaftMessage From(ulong from, ulong to, RaftMessageType type, ulong term) =>
        new() { From = from, To = to, Type = type, Term = term };

    private static RaftEntry Entry(ulong term, ulong index) => new(term, index, RaftEntryType.Normal, [(byte)index]);

    // 5.1 Basics: terms

    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void Section_5_1_A_larger_term_makes_any_role_a_follower_of_it(RaftRole role)
    {
        var network = new RaftNetwork(3);
        if (role == RaftRole.Candidate) network.Isolate(1);
        if (role != RaftRole.Follower) network.Elect(1);
        Assert.Equal(role, network[1].Core.Role);
        network[1].Core.Step(From(2, 1, RaftMessageType.App, 9) with { LogTerm = 1, Index = 3 });
        Assert.Equal((RaftRole.Follower, 9UL, 2UL), (network[1].Core.Role, network[1].Core.Term, network[1].Core.Leader));
    }

    [Fact]
    public void Section_5_1_A_message_of_an_older_term_is_ignored()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Elect(2);
        network[3].Core.Step(From(1, 3, RaftMessageType.App, 2) with { LogTerm = 2, Index = 4, Entries = [Entry(2, 5)] });
        Assert.Empty(network[3].Drain());
        Assert.Equal(2UL, network[3].Core.Leader);
    }

    // 5.2 Leader election

    [Fact]
    public void Section_5_2_Members_start_as_followers_and_stay_so_while_they_hear_a_leader()
    {
        var network = new RaftNetwork(3);
        Assert.All(network.All, m => Assert.Equal(RaftRole.Follower, m.Core.Role));
        network.Elect(1);
        var term = network[1].Core.Term;
        network.Tick(100);
        Assert.Equal((1UL, term), (network.Leader.Id, network.Leader.Core.Term));
    }

    [Fact]
    public void Section_5_2_A_leader_sends_heartbeats_each_tick_to_all()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network[1].Core.Tick();
        Assert.Equal([2UL, 3UL], network[1].Drain().Where(m => m.Type == RaftMessageType.Heartbeat).Select(m => m.To));
    }

    [Fact]
    public void Section_5_2_A_follower_that_hears_nothing_campaigns_in_the_next_term_and_votes_for_itself()
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        var before = network[1].Core.Term;
        network.Tick(6); // member 1 has the shortest timeout
        Assert.Equal((RaftRole.Candidate, before + 1, 1UL), (network[1].Core.Role, network[1].Core.Term, network[1].Core.Hard.Vote));
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(3, 0, false)]
    [InlineData(3, 1, true)]
    [InlineData(5, 1, false)]
    [InlineData(5, 2, true)]
    [InlineData(5, 4, true)]
    public void Section_5_2_A_majority_of_votes_makes_a_leader(int size, int votes, bool wins)
    {
        var network = new RaftNetwork(size) { Filter = _ => false };
        network.Elect(1);
        for (var i = 0; i < votes; i++) network[1].Core.Step(From((ulong)i + 2, 1, RaftMessageType.VoteResp, network[1].Core.Term));
        Assert.Equal(wins, network[1].Core.IsLeader);
    }

    [Fact]
    public void Section_5_2_A_vote_counted_twice_is_one_and_a_majority_of_refusals_ends_the_candidacy()
    {
        var network = new RaftNetwork(5) { Filter = _ => false };
        network.Elect(1);
        var core = network[1].Core;
        core.Step(From(2, 1, RaftMessageType.VoteResp, core.Term));
        core.Step(From(2, 1, RaftMessageType.VoteResp, core.Term));
        core.Step(From(9, 1, RaftMessageType.VoteResp, core.Term)); // no member
        Assert.Equal(RaftRole.Candidate, core.Role);
        foreach (var id in new ulong[] { 3, 4, 5 }) core.Step(From(id, 1, RaftMessageType.VoteResp, core.Term) with { Reject = true });
        Assert.Equal(RaftRole.Follower, core.Role);
    }

    [Fact]
    public void Section_5_2_A_member_votes_once_in_a_term_first_come_first_served_also_over_a_restart()
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        var voter = network[3];
        var vote = From(1, 3, RaftMessageType.Vote, 7) with { LogTerm = 1, Index = 3 };
        voter.Core.Step(vote);
        Assert.False(voter.Drain().Single().Reject);
        voter.Restart();
        voter.Core.Step(vote with { From = 2 });
        Assert.True(voter.Drain().Single().Reject);
        voter.Core.Step(vote); // the same candidate asks again
        Assert.False(voter.Drain().Single().Reject);
    }

    [Fact]
    public void Section_5_2_A_split_vote_is_followed_by_another_election()
    {
        var network = new RaftNetwork(2) { Filter = _ => false };
        network[1].Core.Campaign();
        network[2].Core.Campaign();
        network.Heal();
        network.Settle();
        Assert.DoesNotContain(network.All, m => m.Core.IsLeader);
        network.Tick(20);
        Assert.Single(network.All, m => m.Core.IsLeader);
    }

    [Fact]
    public void Section_5_2_A_candidate_that_hears_the_leader_of_its_term_follows_it()
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        network.Elect(1);
        network[1].Core.Step(From(2, 1, RaftMessageType.Heartbeat, network[1].Core.Term));
        Assert.Equal((RaftRole.Follower, 2UL), (network[1].Core.Role, network[1].Core.Leader));
    }

    [Fact]
    public void Section_5_2_Election_timeouts_are_drawn_anew_from_the_whole_range()
    {
        var seen = new HashSet<int>();
        var random = new Random(4);
        for (var i = 0; i < 200; i++)
        {
            var log = new MemoryRaftLog();
            var core = RaftCore.Bootstrap(new RaftConfig { Id = 1 }, log, random.Next, [new(1, []), new(2, []), new(3, [])]);
            while (core.HasReady)
            {
                var ready = core.Ready();
                log.Append(ready.HardState, ready.Entries, ready.Snapshot);
                core.Advance(ready);
            }
            var ticks = 0;
            for (; core.Role == RaftRole.Follower; ticks++) core.Tick();
            seen.Add(ticks);
        }
        Assert.Equal([6, 7, 8, 9, 10, 11], seen.Order());
    }

    // 5.3 Log replication

    [Fact]
    public void Section_5_3_An_entry_is_replicated_committed_by_a_majority_and_applied_in_order_everywhere()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        for (byte i = 1; i <= 20; i++) Assert.True(network.Propose(1, i));
        network.Tick();
        Assert.All(network.All, m => Assert.Equal(Enumerable.Range(1, 20).Select(i => (byte)i), m.Values));
    }

    [Fact]
    public void Section_5_3_Nothing_is_committed_without_a_majority()
    {
        var network = new RaftNetwork(5);
        network.Elect(1);
        network.Isolate(3, 4, 5);
        network.Propose(1, 42);
        Assert.Empty(network[1].Values);
        network.Isolate(4, 5);
        network.Tick(2);
        Assert.Equal([42], network[1].Values);
    }

    [Fact]
    public void Section_5_3_A_follower_sends_a_proposal_on_and_without_a_leader_it_is_dropped()
    {
        var network = new RaftNetwork(3);
        Assert.False(network.Propose(2, 1));
        network.Elect(1);
        Assert.True(network.Propose(2, 2));
        Assert.Equal([2], network[1].Values);
    }

    [Fact]
    public void Section_5_3_An_append_is_refused_when_the_entry_before_it_does_not_match()
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        var follower = network[2];
        var append = From(1, 2, RaftMessageType.App, 5);
        follower.Core.Step(append with { Index = 9, LogTerm = 4, Entries = [Entry(5, 10)] });
        var answer = follower.Drain().Single();
        Assert.Equal((true, 9UL, 3UL), (answer.Reject, answer.Index, answer.RejectHint));
        follower.Core.Step(append with { Index = 3, LogTerm = 1, Entries = [Entry(5, 4)] });
        answer = follower.Drain().Single();
        Assert.Equal((false, 4UL), (answer.Reject, answer.Index));
    }

    [Fact]
    public void Section_5_3_Entries_that_conflict_are_replaced_by_the_leaders_and_matching_ones_are_kept()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(1);
        foreach (byte value in new byte[] { 1, 2, 3, 4 }) network[1].Core.Propose([value]);
        network.Settle();
        network.Elect(2);
        network.Propose(2, 9);
        Assert.NotEmpty(network[2].Values);
        network.Heal();
        network.Tick(3);
        Assert.All(network.All, m => Assert.Equal([9], m.Values));
        Assert.Equal(2UL, network[1].Core.Leader);
        var reference = network[2].Log.Entries(1, network[2].Log.LastIndex + 1, ulong.MaxValue).Select(e => (e.Index, e.Term));
        Assert.All(network.All, m =>
            Assert.Equal(reference, m.Log.Entries(1, m.Log.LastIndex + 1, ulong.MaxValue).Select(e => (e.Index, e.Term))));
    }

    [Fact]
    public void Section_5_3_A_stale_append_does_not_shorten_the_log()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Propose(1, 1);
        network.Propose(1, 2);
        var appends = network.Delivered.Where(m => m.To == 2 && m.Type == RaftMessageType.App && m.Entries.Count > 0).ToArray();
        var last = network[2].Core.LastIndex;
        foreach (var m in appends) network[2].Core.Step(m);
        Assert.Equal(last, network[2].Core.LastIndex);
    }

    [Fact]
    public void Section_5_3_A_follower_far_behind_catches_up()
    {
        var network = new RaftNetwork(3, c => c with { MaxSizePerMessage = 64, MaxInflight = 2 });
        network.Elect(1);
        network.Isolate(3);
        for (byte i = 0; i < 100; i++) network.Propose(1, i);
        network.Heal();
        network.Tick(5);
        Assert.Equal(network[1].Values, network[3].Values);
    }

    // 5.4.1 Election restriction

    [Theory]
    [InlineData(4, 9, false)] // the same log
    [InlineData(5, 4, false)] // a later last term wins whatever the length
    [InlineData(4, 10, false)] // longer
    [InlineData(4, 8, true)] // shorter
    [InlineData(3, 99, true)] // an earlier last term loses whatever the length
    public void Section_5_4_1_A_vote_is_refused_to_a_candidate_whose_log_is_behind(ulong logTerm, ulong index, bool rejected)
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        var voter = network[2];
        voter.Core.Step(From(1, 2, RaftMessageType.App, 4) with
        {
            Index = 3,
            LogTerm = 1,
            Entries = [.. Enumerable.Range(4, 6).Select(i => Entry(4, (ulong)i))]
        });
        voter.Drain();
        voter.Core.Step(From(3, 2, RaftMessageType.Vote, 8) with { Index = index, LogTerm = logTerm });
        Assert.Equal(rejected, voter.Drain().Single().Reject);
    }

    [Fact]
    public void Section_5_4_1_A_member_that_missed_committed_entries_cannot_win()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Isolate(3);
        network.Propose(1, 7);
        network.Heal();
        network.Isolate(1);
        network.Elect(3);
        Assert.False(network[3].Core.IsLeader);
        network.Tick(20);
        Assert.Equal(2UL, network.Leader.Id == 1 ? network[3].Core.Leader : network.Leader.Id);
    }

    // 5.4.2 Committing entries from previous terms

    [Fact]
    public void Section_5_4_2_An_entry_of_an_earlier_term_is_committed_only_together_with_one_of_the_own()
    {
        var network = new RaftNetwork(3) { Filter = _ => false };
        var leader = network[1];
        leader.Core.Step(From(3, 1, RaftMessageType.App, 2) with { Index = 3, LogTerm = 1, Entries = [Entry(2, 4)] });
        leader.Drain();
        leader.Core.Campaign();
        leader.Core.Step(From(2, 1, RaftMessageType.VoteResp, leader.Core.Term));
        leader.Drain();
        Assert.Equal((true, 5UL), (leader.Core.IsLeader, leader.Core.LastIndex));
        leader.Core.Step(From(2, 1, RaftMessageType.AppResp, leader.Core.Term) with { Index = 4 });
        Assert.Equal(3UL, leader.Core.Committed); // entry 4 is on a majority, but of term 2
        leader.Core.Step(From(2, 1, RaftMessageType.AppResp, leader.Core.Term) with { Index = 5 });
        Assert.Equal(5UL, leader.Core.Committed);
    }

    // 5.5 Follower crashes

    [Fact]
    public void Section_5_5_A_member_goes_on_from_its_log_after_a_restart()
    {
        var network = new RaftNetwork(3);
        network.Elect(1);
        network.Propose(1, 1);
        network[2].Restart();
        network.Tick();
        network.Propose(1, 2);
        network.Tick();
        Assert.Equal([1, 2], network[2].Values);
    }

    // 8 Client interaction: a new leader begins with an empty entry

    [Fact]
    public void Section_8_A_new_leader_appends_an_empty_entry_of_its_term()
    {
        var network = new RaftNetwork(3);
        network.Elect(2);
        var last = network[2].Applied[^1];
        Assert.Equal((network[2].Core.Term, 0), (last.Term, last.Data.Length));
    }
}
