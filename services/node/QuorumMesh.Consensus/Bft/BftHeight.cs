using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>What holds for one height, from its parent's state and the genesis.</summary>
public sealed record BftHeight
{
    /// <summary>Number of the block to decide.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>The message set of this height.</summary>
    public required BftProtocol Protocol { get; init; }

    /// <summary>The validators after the parent, in any order, none twice. This node need not be one.</summary>
    public required IReadOnlyList<Address> Validators { get; init; }

    /// <summary>True for a quorum of ceil(2N/3), false for 2F+1 with F = ceil(N/3) - 1, which is unsafe for 2, 3, 5 and 6.</summary>
    public bool Ceil2Nby3 { get; init; } = true;

    /// <summary>Who follows whom.</summary>
    public ProposerPolicy Policy { get; init; }

    /// <summary>
    /// Who made the parent (IBFT: the signer of its seal; QBFT: its coinbase, also when another proposed it again); null for block 1.
    /// </summary>
    public Address? LastProposer { get; init; }

    /// <summary>Hash of the parent, which is final.</summary>
    public required Hash256 Parent { get; init; }

    /// <summary>Length of round 0 from when a block is due; later rounds are longer.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>No round is longer, while a quorum can be reached; null takes <see cref="BftTuning.LongestRound"/>.</summary>
    public TimeSpan? MaxRequestTimeout { get; init; }

    /// <summary>
    /// The last row of <see cref="BftEffect.PersistLock"/> that the store holds, given with the first height after a start, and
    /// with each one up to its own; null when there is none, and later.
    /// </summary>
    public byte[]? Restored { get; init; }
}
