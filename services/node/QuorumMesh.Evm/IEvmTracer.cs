using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// Observes a run. The spans are valid only during the call. What it throws ends the run and leaves the states as they are just
/// then.
/// </summary>
public interface IEvmTracer
{
    /// <summary>Before each instruction.</summary>
    void Step(in EvmStep step);

    /// <summary>Every call and creation, also one to a precompile or to an account without code, and one that cannot even begin.</summary>
    /// <param name="depth">0 for the transaction's own.</param>
    /// <param name="kind">The opcode that opens the frame; CALL or CREATE at the top level.</param>
    /// <param name="from">The account that runs the opcode.</param>
    /// <param name="to">Whose code runs; for a creation the new account.</param>
    /// <param name="input">Call data, or init code.</param>
    void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value);

    /// <summary>The end of what the last <see cref="Enter"/> not yet ended has begun.</summary>
    void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output);
}
