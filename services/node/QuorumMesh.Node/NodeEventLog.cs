using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Health;

namespace QuorumMesh.Node;

/// <summary>One line per block and for each thing that an operator should see, and GoQuorum's checkpoint lines when asked for.</summary>
internal static class NodeEventLog
{
    public static void Attach(NodeEvents events, NodeCore core, ILogger log, bool checkpoints)
    {
        events.Noticed += notice => log.Log(Level(notice.Level), "{Notice}", notice.Text);
        events.NewHead += head =>
        {
            log.LogInformation("Block {Number} {Hash}: {Transactions} transactions, {Gas} gas, private head {PrivateHead}",
                head.Block.Number, head.Block.Hash, head.Block.Transactions.Count, head.Block.Header.GasUsed, core.PrivateHead.Number);
            TransactionTraces.Mined(head.Block);
            if (!checkpoints) return;
            foreach (var transaction in head.Block.Transactions)
                log.LogInformation("QUORUM-CHECKPOINT name=TX-ACCEPTED tx={Hash}", transaction.Hash);
        };
        events.LeaderChanged += leader => Tell(log, leader);
        events.PrivateHeadChanged += head => Tell(log, head);
        events.HeadStandingChanged += standing => Tell(log, standing, core);
        events.LeftCluster += explanation => log.LogError("{Explanation}", Sentence(explanation));
    }

    private static LogLevel Level(NoticeLevel level) => level switch
    {
        NoticeLevel.Error => LogLevel.Error,
        NoticeLevel.Warning => LogLevel.Warning,
        _ => LogLevel.Information,
    };

    private static void Tell(ILogger log, LeaderEvent leader)
    {
        if (leader.Leader == 0)
            log.LogWarning("Raft has no leader, term {Term}, head {Block} {Hash}", leader.Term, leader.Head.Number, leader.Head.Hash);
        else log.LogInformation("Raft member {Leader} leads{Own}, term {Term}, head {Block} {Hash}",
            leader.Leader, leader.IsOwn ? " (this node)" : "", leader.Term, leader.Head.Number, leader.Head.Hash);
    }

    private static void Tell(ILogger log, PrivateHeadEvent head)
    {
        var seconds = head.WaitedMs / 1000.0;
        if (head.Stands)
            log.LogWarning("The private head stands at block {Block} {Hash} for {Seconds:F0} s, the public one is at {Head}: "
                + "{Reason}{Payload}",
                head.Block.Number, head.Block.Hash, seconds, head.Head.Number, head.Reason ?? "its payloads have not come",
                head.WaitingFor is { } payload ? $" (payload {payload})" : "");
        else
            log.LogInformation("The private head goes on at block {Block} {Hash} after {Seconds:F0} s, the public one is at {Head}",
                head.Block.Number, head.Block.Hash, seconds, head.Head.Number);
    }

    private static void Tell(ILogger log, HeadStandingEvent standing, NodeCore core)
    {
        if (standing.Conflict is { } conflict) log.LogCritical("{Conflict}", Sentence(conflict.ToString()));
        else log.LogWarning("Most members have this node's blocks again, head {Block} {Hash}: it acknowledges as before", core.Head.Number,
            core.Head.Hash);
    }

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
