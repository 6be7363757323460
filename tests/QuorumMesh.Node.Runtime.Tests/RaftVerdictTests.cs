using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What raft_explain says of each state that a member of three can be in. Member 1 is asked.</summary>
public sealed class RaftVerdictTests
{
    [Fact]
    public void Nothing_waits_at_the_leader() => Says(Leading(), "no transaction waits", "send a transaction");

    [Fact]
    public void Nothing_waits_at_a_follower() =>
        Says(Following(), "no transaction waits at this node, which follows raft id 2 (127.0.0.1:50402)", "send a transaction");

    [Fact]
    public void A_removed_node_follows_nothing() =>
        Says(Leading() with { View = View(2) with { HasLeft = true } }, "removed from the Raft cluster", "raft_addPeer");

    [Fact]
    public void A_node_on_another_chain_says_which_block_differs() => Says(
        Leading() with { Conflict = new HeadConflict(7, Hash256.EmptyTrie, default, 2, 3) }, "another chain than most members: block 7",
        "empty data directory");

    [Fact]
    public void A_loop_that_does_not_answer_is_busy() =>
        Says(Leading() with { Report = null, Busy = TimeSpan.FromSeconds(12.3) }, "busy with one batch for 12.3 s", "disk");

    [Fact]
    public void A_log_that_lost_entries_is_told() =>
        Says(Following(core => core with { OwesEntries = true }), "lost entries that it acknowledged", "raft_removePeer");

    [Fact]
    public void A_member_that_joins_knows_nobody() =>
        Says(Following(core => core with { Members = [], Leader = 0 }), "does not know the cluster's members", "raft_addPeer");

    [Fact]
    public void A_lost_majority_is_counted_and_named() => Says(
        Following(core => core with { Leader = 0 }) with { Links = Links(streams: 0) },
        "1 of 3 voting members can be reached and 2 are needed; not reached: raft id 2 (127.0.0.1:50402), raft id 3 (127.0.0.1:50403)",
        "qmesh raft recover");

    [Fact]
    public void An_election_is_under_way() =>
        Says(Following(core => core with { Leader = 0, Role = RaftRole.Candidate, Term = 9 }), "election is under way in term 9", "wait");

    [Fact]
    public void A_learner_without_a_leader_has_no_vote() => Says(
        Following(core => core with
        {
            Leader = 0,
            Quorum = 2,
            Members = [Member(1, isLearner: true), Member(2), Member(3)],
        }), "has no vote", "voting member");

    [Fact]
    public void A_leader_that_hears_no_majority_names_the_silent() => Says(
        Leading(core => core with { HasQuorum = false, Members = [Member(1), Sent(2, silent: 80), Sent(3, silent: 90)] }),
        "fewer than the 2 voting members that are needed: it mints nothing; silent: raft id 2 (127.0.0.1:50402), raft id 3",
        "network between the members");

    [Fact]
    public void Blocks_before_a_snapshot_are_fetched() => Says(
        Following(report: r => r with { IsWaitingForBlocks = true }) with { Sync = new SyncProgress(1, 40, 90) }, "block 40 of 90", "wait");

    [Fact]
    public void Blocks_that_cannot_be_fetched_say_why() => Says(
        Following(report: r => r with { IsWaitingForBlocks = true }) with { SyncFailure = "nobody has block 40" },
        "cannot fetch them: nobody has block 40", "p2p ports");

    [Fact]
    public void A_transfer_is_under_way() =>
        Says(Leading(core => core with { TransferTarget = 3 }), "being handed over to raft id 3", "wait");

    [Fact]
    public void A_full_pipeline_names_who_has_not_acknowledged() => Says(
        Leading(core => core with { LastIndex = 20, Members = [Member(1), Sent(2, match: 20), Sent(3, match: 12)] },
            r => r with { IsPipelineFull = true, Proposed = 4, Pending = 9 }),
        "4 blocks are proposed and not committed yet: acknowledgements are missing from raft id 3 (127.0.0.1:50403)", "disks");

    [Fact]
    public void Blocks_on_their_way_are_waited_for() =>
        Says(Leading(report: r => r with { Proposed = 1, Pending = 3 }), "1 blocks are on their way", "wait");

    [Fact]
    public void The_next_block_is_due() =>
        Says(Leading(report: r => r with { Pending = 3, NextMintMs = 41 }),
            "3 transactions wait, and the next block is due in 41 ms", "wait");

    [Fact]
    public void A_follower_that_lost_its_leader_says_so() => Says(
        Following(report: r => r with { Heard = new Dictionary<ulong, RaftHeard> { [2] = new(1_500, "Heartbeat") } }) with
        {
            Links = Links(streams: 0),
        }, "lost the connection", "another is elected");

    [Fact]
    public void Transactions_that_cannot_reach_the_leader_are_told() => Says(
        Following(report: r => r with { Pending = 2 }) with { Links = Links(isPeer: false) },
        "2 transactions wait at this node, and its p2p connection to raft id 2", "admin_peers");

    [Fact]
    public void Transactions_that_wait_for_the_leader_send_the_operator_there() =>
        Says(Following(report: r => r with { Pending = 2 }), "2 transactions wait at this node, which follows raft id 2", "raft_explain");

    [Fact]
    public void What_is_slow_is_told_beside_it()
    {
        var facts = Leading(
            core => core with
            {
                LastIndex = 5_000,
                Committed = 4_000,
                Applied = 3_990,
                Members = [Member(1), Sent(2, match: 10), Sent(3, state: "snapshot")],
            },
            r => r with { FlushTime = TimeSpan.FromMilliseconds(250) }) with
        {
            Busy = TimeSpan.FromSeconds(2.5),
            Head = 30,
            Private = new PrivateHeadStatus(28, null, "the manager is away"),
            Links = new Dictionary<ulong, RaftMemberLink>
            {
                [2] = new(2, true, new RaftProbe(TimeSpan.FromMilliseconds(2), TimeSpan.FromSeconds(-4))),
                [3] = new(0, true, null),
            },
        };
        var others = string.Join("\n", RaftVerdict.Of(facts).Others);
        foreach (var told in new[]
        {
            "the last batch took 2.5 s", "10 committed entries are not applied yet", "1000 entries are not committed yet",
            "the last flush of the Raft log took 250 ms", "raft id 2 is 4990 entries behind",
            "raft id 3 is behind what the log still holds",
            "no Raft stream is open from raft id 3 (127.0.0.1:50403)", "the clock of raft id 2 is 4.0 s behind",
            "the private head stands at block 28 of 30, which holds up no public block: the manager is away",
        }) Assert.Contains(told, others, StringComparison.Ordinal);
    }

    private static void Says(RaftFacts facts, string verdict, string advice)
    {
        var said = RaftVerdict.Of(facts);
        Assert.Contains(verdict, said.Verdict, StringComparison.Ordinal);
        Assert.Contains(advice, said.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flush_of_the_journal_that_does_not_end_is_told()
    {
        Assert.DoesNotContain(RaftVerdict.Of(Leading()).Others, reason => reason.Contains("journal", StringComparison.Ordinal));
        var others = RaftVerdict.Of(Leading() with { JournalFlush = TimeSpan.FromSeconds(12) }).Others;
        Assert.Contains(
            others, reason => reason.StartsWith("one flush of the transaction journal has taken 12.0 s", StringComparison.Ordinal));
    }

    private static RaftFacts Leading(Func<RaftExplanation, RaftExplanation>? core = null, Func<RaftReport, RaftReport>? report = null) =>
        Facts(1, [Member(1), Sent(2, match: 20), Sent(3, match: 20)], core, report);

    private static RaftFacts Following(Func<RaftExplanation, RaftExplanation>? core = null, Func<RaftReport, RaftReport>? report = null) =>
        Facts(2, [Member(1), Member(2), Member(3)], core, report);

    private static RaftFacts Facts(ulong leader, IReadOnlyList<RaftMemberExplanation> members,
        Func<RaftExplanation, RaftExplanation>? core, Func<RaftReport, RaftReport>? report)
    {
        var explanation = new RaftExplanation
        {
            Id = 1,
            Term = 3,
            Role = leader == 1 ? RaftRole.Leader : RaftRole.Follower,
            Leader = leader,
            Quorum = 2,
            HasQuorum = true,
            LastIndex = 20,
            Committed = 20,
            Applied = 20,
            OwesEntries = false,
            TransferTarget = 0,
            IsPreVoteOn = true,
            Members = members,
        };
        var whole = new RaftReport
        {
            Core = core?.Invoke(explanation) ?? explanation,
            Heard = new Dictionary<ulong, RaftHeard> { [2] = new(12, "Heartbeat") },
            Pending = 0,
            Proposed = 0,
            IsPipelineFull = false,
            NextMintMs = null,
            IsWaitingForBlocks = false,
            FlushTime = TimeSpan.Zero,
        };
        return new RaftFacts
        {
            Report = report?.Invoke(whole) ?? whole,
            View = View(leader),
            OwnId = 1,
            Links = Links(),
            Busy = TimeSpan.Zero,
            Progress = new NodeProgress(0, 0),
            Private = new PrivateHeadStatus(30, null, null),
            Head = 30,
        };
    }

    private static RaftView View(ulong leader) => new(leader, RaftRole.Follower, [], [.. Enumerable.Range(1, 3).Select(
        i => new RaftAddress((ulong)i, TestChain.Signer(i).PublicKey, "127.0.0.1", 30_300 + i, 50_400 + i))]);

    private static Dictionary<ulong, RaftMemberLink> Links(int streams = 2, bool isPeer = true) =>
        new() { [2] = new(streams, isPeer, null), [3] = new(streams, isPeer, null) };

    private static RaftMemberExplanation Member(ulong id, bool isLearner = false) => new(id, isLearner, HasAnnounced: true, Sent: null);

    private static RaftMemberExplanation Sent(ulong id, ulong match = 20, string state = "replicate", long silent = 1) =>
        new(id, IsLearner: false, HasAnnounced: true, new RaftSentExplanation(match, match + 1, state, 0, IsPaused: false, silent));
}
