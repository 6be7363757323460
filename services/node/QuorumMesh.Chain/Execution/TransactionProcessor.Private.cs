using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

// GoQuorum's private transactions (2.5:core/state_transition.go). Their public effects never depend on the payload.
public sealed partial class TransactionProcessor
{
    private TransactionOutcome ExecutePrivate(TransactionMessage msg, WorldState publicState, WorldState? privateState,
        PayloadAnswer? answer, IEvmTracer? tracer)
    {
        // Over the 64-byte hash: gas that depended on the payload would differ between parties and strangers, and with it the
        // block's gas.
        ulong intrinsic = IntrinsicOf(msg);
        Address? created = msg.IsCreation ? Address.ForCreate(msg.From, msg.Nonce) : null;
        PrivateOutcome? outcome = null;
        // Private code sees what the sender's public balance is meanwhile. The price is over the hash: the same at parties and strangers.
        UInt256 gasCost = (UInt256)msg.GasLimit * msg.GasPrice;
        if (!gasCost.IsZero) publicState.SubtractBalance(msg.From, gasCost);
        byte[] input = answer?.Payload ?? [];
        if (answer is null)
        {
            publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        }
        else if (!msg.IsCreation && input.Length == 0)
        {
            // Not a party of a call: nothing but the nonce.
            publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
            outcome = new PrivateOutcome(true, EvmStatus.Success, [], null, []);
        }
        else
        {
            outcome = RunPrivate(msg, input, msg.GasLimit - intrinsic, publicState, privateState!, tracer);
        }

        // GoQuorum takes the intrinsic gas from the block; EIP-7623's floor is over the same 64-byte hash.
        ulong fromPool = Math.Max(intrinsic, IntrinsicGas.Floor(msg.Data, _fork));
        if (!gasCost.IsZero) publicState.AddBalance(msg.From, (UInt256)(msg.GasLimit - fromPool) * msg.GasPrice);
        // A fee of zero touches the author's account too, in the public state and at strangers as well.
        PayCoinbase(msg, fromPool, publicState);
        publicState.FinaliseTransaction(DeleteEmpty);
        if (answer is not null) privateState!.FinaliseTransaction(DeleteEmpty);
        // Status 1, no gas, no logs, whatever became of the private side: the roots in the header rest on it (2.5:core/state_processor.go).
        return new TransactionOutcome(TransactionInvalid.None, true, 0, fromPool, outcome, [], EvmStatus.Success, created, []);
    }

    /// <summary>A creation with empty input is a stranger's: it leaves the ghost account (nonce 1, no code) in the private state.</summary>
    private PrivateOutcome RunPrivate(TransactionMessage msg, byte[] input, ulong gas, WorldState publicState, WorldState privateState,
        IEvmTracer? tracer)
    {
        Warm(msg, publicState);
        Warm(msg, privateState);
        // A creation raises the nonce itself, in the public state at depth 0 (2.5:core/vm/evm.go create).
        if (!msg.IsCreation) publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        // A value that the sender lacks only fails the private side. GoQuorum's parties would refuse the whole block that
        // strangers take; no pool lets such a transaction in.
        EvmResult result = Run(msg, input, gas, publicState, privateState, tracer);
        return new PrivateOutcome(result.IsSuccess, result.Status, result.Output, result.Created, privateState.Logs);
    }
}
