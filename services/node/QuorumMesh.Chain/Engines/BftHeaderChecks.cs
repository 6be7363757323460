using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// What IBFT and QBFT check alike in a header, in GoQuorum's order and words (24:consensus/istanbul/ibft/engine/engine.go and
/// qbft/engine/engine.go verifyHeader).
/// </summary>
internal static class BftHeaderChecks
{
    /// <summary>The one refusal that time heals: a proposal is looked at again then.</summary>
    public const string InTheFuture = "block in the future";

    /// <summary>Asked before anything else; null when the time has come.</summary>
    public static string? Future(BftChain chain, BlockHeader header) => header.Time > chain.LatestTime ? InTheFuture : null;

    /// <summary>What every header has, and its place behind its parent.</summary>
    public static string? Plain(BftChain chain, BlockHeader header, BlockHeader parent)
    {
        if (header.MixHash != IstanbulHeader.Digest) return "invalid Istanbul mix digest";
        if (header.UncleHash != Hash256.EmptyUncles) return "non empty uncle hash";
        if (header.Difficulty != UInt256.One) return "invalid difficulty";
        if (header.Number != parent.Number + 1 || header.ParentHash != parent.Hash) return "unknown ancestor";
        var period = chain.PeriodAt(header.Number);
        if (header.Time >= parent.Time && header.Time - parent.Time >= period) return null;
        // Without one in the genesis the period is the node's own, as with GoQuorum: a longer one refuses the blocks of faster nodes.
        return $"invalid timestamp: {header.Time} is less than {period} s after the parent's {parent.Time}"
            + (chain.IsPeriodLocalAt(header.Number) ? "; if the network has a shorter period, set --istanbul.blockperiod" : "");
    }

    /// <summary>
    /// Of a proposal alone: it is executed before it is voted on, so its gas is the time that its proposer takes from every validator.
    /// GoQuorum checks no gas limit, and a block that the others have decided on is taken with any.
    /// </summary>
    public static string? GasLimit(BftChain chain, BlockHeader header, BlockHeader parent)
    {
        var most = chain.GasLimitAfter(parent.Number).Most(parent);
        return header.GasLimit <= most ? null : $"invalid gas limit: {header.GasLimit}, and at most {most} follows the parent's";
    }

    /// <summary>Proposer and seals against the validators before the block.</summary>
    /// <param name="seals">How many the header has.</param>
    /// <param name="isProposal">It may have none yet.</param>
    public static string? Seals(BftChain chain, BlockHeader header, ValidatorSet validators, in Address proposer, int seals,
        bool isProposal)
    {
        if (validators.Count == 0) return "there are no validators: the contract that names them has named none after the parent";
        // Any validator may have made it: GoQuorum checks the turn when it votes on a proposal, never on import (verifySigner).
        if (!validators.Contains(proposer)) return $"unauthorized: the proposer {proposer} is no validator";
        if (seals == 0) return isProposal ? null : "zero committed seals";
        // Bounded before any signature is recovered.
        if (seals > validators.Count) return $"invalid committed seals: {seals} of {validators.Count} validators";
        return chain.TryRecoverCommitters(header, out var committers) ? CommittedSeals.Refuse(committers, validators)
            : "invalid signature in the committed seals";
    }
}
