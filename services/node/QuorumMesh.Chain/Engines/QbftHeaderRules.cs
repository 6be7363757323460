using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>QBFT (24:consensus/istanbul/qbft/engine/engine.go).</summary>
public sealed class QbftHeaderRules(BftChain chain, ChainConfig config, CompatibilityProfile profile) : IHeaderRules
{
    /// <summary>The coinbase, which stays the maker's when another validator proposes the block again in a later round.</summary>
    public Address Author(BlockHeader header) => header.Coinbase;

    /// <summary>
    /// In GoQuorum's order and words. As there, the nonce, the gas limit's step, the round, the validators listed in the extra data and
    /// whose turn it was are not checked, and more than F committed seals are enough; but each must be a different validator's.
    /// </summary>
    public string? VerifyHeader(BlockHeader header, BlockHeader parent) => Verify(header, parent, isProposal: false);

    /// <summary>A proposal has no committed seals yet (VerifyBlockProposal), and no more gas than an honest one.</summary>
    public string? VerifyProposal(BlockHeader header, BlockHeader parent) =>
        Verify(header, parent, isProposal: true) ?? BftHeaderChecks.GasLimit(chain, header, parent);

    /// <summary>The block reward, where the genesis or a transition has one (accumulateRewards).</summary>
    public void Finalise(BlockHeader header, IWorldState publicState)
    {
        var reward = config.BlockRewardAt(header.Number, profile);
        // A reward of 0 touches nobody.
        if (!reward.IsZero) publicState.AddBalance(config.RewardAccountAt(header.Number, header.Coinbase, profile), reward);
    }

    private string? Verify(BlockHeader header, BlockHeader parent, bool isProposal)
    {
        if (BftHeaderChecks.Future(chain, header) is { } early) return early;
        if (!QbftExtra.TryDecode(header.ExtraData, out var extra)) return "invalid extra data format";
        // GoQuorum takes such a block and can never make another one: its snapshot fails for ever (ReadVote).
        if (extra.Vote is { Type: not (QbftVote.Add or QbftVote.Drop) }) return "invalid vote type";
        if (BftHeaderChecks.Plain(chain, header, parent) is { } reason) return reason;
        return BftHeaderChecks.Seals(chain, header, chain.SnapshotAfter(parent).Validators, header.Coinbase, extra.CommittedSeals.Count,
            isProposal);
    }
}
