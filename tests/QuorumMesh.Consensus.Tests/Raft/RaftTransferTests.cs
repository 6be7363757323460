using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>Handing leadership over (Raft thesis, section 3.10), as etcd 3.3 does it on the wire.</summary>
public sealed class RaftTransferTests
{
    [Fact]
    public void The_target_leads_in_the_next_term_and_what_was_committed_stays()
    {
        var network = Cluster(3);
        Assert.True(network.Propose(1, 7));
        var term = network[1].Core.Term;
        network[1].Core.TransferLeadership(3);
        network.Settle();
        Assert.Equal(3ul, network.Leader.Id);
        Assert.Equal(term + 1, network.Leader.Core.Term);
        Assert.Contains(network.Delivered, m => m is { Type: RaftMessageType.TimeoutNow, To: 3 });
        Assert.True(network.Propose(3, 8));
        network.Tick();
        Assert.All(network.All, member => Assert.Equal([7, 8], member.Values));
    }

    /// <summary>Also while all use pre-vote, and hear the old leader: a transfer is its own wish.</summary>
    [Fact]
    public void Members_with_pre_vote_follow_at_once()
    {
        var network = Cluster(3, c => c with { PreVote = true });
        network.AnnouncePreVote();
        network[1].Core.TransferLeadership(2);
        network.Settle();
        Assert.Equal(2ul, network.Leader.Id);
    }

    [Fact]
    public void Nothing_is_proposed_while_it_is_under_way_and_it_is_given_up_after_an_election_timeout()
    {
        var network = Cluster(3);
        network.Filter = m => m.Type != RaftMessageType.TimeoutNow;
        network[1].Core.TransferLeadership(2);
        Assert.Equal(2ul, network[1].Core.TransferTarget);
        Assert.False(network.Propose(1, 7));
        network.Tick(6);
        Assert.Equal(0ul, network[1].Core.TransferTarget);
        Assert.True(network[1].Core.IsLeader);
        Assert.True(network.Propose(1, 8));
    }

    [Fact]
    public void A_member_that_is_behind_gets_the_rest_of_the_log_first()
    {
        var network = Cluster(3);
        network.Isolate(3);
        for (byte value = 1; value <= 5; value++) network.Propose(1, value);
        network.Heal();
        network[1].Core.TransferLeadership(3);
        network.Tick(2);
        Assert.Equal(3ul, network.Leader.Id);
        Assert.Equal([1, 2, 3, 4, 5], network[3].Values);
    }

    [Fact]
    public void A_learner_a_stranger_and_the_leader_itself_are_no_targets()
    {
        var network = Cluster(2);
        network.Add(3);
        network[1].Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.AddLearnerNode, 3, []));
        network.Tick(3);
        foreach (var target in new ulong[] { 1, 3, 9 })
        {
            network[1].Core.TransferLeadership(target);
            network.Settle();
            Assert.Equal((1ul, 0ul), (network.Leader.Id, network[1].Core.TransferTarget));
        }
        Assert.Equal([2ul], network[1].Core.TransferCandidates());
    }

    [Fact]
    public void Candidates_are_those_that_are_heard_and_close_and_ours_come_first()
    {
        var network = Cluster(5, c => c with { PreVote = true, MaxInflight = 4 });
        network.AnnouncePreVote(exceptOf: 2);
        network.Isolate(5);
        for (byte value = 1; value <= 10; value++) network.Propose(1, value);
        network.Tick(13);
        Assert.Equal([3ul, 4, 2], network[1].Core.TransferCandidates());
        Assert.Empty(network[3].Core.TransferCandidates());
    }

    [Fact]
    public void A_follower_passes_the_wish_on()
    {
        var network = Cluster(3);
        network[2].Core.TransferLeadership(3);
        network.Settle();
        Assert.Equal(3ul, network.Leader.Id);
    }

    private static RaftNetwork Cluster(int size, Func<RaftConfig, RaftConfig>? configure = null)
    {
        var network = new RaftNetwork(size, configure);
        network.Elect(1);
        return network;
    }
}
