using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What members and strangers may bring into the log of a running node, and that nothing they send ends it.</summary>
public sealed class RaftInputTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private readonly SoloNode _node = new();

    [Fact]
    public void The_log_is_marked_as_written_beside_the_chain() => Assert.True(RaftParticipation.IsNoted(_node.Store));

    [Fact]
    public void A_strangers_proposals_messages_and_snapshots_are_refused_and_counted()
    {
        var last = _node.Raft.Core.LastIndex;
        Send(Proposal(99, RaftEntryType.Normal, new byte[8]));
        Send(Proposal(99, RaftEntryType.ConfChange, RaftWire.Encode(new RaftConfChange(0, RaftConfChangeType.RemoveNode, 1, []))));
        Send(new RaftMessage { Type = RaftMessageType.Heartbeat, From = 99, To = 1, Term = ulong.MaxValue, Commit = ulong.MaxValue });
        Send(Snapshot(99, [1, 2, 3]));
        Assert.Equal(["not-a-member", "not-a-member", "unknown-sender", "malformed"], _node.Refused.Select(r => r.Reason));
        Assert.Equal((last, true), (_node.Raft.Core.LastIndex, _node.Raft.Core.IsLeader));
        _node.Mine(TestChain.Public(Key, 0));
        Assert.Equal(1ul, _node.Head);
    }

    [Fact]
    public void A_members_proposal_is_checked_before_it_is_appended()
    {
        AddMember(RaftConfChangeType.AddLearnerNode, 2);
        var last = _node.Raft.Core.LastIndex;
        Send(Proposal(2, RaftEntryType.Normal, new byte[8]));
        Send(Proposal(2, RaftEntryType.Normal, ChainStore.GetBlock(_node.Store, 0)!.Encode()));
        Send(Change(2, RaftConfChangeType.RemoveNode, 9));
        Send(Change(2, RaftConfChangeType.UpdateNode, 2));
        Send(Change(2, RaftConfChangeType.AddNode, 3));
        Send(Change(2, RaftConfChangeType.AddNode, 3, Address(4)));
        Send(Change(2, RaftConfChangeType.AddNode, 70_000, Address(3)));
        Send(Proposal(2, RaftEntryType.ConfChange, [0x10, 0x63])); // a change of type 99
        Assert.Equal(Enumerable.Repeat("bad-proposal", 8), _node.Refused.Select(r => r.Reason));
        Assert.All(_node.Refused, r => Assert.NotEmpty(r.Detail!));
        Assert.Equal(last, _node.Raft.Core.LastIndex);

        var other = new SoloNode();
        other.Mine(TestChain.Public(Key, 0));
        Send(Proposal(2, RaftEntryType.Normal, ChainStore.GetBlock(other.Store, 1)!.Encode()));
        Send(Change(2, RaftConfChangeType.AddLearnerNode, 3, Address(3)));
        Assert.Equal((1ul, other.Core.Head.Hash), (_node.Head, _node.Core.Head.Hash));
        Assert.Equal([2ul, 3], _node.Raft.View.Learners);
    }

    [Fact]
    public void Committed_membership_changes_that_are_none_are_passed_over_now_and_after_a_restart()
    {
        AddMember(RaftConfChangeType.AddLearnerNode, 2);
        foreach (var bad in new[]
        {
            new RaftConfChange(0, RaftConfChangeType.UpdateNode, 2, []), new RaftConfChange(0, RaftConfChangeType.AddNode, 7, [1, 2, 3]),
            new RaftConfChange(0, RaftConfChangeType.AddNode, 8, []), new RaftConfChange(0, RaftConfChangeType.AddNode, 0, Address(8)),
            new RaftConfChange(0, (RaftConfChangeType)99, 2, []),
        })
        {
            Assert.True(_node.Raft.Core.ProposeConfChange(bad));
            _node.Step();
        }
        Assert.Equal(5, _node.PassedOver.Count(p => p is { Kind: PassedOverKind.Unreadable, Block: null }));
        Assert.Equal([1ul, 2], _node.Raft.View.Members.Select(m => m.RaftId));
        _node.Start();
        _node.Mine(TestChain.Public(Key, 0));
        Assert.Equal(1ul, _node.Head);
        Assert.Equal([1ul, 2], _node.Raft.View.Members.Select(m => m.RaftId));
    }

    [Fact]
    public void A_removed_id_is_never_added_again()
    {
        AddMember(RaftConfChangeType.AddLearnerNode, 2);
        _node.Raft.Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.RemoveNode, 2, []));
        _node.Step();
        AddMember(RaftConfChangeType.AddLearnerNode, 2);
        Assert.Single(_node.PassedOver);
        Assert.Empty(_node.Raft.View.Learners);
        Send(Proposal(2, RaftEntryType.Normal, new byte[8]));
        Assert.Equal("removed-sender", _node.Refused.Single().Reason);
    }

    [Fact]
    public void A_member_that_the_log_is_about_to_add_can_be_heard_and_answered()
    {
        AddMember(RaftConfChangeType.AddNode, 2); // applied: from now on nothing is committed without it
        _node.Raft.Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.AddNode, 3, Address(3)));
        _node.Step();
        Assert.Contains(3ul, _node.Transport.Introduced);
        Assert.False(_node.Raft.Core.HasMember(3));
        var term = _node.Raft.Core.Term + 1;
        Send(new RaftMessage { Type = RaftMessageType.Vote, From = 3, To = 1, Term = term, Index = 100, LogTerm = term - 1 });
        Assert.Contains(_node.Transport.Sent, m => m is { Type: RaftMessageType.VoteResp, To: 3, Reject: false });
    }

    [Fact]
    public void An_operator_adds_promotes_and_removes_members_and_removed_ids_are_not_used_again()
    {
        Assert.Equal(2ul, Ask(new RaftMembershipRequest.Add(Node(2), AsLearner: true)));
        Assert.Equal([2ul], _node.Raft.View.Learners);
        Assert.Contains("already been added", Refused(new RaftMembershipRequest.Add(Node(2), AsLearner: false)), StringComparison.Ordinal);
        Assert.Contains("using eth p2p",
            Refused(new RaftMembershipRequest.Add(new Enode(Node(3).NodeId, "127.0.0.1", 30_002, 50_003), false)),
            StringComparison.Ordinal);
        Assert.Contains("missing raftport", Refused(new RaftMembershipRequest.Add(new Enode(Node(3).NodeId, "127.0.0.1", 1), false)),
            StringComparison.Ordinal);
        Assert.Contains("1 is not a learner", Refused(new RaftMembershipRequest.Promote(1)), StringComparison.Ordinal);
        Assert.Equal(2ul, Ask(new RaftMembershipRequest.Remove(2)));
        Assert.Equal([1ul], _node.Raft.View.Members.Select(m => m.RaftId));
        Assert.Equal(0ul, Ask(new RaftMembershipRequest.Remove(2)));
        Assert.Equal(3ul, Ask(new RaftMembershipRequest.Add(Node(2), AsLearner: true)));
        Assert.Equal(3ul, Ask(new RaftMembershipRequest.Promote(3)));
        Assert.Empty(_node.Raft.View.Learners);
    }

    private static Enode Node(int id) =>
        new(Convert.ToHexStringLower(TestChain.Signer(id).PublicKey), "127.0.0.1", 30_000 + id, 50_000 + id);

    private string Refused(RaftMembershipRequest request) =>
        Assert.IsType<RaftMembershipException>(Answer(request).Exception!.InnerException).Message;

    private ulong Ask(RaftMembershipRequest request)
    {
        var answer = Answer(request);
        Assert.True(answer.IsCompletedSuccessfully && answer.Result.IsCommitted);
        return answer.Result.Id;
    }

    private Task<RaftChangeOutcome> Answer(RaftMembershipRequest request)
    {
        var answer = new Reply<RaftChangeOutcome>();
        foreach (var given in _node.Step(new RaftInput.ChangeMembership(request, answer)).Answers) given.Deliver();
        return answer.Task;
    }

    [Fact]
    public async Task A_change_that_is_not_committed_is_told_after_a_while_and_asked_for_again_it_is_the_same()
    {
        AddMember(RaftConfChangeType.AddNode, 2); // from now on nothing is committed without it
        var last = _node.Raft.Core.LastIndex;
        var request = new RaftMembershipRequest.Add(Node(3), AsLearner: false);
        var first = Answer(request);
        Assert.Equal((last + 1, false), (_node.Raft.Core.LastIndex, first.IsCompleted));
        Assert.Contains("another change", Refused(new RaftMembershipRequest.Add(Node(4), AsLearner: false)), StringComparison.Ordinal);
        Deliver(_node.After(RaftChanges.WaitMs - 1));
        Assert.False(first.IsCompleted);
        Deliver(_node.After(1));
        Assert.Equal(new RaftChangeOutcome(3, IsCommitted: false), await first);

        var again = Answer(request with { });
        Assert.Equal((last + 1, false), (_node.Raft.Core.LastIndex, again.IsCompleted));
        Deliver(_node.Step(new RaftInput.Message(
            new RaftMessage { Type = RaftMessageType.AppResp, From = 2, To = 1, Term = _node.Raft.Core.Term, Index = last + 1 })));
        Assert.Equal(new RaftChangeOutcome(3, IsCommitted: true), await again);
        Assert.Equal([1ul, 2, 3], _node.Raft.View.Members.Select(m => m.RaftId));
        Assert.Contains("already been added", Refused(request), StringComparison.Ordinal);
    }

    private static void Deliver(NodeEffects effects)
    {
        foreach (var answer in effects.Answers) answer.Deliver();
    }

    [Fact]
    public void A_leader_without_quorum_mints_nothing_and_goes_on_when_it_is_heard_again()
    {
        AddMember(RaftConfChangeType.AddNode, 2);
        Tick(13);
        Assert.False(_node.Raft.View.HasQuorum);
        var last = _node.Raft.Core.LastIndex;
        var waiting = _node.Mine(TestChain.Public(Key, 0));
        Assert.Equal((last, true, (long?)null), (_node.Raft.Core.LastIndex, _node.Raft.Core.IsLeader, waiting.WakeAt));
        Send(new RaftMessage { Type = RaftMessageType.HeartbeatResp, From = 2, To = 1, Term = _node.Raft.Core.Term });
        Assert.True(_node.Raft.View.HasQuorum);
        Assert.Equal(last + 1, _node.Raft.Core.LastIndex);
        Send(new RaftMessage { Type = RaftMessageType.AppResp, From = 2, To = 1, Term = _node.Raft.Core.Term, Index = last + 1 });
        Assert.Equal(1ul, _node.Head);
    }

    [Fact]
    public void A_catch_up_that_fails_is_told_and_tried_again()
    {
        var target = QuorumMesh.Primitives.Keccak.Hash([1]);
        var (term, conf) = (_node.Raft.Core.Term, new RaftConfState([1, 2], []));
        AddMember(RaftConfChangeType.AddNode, 2);
        Send(new RaftMessage { Type = RaftMessageType.Heartbeat, From = 2, To = 1, Term = term + 1 });
        Assert.Equal(2ul, _node.Raft.Core.Leader);
        Send(new RaftMessage
        {
            Type = RaftMessageType.Snap,
            From = 2,
            To = 1,
            Term = term + 1,
            Snapshot = new RaftSnapshot(new RaftSnapshotData([RaftAddress.Decode(Address(1)), RaftAddress.Decode(Address(2))], [], target)
                .Encode(), conf, 500, term + 1),
        });
        var effects = _node.Step(
            new RaftInput.Message(new RaftMessage
            {
                Type = RaftMessageType.App,
                From = 2,
                To = 1,
                Term = term + 1,
                Index = 500,
                LogTerm = term + 1
            }));
        Assert.Equal(target, effects.Sync!.Value.Target);
        Assert.Null(_node.Step(new NodeInput.SyncFailed(target, "it is on another chain")).Sync);
        Assert.Contains("another chain", _node.Core.SyncFailure, StringComparison.Ordinal);
        Assert.Equal(target, _node.After(10_000).Sync!.Value.Target);
        Assert.Null(_node.After(10_000).Sync);
    }

    private static byte[] Address(ulong id) =>
        new RaftAddress(id, TestChain.Signer((int)id).PublicKey, "127.0.0.1", 30_000 + (int)id, 50_000 + (int)id).Encode();

    private static RaftMessage Proposal(ulong from, RaftEntryType type, byte[] data) =>
        new() { Type = RaftMessageType.Prop, From = from, To = 1, Entries = [new RaftEntry(0, 0, type, data)] };

    private static RaftMessage Change(ulong from, RaftConfChangeType type, ulong id, byte[]? context = null) =>
        Proposal(from, RaftEntryType.ConfChange, RaftWire.Encode(new RaftConfChange(0, type, id, context ?? [])));

    private static RaftMessage Snapshot(ulong from, byte[] data) =>
        new()
        {
            Type = RaftMessageType.Snap,
            From = from,
            To = 1,
            Term = 9,
            Snapshot = new RaftSnapshot(data, new RaftConfState([99], []), 1_000, 9)
        };

    private void Send(RaftMessage message) => _node.Step(new RaftInput.Message(message));

    private void AddMember(RaftConfChangeType type, ulong id)
    {
        Assert.True(_node.Raft.Core.ProposeConfChange(new RaftConfChange(0, type, id, Address(id))));
        _node.Step();
    }

    private void Tick(int count)
    {
        for (var i = 0; i < count; i++) _node.Core.Tick();
        _node.Step();
    }
}
