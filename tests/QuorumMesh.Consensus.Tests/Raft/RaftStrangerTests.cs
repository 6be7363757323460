using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>
/// What a message may say and from whom: nothing that the network sends throws, stops a member or moves it where its log does not
/// lead.
/// </summary>
public sealed class RaftStrangerTests
{
    private readonly RaftNetwork _network = new(3);

    public RaftStrangerTests()
    {
        _network.Elect(1);
        for (byte i = 1; i <= 5; i++) _network.Propose(1, i);
        _network.Tick();
    }

    private RaftCore Follower => _network[2].Core;

    private RaftMessage From(ulong id, RaftMessageType type) => new() { Type = type, From = id, To = 2, Term = Follower.Term };

    [Theory]
    [InlineData(RaftMessageType.Snap, RaftRefusal.NotTheLeader)]
    [InlineData(RaftMessageType.Vote, RaftRefusal.UnknownSender)]
    [InlineData(RaftMessageType.PreVote, RaftRefusal.UnknownSender)]
    [InlineData(RaftMessageType.TimeoutNow, RaftRefusal.NotTheLeader)]
    [InlineData(RaftMessageType.App, RaftRefusal.NotTheLeader)]
    [InlineData(RaftMessageType.Heartbeat, RaftRefusal.NotTheLeader)]
    [InlineData(RaftMessageType.Prop, RaftRefusal.NotAMember)]
    [InlineData(RaftMessageType.AppResp, RaftRefusal.NotAMember)]
    [InlineData(RaftMessageType.HeartbeatResp, RaftRefusal.NotAMember)]
    [InlineData(RaftMessageType.VoteResp, RaftRefusal.NotAMember)]
    [InlineData(RaftMessageType.PreVoteResp, RaftRefusal.NotAMember)]
    [InlineData(RaftMessageType.TransferLeader, RaftRefusal.NotAMember)]
    public void A_strangers_message_changes_nothing_on_any_member(RaftMessageType type, RaftRefusal reason)
    {
        foreach (var member in _network.All)
        {
            var before = (member.Core.Hard, member.Core.Soft);
            foreach (var term in new[] { member.Core.Term, member.Core.Term + 1, ulong.MaxValue })
            {
                var expected = term > member.Core.Term && type is RaftMessageType.App or RaftMessageType.Heartbeat
                    ? RaftRefusal.UnknownSender : reason;
                Assert.Equal(expected, member.Core.Step(
                    Whole(type) with { To = member.Id, Term = type == RaftMessageType.Prop ? 0 : term }));
            }
            Assert.Equal(before, (member.Core.Hard, member.Core.Soft));
            Assert.Empty(member.Drain());
        }
    }

    private static RaftMessage Whole(RaftMessageType type) => new()
    {
        Type = type,
        From = 99,
        LogTerm = 1,
        Index = 1_000,
        Commit = 1_000_000,
        Snapshot = type == RaftMessageType.Snap ? new RaftSnapshot([1], new RaftConfState([99], []), 1_000, 1) : null,
        Entries = type == RaftMessageType.Prop ? [new RaftEntry(0, 0, RaftEntryType.Normal, new byte[8])] : [],
    };

    [Theory]
    [InlineData(RaftMessageType.Heartbeat)]
    [InlineData(RaftMessageType.App)]
    [InlineData(RaftMessageType.Vote)]
    [InlineData(RaftMessageType.PreVote)]
    [InlineData(RaftMessageType.VoteResp)]
    [InlineData(RaftMessageType.AppResp)]
    public void A_term_or_an_index_that_jumps_is_refused_from_a_member_too(RaftMessageType type)
    {
        var before = (Follower.Hard, Follower.Soft);
        Assert.Equal(RaftRefusal.TermJump, Follower.Step(From(1, type) with { Term = ulong.MaxValue }));
        Assert.Equal(RaftRefusal.TermJump, Follower.Step(From(1, type) with { Term = Follower.Term + RaftCore.MaxJump + 1 }));
        Assert.Equal(RaftRefusal.IndexJump, Follower.Step(From(1, type) with { Index = ulong.MaxValue }));
        Assert.Equal(RaftRefusal.IndexJump, Follower.Step(From(1, type) with { Commit = Follower.LastIndex + RaftCore.MaxJump + 1 }));
        Assert.Equal(before, (Follower.Hard, Follower.Soft));
        Assert.Equal(RaftRefusal.None, Follower.Step(From(1, type) with { Term = Follower.Term + 1_000 }));
    }

    [Fact]
    public void The_commit_index_never_passes_the_own_log_and_one_that_lost_entries_does_not_vote_until_it_has_them()
    {
        var (last, term) = (Follower.LastIndex, Follower.Term);
        Assert.Equal(RaftRefusal.PastLog, Follower.Step(From(1, RaftMessageType.Heartbeat) with { Commit = last + 2 }));
        Assert.Equal((last, 1ul), (Follower.Committed, Follower.Leader));
        Assert.Equal(RaftMessageType.HeartbeatResp, _network[2].Drain().Single().Type);
        Follower.Campaign();
        Assert.Equal((RaftRole.Follower, term), (Follower.Role, Follower.Term));
        Follower.Step(From(3, RaftMessageType.Vote) with { Term = term + 1, Index = last + 9, LogTerm = term });
        Assert.DoesNotContain(_network[2].Drain(), m => m is { Type: RaftMessageType.VoteResp, Reject: false });
        _network.Tick(40); // the leader learns the term of member 2, which cannot campaign itself
        for (byte i = 0; i < 3; i++) _network.Propose(_network.Leader.Id, i);
        _network.Tick();
        Assert.NotEqual(2ul, _network.Leader.Id);
        Follower.Campaign();
        Assert.Equal(RaftRole.Candidate, Follower.Role);
    }

    [Fact]
    public void An_append_that_contradicts_what_is_committed_is_refused()
    {
        var committed = Follower.Committed;
        var entry = new RaftEntry(Follower.Term + 1, committed, RaftEntryType.Normal, [9]);
        Assert.Equal(RaftRefusal.Conflict, Follower.Step(From(3, RaftMessageType.App) with
        {
            Term = Follower.Term + 1,
            Index = committed - 1,
            LogTerm = Follower.Term,
            Entries = [entry],
            Commit = committed,
        }));
        Assert.Equal(RaftRefusal.Conflict,
            Follower.Step(From(3, RaftMessageType.App) with { Index = committed, LogTerm = Follower.Term - 1, Term = Follower.Term + 1 }));
        Assert.Equal(committed, Follower.Committed);
    }

    [Fact]
    public void A_snapshot_in_the_leaders_name_has_no_effect_before_the_leader_goes_on_after_it()
    {
        var conf = Follower.ConfState;
        var forged = From(1, RaftMessageType.Snap) with
        {
            Term = Follower.Term + 5,
            Snapshot = new RaftSnapshot([1], new RaftConfState([99], []), 500, Follower.Term)
        };
        var before = (Follower.Hard, Follower.Soft);
        Assert.Equal(RaftRefusal.None, Follower.Step(forged));
        Assert.Equal(before, (Follower.Hard, Follower.Soft));
        Assert.Empty(_network[2].Drain());
        _network.Propose(1, 42);
        _network.Tick(3);
        Assert.Equal(conf.Voters, Follower.ConfState.Voters);
        Assert.Contains((byte)42, _network[2].Values);
    }

    [Fact]
    public void Two_snapshots_of_one_index_that_differ_are_both_dropped()
    {
        var real = From(1, RaftMessageType.Snap)
            with
        { Snapshot = new RaftSnapshot([1], new RaftConfState([1, 2, 3], []), 500, Follower.Term) };
        Assert.Equal(RaftRefusal.None, Follower.Step(real));
        Assert.Equal(RaftRefusal.None, Follower.Step(real));
        Assert.Equal(RaftRefusal.DoubtfulSnapshot,
            Follower.Step(real with { Snapshot = real.Snapshot! with { ConfState = new RaftConfState([99], []) } }));
        Follower.Step(From(1, RaftMessageType.App) with { Index = 500, LogTerm = Follower.Term });
        Assert.True(_network[2].Drain().Single().Reject);
    }

    [Fact]
    public void One_of_ours_stands_by_its_snapshot_with_a_digest_and_no_other_is_taken_in_its_name()
    {
        _network.AnnouncePreVote();
        _network.Isolate(2);
        for (byte i = 10; i < 20; i++) _network.Propose(1, i);
        var at = _network[1].Core.Applied;
        _network[1].Log.CreateSnapshot(at, _network[1].ConfState, [77]);
        _network[1].Log.Compact(at);
        var forged = From(1, RaftMessageType.Snap)
            with
        { Snapshot = new RaftSnapshot([66], new RaftConfState([99], []), at, _network[1].Core.Term) };
        _network.Filter = m => m.To != 2 || m.Type is not (RaftMessageType.Snap or RaftMessageType.Heartbeat);
        _network[1].Core.ReportUnreachable(2);
        Assert.Equal(RaftRefusal.None, Follower.Step(forged)); // it is there first
        var real = new RaftMessage
        {
            Type = RaftMessageType.Snap,
            From = 1,
            To = 2,
            Term = Follower.Term,
            Snapshot = _network[1].Log.Snapshot()
        };
        Follower.Step(From(1, RaftMessageType.App) with { Index = at, LogTerm = Follower.Term });
        Assert.True(_network[2].Drain().Single().Reject); // for GoQuorum's leader this would do
        _network.Heal();
        for (var i = 0; i < 4; i++)
        {
            _network.Tick();
            Follower.Step(forged);
            Follower.Step(real);
            Follower.Step(forged);
            _network.Settle();
        }
        Assert.Equal((at, (byte)77), (_network[2].Installed!.Index, _network[2].Installed!.Data[0]));
        Assert.Equal([1ul, 2, 3], Follower.ConfState.Voters);
    }

    [Fact]
    public void A_leader_added_after_the_own_applied_index_is_followed_once_it_was_introduced()
    {
        _network.Isolate(2);
        _network.Add(4);
        Assert.True(_network[1].Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.AddNode, 4, [])));
        _network.Settle();
        _network.Tick(3);
        _network.Elect(4);
        _network.Heal();
        _network.Propose(4, 77);
        _network.Tick(3);
        Assert.DoesNotContain((byte)77, _network[2].Values);
        Follower.Introduce(4);
        _network.Tick(3);
        Assert.Equal((4ul, true), (Follower.Leader, _network[2].Values.Contains((byte)77)));
        Assert.Equal([1ul, 2, 3, 4], Follower.ConfState.Voters);
    }

    [Fact]
    public void A_leader_that_hears_no_majority_says_so_and_again_when_it_does()
    {
        Assert.True(_network[1].Core.HasQuorum && Follower.HasQuorum);
        _network.Isolate(2);
        _network.Tick(30);
        Assert.True(_network[1].Core is { HasQuorum: true, IsLeader: true });
        _network.Isolate(2, 3);
        _network.Tick(13);
        Assert.False(_network[1].Core.HasQuorum);
        Assert.False(Follower.HasQuorum);
        Assert.True(_network[1].Core.IsLeader); // GoQuorum's leader stays one too
        _network.Isolate(2);
        _network.Tick(30);
        Assert.True(_network.Leader.Core.HasQuorum);
    }

    [Fact]
    public void Pre_vote_and_check_quorum_are_on_only_while_every_member_has_announced_them()
    {
        var network = new RaftNetwork(3, c => c with { PreVote = true });
        network.Elect(1);
        Assert.False(network[1].Core.IsPreVoteOn);
        network.AnnouncePreVote();
        Assert.True(network[1].Core.IsPreVoteOn);
        network.Add(4);
        Assert.True(network[1].Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.AddNode, 4, [])));
        network.Settle();
        network.Tick(2);
        Assert.All(network.All, m => Assert.False(m.Core.IsPreVoteOn)); // one that may be GoQuorum's has come
        network.AnnouncePreVote();
        Assert.True(network[1].Core.IsPreVoteOn);
        network[1].Core.Announce(3, preVote: false);
        Assert.False(network[1].Core.IsPreVoteOn);
    }

    [Fact]
    public void With_check_quorum_a_leader_that_is_cut_off_stops_leading()
    {
        var network = new RaftNetwork(3, c => c with { PreVote = true });
        network.AnnouncePreVote();
        network.Elect(1);
        network.Isolate(1);
        network.Tick(14);
        Assert.False(network[1].Core.IsLeader);
        network.Heal();
        network.Tick(30);
        Assert.True(network.Propose(network.Leader.Id, 1));
        Assert.All(network.All, m => Assert.Equal(network.Leader.Id, m.Core.Leader));
    }

    [Fact]
    public void A_member_without_pre_vote_that_campaigned_alone_is_not_stranded()
    {
        // Member 3 is a GoQuorum: it neither announces nor asks before it campaigns.
        var network = new RaftNetwork(3, c => c with { PreVote = c.Id != 3 });
        network.AnnouncePreVote(exceptOf: 3);
        network.Elect(1);
        network.Isolate(3);
        network.Tick(60);
        Assert.True(network[3].Core.Term > network[1].Core.Term);
        network.Heal();
        network.Tick(60);
        network.Propose(network.Leader.Id, 9);
        network.Tick(2);
        Assert.Contains((byte)9, network[3].Values);
    }

    [Fact]
    public void No_message_throws()
    {
        var random = new Random(7);
        ulong Number() => random.Next(6) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => (ulong)random.Next(20),
            3 => Follower.LastIndex,
            4 => Follower.Term,
            _ => (ulong)random.NextInt64()
        };
        for (var i = 0; i < 50_000; i++)
        {
            var index = Number();
            _network[2].Core.Step(new RaftMessage
            {
                Type = (RaftMessageType)random.Next(19),
                From = (ulong)random.Next(5),
                To = 2,
                Term = random.Next(4) == 0 ? Number() : Follower.Term + (ulong)random.Next(2),
                Index = index,
                LogTerm = Number(),
                Commit = Number(),
                RejectHint = Number(),
                Reject = random.Next(2) == 0,
                Entries = [.. Enumerable.Range(0, random.Next(3))
                    .Select(n => new RaftEntry(random.Next(2) == 0 ? Follower.Term : Number(), index + 1 + (ulong)n,
                    (RaftEntryType)random.Next(2), []))],
                Snapshot = random.Next(3) == 0 ? new RaftSnapshot([], new RaftConfState([1, 2, 3], []), Number(), Number()) : null,
            });
            if (i % 7 == 0) Follower.Tick();
            if (i % 3 == 0) _network[2].DrainUnreadable();
        }
    }
}
