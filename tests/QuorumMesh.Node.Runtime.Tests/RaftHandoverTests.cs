using System.Text;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Leadership is handed over when an operator asks for it, and before a stop; and what raft_explain hears of the loop.</summary>
public sealed class RaftHandoverTests
{
    private const ulong Own = 1;

    private readonly MemberNode _node = new();

    [Fact]
    public async Task The_member_whose_log_is_closest_is_asked_and_the_answer_comes_once_it_leads()
    {
        Lead();
        var answer = Ask(null);
        var asked = Assert.Single(_node.Transport.Sent, m => m.Type == RaftMessageType.TimeoutNow);
        Assert.Equal(2ul, asked.To);
        Assert.False(answer.IsCompleted);

        TakeOver(2);
        Assert.Equal(2ul, await answer);
        Assert.Equal((2ul, RaftRole.Follower), (_node.Raft.View.Leader, _node.Raft.View.Role));
    }

    [Fact]
    public async Task When_nobody_takes_over_it_leads_on_and_says_so()
    {
        Lead();
        var answer = Ask(null);
        Pass(ticks: 40);
        Assert.Contains("this node leads on", (await Assert.ThrowsAsync<RaftMembershipException>(() => answer)).Message,
            StringComparison.Ordinal);
        Assert.True(_node.Raft.Core.IsLeader);
        Assert.Equal(0ul, _node.Raft.Core.TransferTarget);
    }

    /// <summary>It could propose nothing: a block would be executed for nothing, again and again.</summary>
    [Fact]
    public async Task Nothing_is_minted_while_leadership_is_handed_over()
    {
        Lead();
        var answer = Ask(3);
        await _node.SubmitAsync(0);
        _node.After(60);
        var report = await ReportAsync();
        Assert.Equal((3ul, 1, 0), (report.Core.TransferTarget, report.Pending, report.Proposed));
        Assert.Null(report.NextMintMs);
        Pass(ticks: 40);
        await Assert.ThrowsAsync<RaftMembershipException>(() => answer);
        Assert.Equal(1, (await ReportAsync()).Proposed);
    }

    [Fact]
    public async Task Without_anybody_close_enough_nothing_is_begun()
    {
        Lead(acknowledged: false);
        var refused = await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(null));
        Assert.StartsWith("no other voting member is heard", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_node.Transport.Sent, m => m.Type == RaftMessageType.TimeoutNow);
    }

    /// <summary>An operator may name a member that is not close: it has an election timeout to get the rest.</summary>
    [Fact]
    public async Task A_named_member_is_given_the_rest_of_the_log_first()
    {
        Lead();
        var answer = Ask(3);
        Assert.DoesNotContain(_node.Transport.Sent, m => m.Type == RaftMessageType.TimeoutNow);
        Say(3, RaftMessageType.AppResp, _node.Raft.Core.LastIndex);
        Assert.Single(_node.Transport.Sent, m => m is { Type: RaftMessageType.TimeoutNow, To: 3 });
        TakeOver(3);
        Assert.Equal(3ul, await answer);
    }

    [Fact]
    public async Task Another_than_the_named_member_is_told()
    {
        Lead();
        var answer = Ask(3);
        TakeOver(2);
        Assert.Equal("raft id 2 leads now, and not 3", (await Assert.ThrowsAsync<RaftMembershipException>(() => answer)).Message);
    }

    [Fact]
    public async Task A_follower_has_nothing_to_hand_over_and_names_the_leader()
    {
        Assert.Equal("no leader is currently elected", (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(null))).Message);
        _node.Step(_node.Committed(term: 2));
        Assert.Equal(2ul, await Ask(null));
        Assert.Equal(2ul, await Ask(2));
        Assert.Equal("this node does not lead: ask raft id 2, which does",
            (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(3))).Message);
    }

    [Fact]
    public async Task Strangers_learners_and_the_leader_itself_are_told_apart()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Add(4, RaftConfChangeType.AddLearnerNode)));
        Lead();
        Assert.Equal(Own, await Ask(Own));
        Assert.Contains("is no member",
            (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(9))).Message, StringComparison.Ordinal);
        Assert.Contains("is a learner",
            (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(4))).Message, StringComparison.Ordinal);
        var first = Ask(2);
        Assert.Contains("to another member",
            (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(3))).Message, StringComparison.Ordinal);
        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task A_removed_node_hands_nothing_over()
    {
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(Own)));
        Assert.Contains("not part of raft cluster", (await Assert.ThrowsAsync<RaftMembershipException>(() => Ask(null))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_report_has_the_members_logs_and_when_they_were_heard()
    {
        Lead();
        _node.After(120);
        var report = await ReportAsync();
        Assert.Equal((RaftRole.Leader, 2, Own), (report.Core.Role, report.Core.Quorum, report.Core.Leader));
        Assert.Equal([1ul, 2, 3], report.Core.Members.Select(m => m.Id));
        var sent = report.Core.Members[1].Sent!;
        Assert.Equal((report.Core.LastIndex, "replicate"), (sent.Match, sent.State));
        Assert.Equal("probe", report.Core.Members[2].Sent!.State);
        Assert.Null(report.Core.Members[0].Sent);
        Assert.Equal(new RaftHeard(120, "AppResp"), report.Heard[2]);
        Assert.False(report.Heard.ContainsKey(3));
        Assert.Equal((0, 0, false, false), (report.Pending, report.Proposed, report.IsPipelineFull, report.IsWaitingForBlocks));
    }

    [Fact]
    public async Task A_full_pipeline_is_reported_and_what_was_removed_is_forgotten()
    {
        Lead();
        for (var nonce = 0UL; nonce < 6; nonce++)
        {
            await _node.SubmitAsync(nonce);
            _node.After(60);
        }
        var report = await ReportAsync();
        Assert.True(report.IsPipelineFull);
        Assert.Equal((4, 6), (report.Proposed, report.Pending));

        Say(3, RaftMessageType.HeartbeatResp, 0);
        Assert.True((await ReportAsync()).Heard.ContainsKey(3));
        _node.Step(_node.Committed(term: 9, MemberNode.Remove(3)));
        Assert.False((await ReportAsync()).Heard.ContainsKey(3));
    }

    private void Lead(bool acknowledged = true)
    {
        for (var ticks = 0; _node.Raft.Core.Role != RaftRole.Candidate; ticks++)
        {
            Assert.True(ticks < 50, "no election");
            _node.Tick(1);
        }
        Say(2, RaftMessageType.VoteResp, 0);
        Assert.True(_node.Raft.Core.IsLeader);
        if (acknowledged) Say(2, RaftMessageType.AppResp, _node.Raft.Core.LastIndex);
        _node.Transport.Sent.RemoveAll(m => m.Type == RaftMessageType.TimeoutNow);
    }

    /// <summary>The member campaigns, because it was told to, wins with the third's vote, and says that it leads.</summary>
    private void TakeOver(ulong id)
    {
        var core = _node.Raft.Core;
        var (term, index) = (core.Term + 1, core.LastIndex);
        Take(Message(id, RaftMessageType.Vote, index, term) with
        {
            LogTerm = core.Term,
            Context = Encoding.ASCII.GetBytes("CampaignTransfer"),
        });
        Take(Message(id, RaftMessageType.Heartbeat, 0, term));
    }

    private Task<ulong> Ask(ulong? target)
    {
        var answer = new Reply<ulong>();
        Deliver(_node.Step(new RaftInput.TransferLeadership(target, answer)));
        return answer.Task;
    }

    private async Task<RaftReport> ReportAsync()
    {
        var answer = new Reply<RaftReport>();
        Deliver(_node.Step(new RaftInput.Explain(answer)));
        Assert.True(answer.Task.IsCompleted);
        return await answer.Task;
    }

    private void Pass(int ticks)
    {
        for (var i = 0; i < ticks; i++)
        {
            _node.Core.Tick();
            Deliver(_node.After(50));
        }
    }

    private void Say(ulong from, RaftMessageType type, ulong index) =>
        Take(Message(from, type, index, _node.Raft.Core.Term));

    private void Take(RaftMessage message) => Deliver(_node.Step(new RaftInput.Message(message)));

    private static RaftMessage Message(ulong from, RaftMessageType type, ulong index, ulong term) =>
        new() { Type = type, From = from, To = Own, Term = term, Index = index };

    private static void Deliver(NodeEffects effects)
    {
        foreach (var answer in effects.Answers) answer.Deliver();
    }
}
