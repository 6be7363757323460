using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// What GoQuorum does with private transactions and this version does not. The public chain needs none of it; a private head that went on
/// without it would leave the other parties' for good, so that it stops before the block, by name.
/// </summary>
internal static class UnsupportedPrivacy
{
    /// <summary>Null when the block's private side can be run, as far as its payloads allow.</summary>
    public static string? Of(ChainRules rules, Block block)
    {
        return rules.Config.IsMps && block.Transactions.Any(tx => rules.HasPrivateSide(tx, block.Number))
            ? $"block {block.Number} has private transactions and the genesis has isMPS: several private states are not supported yet"
            : null;
    }

    /// <summary>Null when the payload can be run: its privacy flag is 0, or the chain allows others at its block.</summary>
    public static string? Of(ChainRules rules, ulong block, PayloadAnswer answer) => PrivacyVerification.MayRun(rules, block, answer) ? null
        : $"payload {answer.Hash} of block {block} has the privacy flag {(int)answer.PrivacyMode}, and this node's genesis has no "
        + "privacyEnhancementsBlock at or before it: give all parties the same genesis (docs/privacy.md)";
}
