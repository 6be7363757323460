using QuorumMesh.Consensus.Raft;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>GoQuorum's newcomers start from a snapshot that names them: there is one as soon as a member is added.</summary>
public sealed class NewMemberTests
{
    private readonly MemberNode _node = new();

    [Fact]
    public void The_first_members_need_none()
    {
        Assert.Equal(3UL, _node.Raft.Core.Applied);
        Assert.Null(_node.Log.Snapshot());
    }

    [Theory]
    [InlineData(RaftConfChangeType.AddNode)]
    [InlineData(RaftConfChangeType.AddLearnerNode)]
    public void A_member_that_was_added_is_in_a_snapshot_with_its_address_and_the_head(RaftConfChangeType type)
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Add(4, type)));

        var snapshot = Assert.IsType<RaftSnapshot>(_node.Log.Snapshot());
        Assert.Equal(_node.Raft.Core.Applied, snapshot.Index);
        var (voters, learners) = type == RaftConfChangeType.AddNode ? ("1,2,3,4", "") : ("1,2,3", "4");
        Assert.Equal((voters, learners), (string.Join(',', snapshot.ConfState.Voters), string.Join(',', snapshot.ConfState.Learners)));
        var data = RaftSnapshotData.Decode(snapshot.Data);
        Assert.Equal(MemberNode.IdOf(4), Convert.ToHexStringLower(data.Addresses.Single(a => a.RaftId == 4).NodeId));
        Assert.Equal(_node.Core.Head.Hash, data.HeadBlockHash);
    }

    /// <summary>
    /// Two members that were asked at once may give two nodes one id. GoQuorum takes the second for a promotion (raft/handler.go,
    /// eventLoop).
    /// </summary>
    [Fact]
    public void An_id_that_is_given_twice_stays_with_the_first()
    {
        var second = new RaftAddress(4, TestChain.Signer(9).PublicKey, "127.0.0.1", 30309, 50409);
        _node.Step(_node.Committed(term: 2, MemberNode.Add(4, RaftConfChangeType.AddLearnerNode)));
        _node.Step(_node.Committed(term: 2, new RaftConfChange(0, RaftConfChangeType.AddNode, 4, second.Encode())));

        Assert.Equal(MemberNode.IdOf(4), Convert.ToHexStringLower(_node.Raft.View.Members.Single(a => a.RaftId == 4).NodeId));
        Assert.Equal([1UL, 2, 3, 4], _node.Raft.Core.ConfState.Voters);
    }

    [Fact]
    public void The_log_is_kept_for_members_that_are_a_little_late()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Add(4)));
        Assert.Equal(1UL, _node.Log.FirstIndex);
        _node.Start();
        Assert.Equal([1UL, 2, 3, 4], _node.Raft.Core.ConfState.Voters);
        _node.Step(_node.Committed(term: 3, MemberNode.Remove(4)));
        Assert.Equal([1UL, 2, 3], _node.Raft.Core.ConfState.Voters);
    }
}
