using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>Observes a run. The spans are valid only during the call.</summary>
public interface IEvmTracer
{
    /// <summary>Before each instruction; the last word of <paramref name="stack"/> is the top.</summary>
    void Step(int depth, int pc, byte opcode, ulong gasLeft, ReadOnlySpan<UInt256> stack, ReadOnlySpan<byte> memory, in Address contract);

    /// <param name="kind">The opcode that opens the frame; CALL or CREATE at the top level.</param>
    void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value);

    void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output);
}
