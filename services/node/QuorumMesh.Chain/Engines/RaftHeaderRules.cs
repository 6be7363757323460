using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// GoQuorum's Raft blocks: Ethash difficulty and rewards without work, nanosecond time, the minter's signature in the extra data.
/// In a network of our own the time is in seconds: there Ethash's rule, made for blocks some seconds apart, would push clock and
/// difficulty ahead for good, so equal times are allowed and the difficulty is 1.
/// </summary>
public sealed class RaftHeaderRules(ChainConfig config) : IHeaderRules
{
    private const ulong GweiPerEther = 1_000_000_000;

    /// <inheritdoc/>
    public Address Author(BlockHeader header) => header.Coinbase;

    /// <summary>
    /// The links and bounds only: like GoQuorum, Raft trusts its log for the rest. In a network of our own also time and
    /// difficulty.
    /// </summary>
    public string? VerifyHeader(BlockHeader header, BlockHeader parent)
    {
        if (header.Number != parent.Number + 1)
            return $"invalid number: have {header.Number}, want {parent.Number + 1}";
        if (header.ParentHash != parent.Hash)
            return $"unknown ancestor: parent is {header.ParentHash}, have {parent.Hash}";
        if (header.GasUsed > header.GasLimit)
            return $"invalid gasUsed: have {header.GasUsed}, gasLimit {header.GasLimit}";
        return config.BlockTimeUnit == BlockTimeUnit.Seconds ? VerifyOwn(header, parent) : null;
    }

    private static string? VerifyOwn(BlockHeader header, BlockHeader parent)
    {
        if (header.Time < parent.Time)
            return $"invalid timestamp: {header.Time} is before the parent's {parent.Time}";
        return header.Difficulty == UInt256.One ? null : $"invalid difficulty: have {header.Difficulty}, want 1";
    }

    /// <summary>Ethash's block reward to the header's coinbase, which is the zero address: 5, 3 or 2 ether by fork.</summary>
    /// <remarks>The zero address earns ether with each block, and so the state root depends on it: left out, the first block
    /// would fork (2.5:raft/minter.go, ethash.AccumulateRewards).</remarks>
    public void Finalise(BlockHeader header, IWorldState publicState)
    {
        var ether = ChainConfig.IsActive(config.ConstantinopleBlock, header.Number) ? 2ul
            : ChainConfig.IsActive(config.ByzantiumBlock, header.Number) ? 3ul : 5ul;
        publicState.AddBalance(header.Coinbase, (UInt256)(ether * GweiPerEther) * (UInt256)GweiPerEther);
    }
}
