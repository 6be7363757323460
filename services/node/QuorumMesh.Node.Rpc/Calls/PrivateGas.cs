using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <param name="Least">With which it succeeds on the sender's own private state.</param>
/// <param name="Wanted">With room for the recipients'; at least as much.</param>
internal readonly record struct GasRoom(ulong Least, ulong Wanted);

/// <summary>
/// The gas of a private transaction that names none. Each recipient runs it on a private state of its own, so what is enough here
/// need not be enough there, and one that runs out of gas differs from the others for good. A slot that is written here at the
/// price of a change may be empty there, and colder state may lead another way.
/// </summary>
internal static class PrivateGas
{
    /// <summary>Of a write to an empty slot before and after EIP-2929, less what any write costs at least.</summary>
    private const ulong EmptySlot = 20_000;

    /// <exception cref="Engine.RpcException">It fails whatever the gas.</exception>
    public static GasRoom Of(CallExecutor executor, ReadScope scope, BlockHeader header, CallArguments arguments, CancellationToken stop)
    {
        var least = executor.Estimate(scope, header, arguments, stop);
        var call = executor.Prepare(scope, header, arguments, scope.View.PublicState(header.Number),
            CallExecutor.PrivateStateFor(scope, header, arguments), stop, least);
        call.Public.SetBalance(call.Message.From, UInt256.MaxValue);
        var writes = new CheapWrites();
        call.Run(writes);
        return new GasRoom(least, WithRoom(least, writes.Count, header.GasLimit));
    }

    /// <summary>
    /// Each write as dear as one to an empty slot, and a quarter for other ways through the code; no more than a block takes.
    /// </summary>
    public static ulong WithRoom(ulong least, ulong cheapWrites, ulong blockLimit)
    {
        var wanted = ((UInt256)least + ((UInt256)cheapWrites * EmptySlot)) * 5u / 4u;
        return Math.Max(least, wanted < blockLimit ? (ulong)wanted : blockLimit);
    }

    /// <summary>Counts the writes that cost less than one to an empty slot.</summary>
    private sealed class CheapWrites : IEvmTracer
    {
        public ulong Count { get; private set; }

        public void Step(in EvmStep step)
        {
            if ((Opcode)step.Opcode == Opcode.SSTORE && step.Status == EvmStatus.Success && step.Cost < EmptySlot) Count++;
        }

        public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
        {
        }

        public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
        {
        }
    }
}
