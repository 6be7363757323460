using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// What a consensus engine makes of headers: who their author is, which are valid, what a block earns. Import, execution and reads ask; how
/// a new block comes about is its producer's affair.
/// </summary>
public interface IHeaderRules
{
    /// <summary>The account behind COINBASE and fees; under IBFT the recovered proposer.</summary>
    /// <exception cref="InvalidBlockException">The seal does not recover.</exception>
    Address Author(BlockHeader header);

    /// <summary>Checks a header against its parent; null when it is valid, else the reason.</summary>
    string? VerifyHeader(BlockHeader header, BlockHeader parent);

    /// <summary>
    /// As <see cref="VerifyHeader"/>, for a block that is proposed: what only the decision adds to its header is not missed.
    /// </summary>
    string? VerifyProposal(BlockHeader header, BlockHeader parent) => VerifyHeader(header, parent);

    /// <summary>Block rewards, after the last transaction.</summary>
    void Finalise(BlockHeader header, IWorldState publicState);
}
