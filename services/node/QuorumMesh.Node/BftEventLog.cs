using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node;

/// <summary>One line for each round that came to nothing, and for each new set of validators.</summary>
internal static class BftEventLog
{
    public static void Attach(NodeEvents events, ILogger log)
    {
        events.RoundChanged += round => log.LogWarning(
            "Block {Height} is not decided yet: round {Round} begins, {Proposer}{Own} proposes; istanbul_explain says more",
            round.Height, round.Round, round.Proposer, round.IsOwn ? " (this node)" : "");
        events.ValidatorsChanged += set => Tell(log, set);
    }

    private static void Tell(ILogger log, ValidatorsEvent set)
    {
        var changes = string.Concat(set.Added.Select(a => $" +{a}").Concat(set.Removed.Select(a => $" -{a}")));
        log.LogInformation("{Count} validators decide from block {Block} on{Changes}: {Validators}", set.Validators.Count, set.FromBlock,
            changes, string.Join(", ", set.Validators));
        if (!set.IsOwn)
            log.LogWarning("This node is no validator from block {Block} on: it follows the chain, and takes transactions for the others",
                set.FromBlock);
    }
}
