using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>
/// One item of <c>config.transitions</c>: what changes from a block on (24:params/config.go Transition). Null, zero or empty leaves a value
/// as it was, as GoQuorum reads it.
/// </summary>
public sealed record Transition
{
    /// <summary>The first block that it holds for.</summary>
    public required ulong Block { get; init; }

    /// <summary>IBFT or QBFT.</summary>
    public EngineKind? Algorithm { get; init; }

    public ulong EpochLength { get; init; }
    public ulong BlockPeriodSeconds { get; init; }
    /// <summary>0 switches the wait of empty blocks off.</summary>
    public ulong? EmptyBlockPeriodSeconds { get; init; }
    public ulong RequestTimeoutSeconds { get; init; }
    /// <summary>0 lifts the bound.</summary>
    public ulong? MaxRequestTimeoutSeconds { get; init; }
    /// <summary>KiB of deployed code.</summary>
    public int ContractSizeLimitKb { get; init; }
    /// <summary>KiB of a transaction. Unlike the others, 0 in a later transition takes it back to the genesis's.</summary>
    public int TransactionSizeLimitKb { get; init; }
    public Address ValidatorContract { get; init; }
    public IReadOnlyList<Address> Validators { get; init; } = [];
    public string? ValidatorSelectionMode { get; init; }
    /// <summary>Smart-contract permissioning.</summary>
    public bool? EnhancedPermissioning { get; init; }
    public bool? PrivacyEnhancements { get; init; }
    public bool? PrivacyPrecompile { get; init; }
    public bool? GasPrice { get; init; }
    /// <summary>Quorums of 2F+1 instead of ceil(2N/3).</summary>
    public bool? TwoFPlusOne { get; init; }
    /// <summary>The least gas limit that a maker of blocks aims at.</summary>
    public ulong MinerGasLimit { get; init; }
    /// <summary>Wei for each block.</summary>
    public UInt256? BlockReward { get; init; }
    public string? BeneficiaryMode { get; init; }
    public Address? MiningBeneficiary { get; init; }
}
