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
    /// Ends a run with <see cref="OperationCanceledException"/>: looked at when a call or creation begins and, in interpreted
    /// code, every so many backward jumps. A compiled loop without calls goes on to the end of its gas; who needs more than a gas
    /// cap against that interprets.
    /// </summary>
    public CancellationToken Stop { get; init; }

    /// <summary>
    /// For tests: with <see cref="EvmTier.Auto"/>, after how many backward jumps a frame goes on compiled, asked for each frame.
    /// </summary>
    internal Func<int>? TakeOverAfter { get; init; }

    internal CompilerLimits Limits { get; init; } = CompilerLimits.Default;
}
