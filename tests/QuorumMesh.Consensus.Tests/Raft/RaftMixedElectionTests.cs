using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>Elections among members of ours, which wait 6 to 11 ticks, and GoQuorum's: 10 to 19 of its ticks of 100 ms are 20 to 38 of
/// ours, without pre-vote (GoQuorum raft/handler.go, startRaft). Member 1 is ours.</summary>
public class RaftMixedElectionTests
{
    private const int GoQuorumElectionTicks = 20;

    private static RaftNetwork Mixed(int size)
    {
        var network = new RaftNetwork(size, c => c.Id == 1 ? c with { PreVote = true } : c with { ElectionTicks = GoQuorumElectionTicks });
        network.AnnouncePreVote([.. network.All.Select(m => m.Id).Where(id => id != 1)]);
        return network;
    }

    [Fact]
    public void A_member_that_lags_lets_a_slower_one_with_the_longer_log_take_over()
    {
        var network = Mixed(3);
        network.Elect(2);
        network.Isolate(1);
        network.Propose(2, 7);
        network.Isolate(2);

        Tick(network, 4 * GoQuorumElectionTicks, () => network[3].Core.IsLeader);
        Assert.Equal((byte)7, Assert.Single(network[1].Values));
    }

    [Fact]
    public void A_member_of_five_that_cannot_win_lets_one_of_the_others_win()
    {
        var network = Mixed(5);
        network.Elect(2);
        network.Isolate(1);
        network.Propose(2, 7);
        network.Isolate(2, 3);

        Tick(network, 4 * GoQuorumElectionTicks, () => network[4].Core.IsLeader || network[5].Core.IsLeader);
        Assert.Equal((byte)7, Assert.Single(network[1].Values));
    }

    [Fact]
    public void A_member_that_was_refused_does_not_wait_when_a_candidate_with_a_shorter_log_shows_up()
    {
        var network = Mixed(3);
        network.Elect(2);
        network.Isolate(3);
        network.Propose(2, 7);
        network.Isolate(2);
        Refuse(network[1]);
        network.Elect(3); // its log is the shorter one

        Tick(network, 12, () => network[1].Core.IsLeader);
    }

    [Fact]
    public void A_leader_that_is_heard_ends_the_wait()
    {
        var network = Mixed(3);
        Refuse(network[1]);
        network.Elect(2);
        network.Isolate(2);

        Tick(network, GoQuorumElectionTicks + 1, () => network[1].Core.IsLeader);
    }

    [Fact]
    public void Members_with_pre_vote_do_not_wait_for_one_another()
    {
        var network = new RaftNetwork(3, c => c with { PreVote = true });
        network.AnnouncePreVote();
        network.Filter = _ => false;
        Refuse(network[1]);
        network.Heal();

        Tick(network, 12, () => network.All.Any(m => m.Core.IsLeader));
    }

    /// <summary>GoQuorum's leader sends nothing while it imports a block, writes a snapshot or closes a member's connections.</summary>
    [Fact]
    public void A_leader_without_pre_vote_may_be_silent_as_long_as_its_own_kind_allows()
    {
        var network = Mixed(3);
        network.Elect(2);
        var term = network[2].Core.Term;
        network.Tick(5);

        network.Isolate(2);
        network.Tick(GoQuorumElectionTicks - 2);
        network.Heal();
        network.Tick(GoQuorumElectionTicks);
        Assert.Equal((2UL, term), (network[1].Core.Leader, network[2].Core.Term));

        network.Isolate(2);
        Tick(network, 2 * GoQuorumElectionTicks, () => network[1].Core.IsLeader);
    }

    [Fact]
    public void A_lost_connection_to_such_a_leader_still_shortens_the_wait()
    {
        var network = Mixed(3);
        network.Elect(2);
        network.Isolate(2);
        network[1].Core.ReportLeaderLost();

        Tick(network, 6, () => network[1].Core.IsLeader);
    }

    /// <summary>The member campaigns, and the others refuse it.</summary>
    private static void Refuse(RaftTestMember member)
    {
        member.Core.Campaign();
        var answer = member.Core.IsPreVoteOn ? RaftMessageType.PreVoteResp : RaftMessageType.VoteResp;
        member.Drain();
        foreach (var other in new ulong[] { 2, 3 })
            member.Core.Step(new RaftMessage { Type = answer, From = other, To = member.Id, Term = member.Core.Term, Reject = true });
        member.Drain();
        Assert.Equal(RaftRole.Follower, member.Core.Role);
    }

    private static void Tick(RaftNetwork network, int most, Func<bool> until)
    {
        for (var n = 0; n < most && !until(); n++) network.Tick();
        Assert.True(until(), $"not within {most} ticks");
    }
}
