using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;

namespace QuorumMesh.Chain.Execution;

/// <summary>Chain configuration that transaction execution depends on beside the fork.</summary>
public sealed record TransactionRules
{
    /// <summary>Plain Ethereum, as public state tests have it.</summary>
    public static TransactionRules Ethereum { get; } = new() { HasGasCap = true };

    /// <summary>See <see cref="EvmOptions.Code"/>.</summary>
    public CodeCache? Code { get; init; }

    public EvmRules Evm { get; init; } = EvmRules.Ethereum;

    /// <summary>Lifts GoQuorum's zero gas price rule.</summary>
    public bool GasPriceEnabled { get; init; }

    /// <summary>See <see cref="ChainConfig.AreFeeCapsFree"/>.</summary>
    public bool FeeCapsAreFree { get; init; }

    /// <summary>The privacy marker's precompile is there.</summary>
    public bool HasPrivacyPrecompile { get; init; }

    /// <summary>See <see cref="ChainConfig.MarkersCarryNoValue"/>.</summary>
    public bool MarkersCarryNoValue { get; init; }

    /// <summary>See <see cref="ChainConfig.HasPrivacyEnhancements"/>.</summary>
    public bool HasPrivacyEnhancements { get; init; }

    /// <summary>EIP-7825's cap of 2^24 gas from Osaka on.</summary>
    public bool HasGasCap { get; init; }
}
