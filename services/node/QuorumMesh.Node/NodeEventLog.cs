using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node;

/// <summary>One line per block, and GoQuorum's checkpoint lines when asked for.</summary>
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
    }

    private static LogLevel Level(NoticeLevel level) => level switch
    {
        NoticeLevel.Error => LogLevel.Error,
        NoticeLevel.Warning => LogLevel.Warning,
        _ => LogLevel.Information,
    };
}
