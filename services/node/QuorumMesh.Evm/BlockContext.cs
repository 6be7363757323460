using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>What byte code can see of its block.</summary>
public sealed class BlockContext
{
    /// <summary>The author as the consensus engine names it (IBFT: the recovered proposer).</summary>
    public Address Coinbase { get; init; }

    public UInt256 Difficulty { get; init; }

    /// <summary>When set, opcode 0x44 returns it instead of <see cref="Difficulty"/>.</summary>
    public Hash256? PrevRandao { get; init; }

    public ulong Number { get; init; }

    /// <summary>The header's value as it is: seconds, under Raft nanoseconds.</summary>
    public ulong Timestamp { get; init; }

    public ulong GasLimit { get; init; }

    /// <summary>Wei per gas (EIP-1559); 0 on Quorum chains.</summary>
    public UInt256 BaseFee { get; init; }

    /// <summary>Wei per blob gas (EIP-4844).</summary>
    public UInt256 BlobBaseFee { get; init; } = UInt256.One;

    /// <summary>Asked only for the 256 blocks before <see cref="Number"/>; zero for an unknown one.</summary>
    public Func<ulong, Hash256> BlockHash { get; init; } = static _ => default;

    /// <summary>What CHAINID gives (EIP-1344).</summary>
    public UInt256 ChainId { get; init; } = UInt256.One;
}
