using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>Consensus engines that a genesis may ask for.</summary>
public enum EngineKind
{
    /// <summary>The default of a genesis that names no engine.</summary>
    Raft,
    /// <summary>IBFT 1.0</summary>
    Ibft,
    Qbft,
}

/// <summary>
/// The engine object of an IBFT or QBFT genesis, <c>config.istanbul</c>, <c>ibft</c> or <c>qbft</c> (24:params/config.go IstanbulConfig,
/// BFTConfig, QBFTConfig). Transitions come on top of it.
/// </summary>
/// <param name="Epoch">Blocks between vote resets; 30000 when absent or 0.</param>
/// <param name="Policy">Proposer choice: 0 round-robin, 1 sticky.</param>
/// <param name="Ceil2Nby3Block">
/// From this block a quorum is ceil(2N/3); null means 2F+1 for ever, which only <c>config.istanbul</c> can: the newer objects have 0 when
/// it is absent (24:eth/ethconfig/config.go CreateConsensusEngine).
/// </param>
/// <param name="BlockPeriodSeconds">Only in the newer ibft and qbft objects; the command line decides otherwise.</param>
/// <param name="RequestTimeoutSeconds">Likewise.</param>
public sealed record IstanbulConfig(
    ulong Epoch,
    ulong Policy,
    ulong? Ceil2Nby3Block,
    ulong? BlockPeriodSeconds = null,
    ulong? RequestTimeoutSeconds = null)
{
    /// <summary>GoQuorum's, for an epoch that is absent or 0.</summary>
    public const ulong DefaultEpoch = 30000;

    /// <summary>Value of <c>validatorselectionmode</c> under which a contract names the validators.</summary>
    public const string ContractMode = "contract";

    /// <summary>Value of <c>validatorselectionmode</c> under which votes in headers change them; the default.</summary>
    public const string BlockHeaderMode = "blockheader";

    /// <summary>QBFT comes from this block on: <c>config.istanbul.testQBFTBlock</c>, or 0 in a <c>qbft</c> object.</summary>
    public ulong? QbftBlock { get; init; }

    /// <summary>Seconds that an empty block waits for after its parent; 0 where it waits no longer than another.</summary>
    public ulong EmptyBlockPeriodSeconds { get; init; }

    /// <summary>Seconds that the growing timer of a round stops at; 0 for no bound.</summary>
    public ulong MaxRequestTimeoutSeconds { get; init; }

    /// <summary>Zero when there is none.</summary>
    public Address ValidatorContract { get; init; }

    /// <summary><see cref="ContractMode"/>, <see cref="BlockHeaderMode"/>, or null, which is the latter.</summary>
    public string? ValidatorSelectionMode { get; init; }

    /// <summary>Instead of those in the genesis's extra data; empty when these count.</summary>
    public IReadOnlyList<Address> Validators { get; init; } = [];

    /// <summary>Wei for each block.</summary>
    public UInt256 BlockReward { get; init; }

    /// <summary>As the file has it: GoQuorum acts on <c>fixed</c> and <c>validator</c>, and rewards nobody under another.</summary>
    public string? BeneficiaryMode { get; init; }

    /// <summary>Who is rewarded under the mode <c>fixed</c>, which is the default where this is set.</summary>
    public Address? MiningBeneficiary { get; init; }
}
