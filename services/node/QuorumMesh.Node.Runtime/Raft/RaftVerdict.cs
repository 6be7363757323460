using System.Globalization;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Why there is no block, in plain words. Pure.</summary>
/// <param name="Verdict">One sentence: the most telling reason.</param>
/// <param name="Advice">What to do about it.</param>
/// <param name="Others">Further things that stand still or are slow; none of them alone keeps blocks from coming.</param>
public sealed record RaftVerdict(string Verdict, string Advice, IReadOnlyList<string> Others)
{
    private const string Nothing = "nothing: send a transaction, and a block comes";
    private const long TicksPerSecond = 20;

    /// <summary>A loop that is at one batch for longer is told of.</summary>
    private static readonly TimeSpan ToleratedBusy = TimeSpan.FromSeconds(2);

    /// <summary>A flush above this makes each block late: blocks are 50 ms apart.</summary>
    private static readonly TimeSpan ToleratedFlush = TimeSpan.FromMilliseconds(100);

    /// <summary>Raft does not rest on clocks, but block times do.</summary>
    private static readonly TimeSpan ToleratedClock = TimeSpan.FromSeconds(1);

    private const ulong ToleratedBacklog = 1_000;

    public static RaftVerdict Of(RaftFacts facts)
    {
        var (verdict, advice) = Standstill(facts) ?? Leaderless(facts) ?? (IsLeader(facts) ? Leading(facts) : Following(facts));
        return new RaftVerdict(verdict, advice, [.. Besides(facts)]);
    }

    /// <summary>This node takes no part, whoever leads.</summary>
    private static (string, string)? Standstill(RaftFacts facts)
    {
        if (facts.View.HasLeft)
            return ("this node was removed from the Raft cluster: it follows nothing", "add it under a new id: " + RaftMembers.Rejoining);
        if (facts.Conflict is { } conflict)
            return ($"this node is on another chain than most members: {conflict}",
                "find out which chain is right, and start the nodes of the other one again from an empty data directory");
        if (facts.Report is null)
            return ($"this node has been busy with one batch for {Seconds(facts.Busy)}: it neither votes, nor mints, nor imports meanwhile",
                "wait while a large block is executed; if it goes on, look for a slow or full disk, or want of memory or processor time");
        if (facts.Report.Core.OwesEntries)
            return ("this node's Raft log has lost entries that it acknowledged: it neither votes nor leads until it has them again",
                "check its disk; when they do not come, remove it (raft_removePeer) and let it join under a new id");
        return null;
    }

    private static (string, string)? Leaderless(RaftFacts facts)
    {
        var core = facts.Report!.Core;
        if (core.Members.Count == 0)
            return ("this node does not know the cluster's members yet: no leader has sent it the log",
                "check that the members of static-nodes.json run, that they have added this node (raft_addPeer), and that its Raft port "
                    + "and theirs reach each other");
        if (core.Leader != 0) return null;
        var voters = core.Members.Where(m => !m.IsLearner).ToList();
        var away = voters.Where(m => m.Id != facts.OwnId && !IsReached(facts, m.Id)).ToList();
        var reached = voters.Count - away.Count;
        if (reached < core.Quorum)
            return ($"there is no leader: {reached} of {voters.Count} voting members can be reached and {core.Quorum} are needed; not "
                + $"reached: {Names(facts, away)}",
                "start those members, and check that the Raft ports reach each other; if most of them are lost for good, see "
                    + "`qmesh raft recover` in docs/operations.md");
        return core.Members.Any(m => m.Id == facts.OwnId && !m.IsLearner)
            ? ($"there is no leader: an election is under way in term {core.Term}",
                "wait a second; when elections follow each other, look for members that are overloaded or whose network loses messages, "
                    + "and at raft_explain of each")
            : ("this node has no vote, and hears no leader", "look at raft_explain of a voting member");
    }

    private static bool IsLeader(RaftFacts facts) => facts.Report!.Core.Role == RaftRole.Leader;

    private static (string, string) Leading(RaftFacts facts)
    {
        var (report, core) = (facts.Report!, facts.Report!.Core);
        if (!core.HasQuorum)
            return ($"this node leads and hears fewer than the {core.Quorum} voting members that are needed: it mints nothing; silent: "
                + Names(facts, Silent(core)),
                "check the network between the members, and whether the silent ones run; another may lead already");
        if (report.IsWaitingForBlocks) return Fetching(facts);
        if (core.TransferTarget != 0)
            return ($"leadership is being handed over to raft id {core.TransferTarget}", "wait a second");
        if (report.IsPipelineFull)
            return ($"{report.Proposed} blocks are proposed and not committed yet: acknowledgements are missing from "
                + Names(facts, core.Members.Where(m => !m.IsLearner && m.Sent is { } sent && sent.Match < core.LastIndex)),
                "look at the disks, processors and the network of those members; this node's last flush took " + Time(report.FlushTime));
        if (report.Pending == 0) return ("no transaction waits, and Raft makes blocks only for transactions", Nothing);
        if (report.Pending > 0 && report.Proposed > 0)
            return ($"{report.Proposed} blocks are on their way to the members with what waits here",
                "wait: they are committed in a moment");
        return ($"{report.Pending} transactions wait, and the next block is due in {report.NextMintMs ?? 0} ms",
            "wait a moment; when none comes, the transactions may fit in no block: look at the log, and at txpool_content");
    }

    private static (string, string) Following(RaftFacts facts)
    {
        var (report, core) = (facts.Report!, facts.Report!.Core);
        if (report.IsWaitingForBlocks) return Fetching(facts);
        var leader = $"raft id {core.Leader}{Place(facts, core.Leader)}";
        var heard = report.Heard.GetValueOrDefault(core.Leader);
        if (!IsReached(facts, core.Leader) && heard is not { MillisecondsAgo: < 1_000 })
            return ($"{leader} leads, and this node has lost the connection to it",
                "wait a second: if it is down, another is elected; if others still hear it, check the network between it and this node");
        if (report.Pending == 0) return ($"no transaction waits at this node, which follows {leader}", Nothing);
        if (facts.Links.GetValueOrDefault(core.Leader) is { IsPeer: false })
            return ($"{report.Pending} transactions wait at this node, and its p2p connection to {leader}, over which they go, is down",
                "look at admin_peers of both, and at their p2p ports");
        return ($"{report.Pending} transactions wait at this node, which follows {leader}",
            "look at raft_explain of that node, which mints");
    }

    private static (string, string) Fetching(RaftFacts facts) => facts.SyncFailure is { } failure
        ? ($"this node lacks blocks that the Raft log no longer holds, and cannot fetch them: {failure}",
            "check that a member that has them runs, and that their p2p ports reach each other")
        : ("this node fetches blocks that the Raft log no longer holds from other members"
            + (facts.Sync is { } sync ? $": block {sync.CurrentBlock} of {sync.HighestBlock}" : ""), "wait: it goes on by itself");

    private static IEnumerable<string> Besides(RaftFacts facts)
    {
        if (facts.Busy > ToleratedBusy && facts.Report is not null) yield return $"the last batch took {Seconds(facts.Busy)}";
        if (JournalFlusher.Tell(facts.JournalFlush) is { } flush) yield return flush;
        if (facts.Report is { } report)
        {
            if (report.Core.Committed - report.Core.Applied is > 0 and var lag)
                yield return $"{lag} committed entries are not applied yet";
            if (report.Core.LastIndex - report.Core.Committed is > 0 and var open) yield return $"{open} entries are not committed yet";
            if (report.FlushTime > ToleratedFlush) yield return $"the last flush of the Raft log took {Time(report.FlushTime)}";
            foreach (var member in report.Core.Members)
            {
                if (member.Sent is { State: "snapshot" })
                    yield return $"raft id {member.Id} is behind what the log still holds, and is sent the snapshot";
                else if (member.Sent is { } sent && report.Core.LastIndex - sent.Match > ToleratedBacklog)
                    yield return $"raft id {member.Id} is {report.Core.LastIndex - sent.Match} entries behind";
            }
        }
        foreach (var (id, link) in facts.Links.OrderBy(l => l.Key))
        {
            if (link.Streams == 0) yield return $"no Raft stream is open from raft id {id}{Place(facts, id)}";
            if (link.Probe?.ClockDifference is { } clock && clock.Duration() > ToleratedClock + link.Probe.RoundTrip)
                yield return $"the clock of raft id {id} is {Seconds(clock.Duration())} {(clock > TimeSpan.Zero ? "ahead" : "behind")}";
        }
        if (facts.Private.Block < facts.Head)
            yield return $"the private head stands at block {facts.Private.Block} of {facts.Head}, which holds up no public block: "
                + (facts.Private.Stopped ?? facts.Private.Reason ?? "its payloads are being fetched");
    }

    private static IEnumerable<RaftMemberExplanation> Silent(RaftExplanation core) =>
        core.Members.Where(m => !m.IsLearner && m.Sent is { SilentTicks: > TicksPerSecond / 2 });

    private static bool IsReached(RaftFacts facts, ulong id) => facts.Links.GetValueOrDefault(id) is { Streams: > 0 };

    private static string Names(RaftFacts facts, IEnumerable<RaftMemberExplanation> members)
    {
        var names = members.Select(m => $"raft id {m.Id}{Place(facts, m.Id)}").ToList();
        return names.Count == 0 ? "none" : string.Join(", ", names);
    }

    private static string Place(RaftFacts facts, ulong id) =>
        facts.View.Members.FirstOrDefault(m => m.RaftId == id) is { } member ? $" ({member.Host}:{member.RaftPort})" : "";

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F1} s");

    private static string Time(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:F0} ms");
}
