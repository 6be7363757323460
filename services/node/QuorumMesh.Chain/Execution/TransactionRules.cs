using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;

namespace QuorumMesh.Chain.Execution;

/// <summary>Chain configuration that transaction execution depends on beside the fork.</summary>
public sealed record TransactionRules
{
    /// <summary>Plain Ethereum, as public state tests have it.</summary>
    public static TransactionRules Ethereum { get; } = new() { HasGasCap = true };

    /// <summary>See <see cref="Evm.EvmOptions.Code"/>.</summary>
    public CodeCache? Code { get; init; }

    public bool IsQuorum { get; init; }

    /// <summary>See <see cref="Evm.EvmOptions.LacksHomestead"/>.</summary>
    public bool LacksHomestead { get; init; }

    /// <summary>Lifts GoQuorum's zero gas price rule.</summary>
    public bool GasPriceEnabled { get; init; }

    /// <summary>See <see cref="ChainConfig.AreFeeCapsFree"/>.</summary>
    public bool FeeCapsAreFree { get; init; }

    /// <summary>Bytes; checked from Spurious Dragon on.</summary>
    public int MaxCodeSize { get; init; } = 24576;

    public bool LimitCodeSize { get; init; } = true;

    /// <summary>See <see cref="Evm.EvmOptions.ClearedPrecompilesStay"/>.</summary>
    public bool ClearedPrecompilesStay { get; init; }

    /// <summary>See <see cref="Evm.EvmOptions.ExtCodeHashIsDual"/>.</summary>
    public bool ExtCodeHashIsDual { get; init; }

    /// <summary>See <see cref="Evm.EvmOptions.StaticCallTouches"/>.</summary>
    public bool StaticCallTouches { get; init; } = true;

    /// <summary>EIP-7825's cap of 2^24 gas from Osaka on.</summary>
    public bool HasGasCap { get; init; }
}
