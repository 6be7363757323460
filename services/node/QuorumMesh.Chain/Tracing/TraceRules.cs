using QuorumMesh.Evm;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// How a GoQuorum generation's traces look. A profile holds one value of them: which version shows what stands here alone.
/// </summary>
public sealed record TraceRules
{
    /// <summary>GoQuorum 2.3 to 2.5, on geth 1.8.</summary>
    public static TraceRules V2_5 { get; } = new()
    {
        NamesDestinations = true,
        ShownStackLimit = EvmLimits.StackSize,
        HasClassicErrors = true,
        NotFoundIsBareHex = true,
        NamedFork = Fork.Constantinople,
    };

    /// <summary>2.6 to 20.10, on geth 1.9.7.</summary>
    public static TraceRules V2_6 { get; } = new()
    {
        HasClassicErrors = true,
        PrestateKeepsZeros = true,
        NamedFork = Fork.Istanbul,
    };

    /// <summary>21.x, on geth 1.9.20.</summary>
    public static TraceRules V21 { get; } = new()
    {
        NamesSubroutines = true,
        ShowsReads = true,
        PrestateKeepsZeros = true,
        NamedFork = Fork.Istanbul,
    };

    /// <summary>22.x to 24.x, on geth 1.10.</summary>
    public static TraceRules V24 { get; } = new()
    {
        ShowsReads = true,
        PrestateKeepsZeros = true,
        KeepsRevertData = true,
        ShowsSelfDestruct = true,
        LooksForParentByNumber = true,
        NamedFork = Fork.Berlin,
    };

    /// <summary>A jump's error tells where to, and what stands there (2.5:core/vm/instructions.go opJump).</summary>
    public bool NamesDestinations { get; private init; }

    /// <summary>
    /// What "stack limit reached" says the limit is: from geth 1.9 on that of the instruction, which pushes one
    /// (2.6:core/vm/stack_table.go maxStack).
    /// </summary>
    public int ShownStackLimit { get; private init; } = EvmLimits.StackSize - 1;

    /// <summary>
    /// Errors of the machine begin with "evm: ", and an instruction that is none is told by its number (2.6:core/vm/errors.go,
    /// interpreter.go Run); from geth 1.9.20 on neither.
    /// </summary>
    public bool HasClassicErrors { get; private init; }

    /// <summary>EIP-2315's instructions have names, which no network had (21:core/vm/opcodes.go).</summary>
    public bool NamesSubroutines { get; private init; }

    /// <summary>Instructions up to this fork have names also where they cannot run yet (core/vm/opcodes.go).</summary>
    public Fork NamedFork { get; private init; }

    /// <summary>The plain trace shows what SLOAD read, beside what SSTORE wrote (21:core/vm/logger.go CaptureState).</summary>
    public bool ShowsReads { get; private init; }

    /// <summary>prestateTracer shows slots that are zero (2.6:eth/tracers/internal/tracers/prestate_tracer.js).</summary>
    public bool PrestateKeepsZeros { get; private init; }

    /// <summary>callTracer shows the data of a revert (24:eth/tracers/internal/tracers/call_tracer.js).</summary>
    public bool KeepsRevertData { get; private init; }

    /// <summary>
    /// callTracer shows SELFDESTRUCT as a call with addresses and value (24:eth/tracers/internal/tracers/call_tracer.js).
    /// </summary>
    public bool ShowsSelfDestruct { get; private init; }

    /// <summary>Hashes of what is not found are without 0x, and that of a block has a # before it (2.5:eth/api_tracer.go).</summary>
    public bool NotFoundIsBareHex { get; private init; }

    /// <summary>A parent is looked for by its number first (24:eth/tracers/api.go blockByNumberAndHash).</summary>
    public bool LooksForParentByNumber { get; private init; }
}
