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
        _node.Step(_node.Committed(term: 9), new RaftInput.PeerLost(2), new RaftInput.Removed(3));
        _node.Tick(300);
        Assert.Empty(_node.Transport.Sent);
        await CheckAsync();
    }

    /// <summary>A node that was down when it was removed never gets the entry: the others refuse it.</summary>
    [Fact]
    public async Task Told_by_most_of_the_others_it_believes_it()
    {
        _node.Step(new RaftInput.Removed(2), new RaftInput.Removed(2), new RaftInput.Removed(77));
        await _node.SubmitAsync(0);
        Assert.Empty(_node.Left);
        _node.Step(new RaftInput.Removed(3));
        await CheckAsync();
        _node.Start();
        await CheckAsync();
    }

    [Fact]
    public async Task Told_by_the_others_it_refuses_to_change_the_cluster()
    {
        _node.Step(new RaftInput.Removed(2), new RaftInput.Removed(3));
        var answer = new Reply<RaftChangeOutcome>();
        foreach (var given in _node.Step(new RaftInput.ChangeMembership(new RaftMembershipRequest.Remove(2), answer)).Answers)
            given.Deliver();
        var refused = await Assert.ThrowsAsync<RaftMembershipException>(() => answer.Task);
        Assert.Equal("node not part of raft cluster. operations not allowed", refused.Message);
    }

    [Fact]
    public async Task Another_members_removal_is_none_of_its_own()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(3)));
        Assert.False(_node.Raft.View.HasLeft);
        await _node.SubmitAsync(0);
        Assert.True(_node.Raft.View.VoterIds.SetEquals([MemberNode.IdOf(1), MemberNode.IdOf(2)]));
    }

    private async Task CheckAsync()
    {
        Assert.True(_node.Raft.View.HasLeft);
        Assert.Equal((0UL, QuorumMesh.Consensus.Raft.RaftRole.Follower), (_node.Raft.View.Leader, _node.Raft.View.Role));
        Assert.Equal(RaftMembers.LeftExplanation, _node.Left[^1]);
        Assert.Equal(RaftMembers.LeftExplanation,
            (await Assert.ThrowsAsync<TransactionRejectedException>(() => _node.SubmitAsync(1))).Message);
        Assert.Null(_node.After(60_000).CompareHeads);
    }
}
