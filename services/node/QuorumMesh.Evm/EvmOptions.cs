using QuorumMesh.Evm.Compiler;

namespace QuorumMesh.Evm;

/// <summary>How a machine runs, beside block and fork.</summary>
public sealed record EvmOptions
{
    /// <summary>Plain Ethereum, code of its own.</summary>
    public static EvmOptions Default { get; } = new();

    /// <summary>What the chain's byte code does differently.</summary>
    public EvmRules Rules { get; init; } = EvmRules.Ethereum;

    /// <summary>Null for code of the machine's own alone.</summary>
    public CodeCache? Code { get; init; }

    /// <summary>A traced run is always interpreted.</summary>
    public EvmTier Tier { get; init; }

    /// <summary>
    /// True ends the run with <see cref="ExecutionStoppedException"/>; null never does. Asked by the thread that runs, when a call or
    /// creation begins, every so many backward jumps, and within instructions and precompiles that one call can keep busy for long: in
    /// either tier within some tenths of a second, whatever the code does. What is asked so often should be cheap to answer.
    /// </summary>
    public Func<bool>? Stop { get; init; }

    /// <summary>
    /// For tests: with <see cref="EvmTier.Auto"/>, after how many backward jumps a frame goes on compiled, asked for each frame.
    /// </summary>
    internal Func<int>? TakeOverAfter { get; init; }

    internal CompilerLimits Limits { get; init; } = CompilerLimits.Default;
}
