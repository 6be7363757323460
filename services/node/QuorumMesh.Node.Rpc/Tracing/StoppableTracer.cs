using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>Ends a run when its time is over or its caller has gone.</summary>
internal sealed class StoppableTracer(IEvmTracer? inner, CancellationToken stop) : IEvmTracer
{
    private const int StepsBetweenChecks = 128;

    private int _steps;

    public void Step(in EvmStep step)
    {
        if (++_steps % StepsBetweenChecks == 0) stop.ThrowIfCancellationRequested();
        inner?.Step(step);
    }

    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        stop.ThrowIfCancellationRequested();
        inner?.Enter(depth, kind, from, to, input, gas, value);
    }

    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output) => inner?.Exit(depth, status, gasUsed, output);
}
