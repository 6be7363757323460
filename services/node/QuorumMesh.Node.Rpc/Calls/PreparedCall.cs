using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>A simulated call with the states it is to run on.</summary>
/// <param name="Private">Null when the call sees the public state alone.</param>
internal sealed record PreparedCall(TransactionProcessor Processor, TransactionMessage Message, WorldState Public, WorldState? Private)
{
    /// <summary>Once only: the states are used up.</summary>
    public TransactionOutcome Run(IEvmTracer? tracer = null)
    {
        var pool = ulong.MaxValue;
        return Processor.Execute(Message, Public, Private, answer: null, ref pool, tracer);
    }
}
