using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>IBFT 1.0 (GoQuorum 2.5 consensus/istanbul/backend/engine.go; the rules are the same up to 24).</summary>
public sealed class IstanbulHeaderRules(BftChain chain) : IHeaderRules
{
    /// <summary>The proposer, whatever the header's coinbase says: that is who is voted on.</summary>
    public Address Author(BlockHeader header) => chain.Author(header);

    /// <summary>
    /// In GoQuorum's order and words. As there, the gas limit's step, the validators listed in the extra data and whose turn it
    /// was are not checked, and more than F committed seals are enough; but each must be a different validator's.
    /// </summary>
    public string? VerifyHeader(BlockHeader header, BlockHeader parent) => Verify(header, parent, isProposal: false);

    /// <summary>
    /// A proposal has no committed seals yet (GoQuorum 2.5 consensus/istanbul/backend/backend.go Verify), and no more gas than an honest
    /// one.
    /// </summary>
    public string? VerifyProposal(BlockHeader header, BlockHeader parent) =>
        Verify(header, parent, isProposal: true) ?? BftHeaderChecks.GasLimit(chain, header, parent);

    /// <summary>No rewards.</summary>
    public void Finalise(BlockHeader header, IWorldState publicState)
    {
    }

    private string? Verify(BlockHeader header, BlockHeader parent, bool isProposal)
    {
        if (BftHeaderChecks.Future(chain, header) is { } early) return early;
        if (!IstanbulExtra.TryDecode(header.ExtraData, out var extra)) return "invalid extra data format";
        if (!IstanbulSnapshot.IsVoteNonce(header.Nonce)) return "invalid nonce";
        if (BftHeaderChecks.Plain(chain, header, parent) is { } reason) return reason;
        if (!chain.TryRecoverAuthor(header, out var proposer)) return "invalid proposer seal: no signer can be recovered";
        return BftHeaderChecks.Seals(chain, header, chain.SnapshotAfter(parent).Validators, proposer, extra.CommittedSeals.Count,
            isProposal);
    }
}
