using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A node that was removed from its cluster stays up as a non-member, also after a restart.</summary>
public sealed class ClusterExitTests
{
    private readonly MemberNode _node = new();

    [Fact]
    public async Task Removed_by_the_log_it_takes_no_part_and_no_transactions()
    {
        await _node.SubmitAsync(0);
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(1)));
        await CheckAsync();
        Assert.Equal(2UL, Assert.Single(_node.Leaders).Leader);

        // The last messages go out before the connections end.
        Assert.Equal(0, _node.Closed);
        _node.Tick(100);
        Assert.Equal(1, _node.Closed);

        _node.Start();
        await CheckAsync();
        Assert.Equal(1, _node.Closed);
    }

    [Fact]
    public async Task What_is_queued_or_heard_later_changes_nothing()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(1)));
        _node.Transport.Sent.Clear();
        _node.Step(_node.Committed(term: 9), new NodeInput.RaftPeerLost(2), new NodeInput.RaftRemoved(3));
        _node.Tick(300);
        Assert.Empty(_node.Transport.Sent);
        await CheckAsync();
    }

    /// <summary>A node that was down when it was removed never gets the entry: the others refuse it.</summary>
    [Fact]
    public async Task Told_by_most_of_the_others_it_believes_it()
    {
        _node.Step(new NodeInput.RaftRemoved(2), new NodeInput.RaftRemoved(2), new NodeInput.RaftRemoved(77));
        await _node.SubmitAsync(0);
        Assert.Empty(_node.Left);
        _node.Step(new NodeInput.RaftRemoved(3));
        await CheckAsync();
        _node.Start();
        await CheckAsync();
    }

    [Fact]
    public void Told_by_the_others_it_refuses_to_change_the_cluster()
    {
        _node.Step(new NodeInput.RaftRemoved(2), new NodeInput.RaftRemoved(3));
        var refused = Assert.Throws<RaftMembershipException>(() => _node.Core.Propose(new RaftMembershipRequest.Remove(2)));
        Assert.Equal("node not part of raft cluster. operations not allowed", refused.Message);
    }

    [Fact]
    public async Task Another_members_removal_is_none_of_its_own()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(3)));
        Assert.False(_node.Core.RaftView.HasLeft);
        await _node.SubmitAsync(0);
        Assert.True(_node.Core.RaftView.VoterIds.SetEquals([MemberNode.IdOf(1), MemberNode.IdOf(2)]));
    }

    private async Task CheckAsync()
    {
        Assert.True(_node.Core.RaftView.HasLeft);
        Assert.Equal((0UL, Consensus.Raft.RaftRole.Follower), (_node.Core.RaftView.Leader, _node.Core.RaftView.Role));
        Assert.Equal(RaftMembers.LeftExplanation, _node.Left[^1]);
        Assert.Equal(RaftMembers.LeftExplanation, (await Assert.ThrowsAsync<TransactionRejectedException>(() => _node.SubmitAsync(1))).Message);
        Assert.Null(_node.After(60_000).CompareHeads);
    }
}
