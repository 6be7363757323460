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
        if (answer is null) publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        else outcome = RunAnswered(msg, answer, publicState, privateState!, tracer);

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

    /// <summary>
    /// The private transaction of a marker, at the marker's place and before it (24:core/state_processor.go ApplyInnerTransaction). It sees
    /// the sender's public account as within the marker, and leaves nothing in the public state: there GoQuorum charges a party for some
    /// failures, which strangers cannot know of. GoQuorum gives it a gas pool of its own size: one without a bound would hold up a party
    /// for good, so here the block's gas limit is that bound.
    /// </summary>
    /// <returns>
    /// Null when it cannot be applied: there is no receipt then, and the private state is as before, which is not finalised here.
    /// </returns>
    private PrivateOutcome? RunMarked(TransactionMessage marker, TransactionMessage inner, PayloadAnswer answer, WorldState publicState,
        WorldState privateState)
    {
        publicState.BeginTransaction();
        privateState.BeginTransaction();
        Charge(marker, publicState);
        PrivateOutcome? outcome = null;
        if (Check(inner, publicState, _block.GasLimit) == TransactionInvalid.None)
        {
            Charge(inner, publicState);
            if (publicState.GetBalance(inner.From) >= inner.Value)
                outcome = RunAnswered(inner, answer, publicState, privateState, tracer: null);
        }
        publicState.TakeBackTransaction();
        // No account has a private balance to send from.
        return outcome is { Status: EvmStatus.InsufficientBalance } ? null : outcome;
    }

    private static void Charge(TransactionMessage msg, WorldState state)
    {
        UInt256 cost = (UInt256)msg.GasLimit * msg.GasPrice;
        if (!cost.IsZero) state.SubtractBalance(msg.From, cost);
    }

    private PrivateOutcome RunAnswered(
        TransactionMessage msg, PayloadAnswer answer, WorldState publicState, WorldState privateState, IEvmTracer? tracer)
    {
        if (msg.IsCreation || answer.Payload is { Length: > 0 })
            return RunPrivate(msg, answer, msg.GasLimit - IntrinsicOf(msg), publicState, privateState, tracer);
        // Not a party of a call: nothing but the nonce.
        publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        return new PrivateOutcome(true, EvmStatus.Success, [], null, []);
    }

    /// <summary>A creation with empty input is a stranger's: it leaves the ghost account (nonce 1, no code) in the private state.</summary>
    private PrivateOutcome RunPrivate(TransactionMessage msg, PayloadAnswer answer, ulong gas, WorldState publicState,
        WorldState privateState, IEvmTracer? tracer)
    {
        // The access list is the public state's alone: private code begins with everything cold (24:core/state_transition.go).
        Warm(msg, publicState);
        // A creation raises the nonce itself, in the public state at depth 0 (2.5:core/vm/evm.go create).
        if (!msg.IsCreation) publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        // A value that the sender lacks only fails the private side. GoQuorum's parties would refuse the whole block that
        // strangers take; no pool lets such a transaction in.
        bool isVerified = _rules.HasPrivacyEnhancements && answer.Payload is not null;
        if (isVerified && PrivacyVerification.Check(answer) is not PrivacyFault.None and var fault) return Refused(msg, publicState, fault);
        int before = privateState.Snapshot();
        AffectedContracts? affected = isVerified ? new() : null;
        EvmResult result = Run(msg, answer.Payload ?? [], gas, publicState, privateState, tracer, affected);
        if (affected is not null)
        {
            fault = PrivacyVerification.Verify(answer, affected, publicState, privateState, Marker, out Address? contract);
            if (fault != PrivacyFault.None)
            {
                privateState.RevertToSnapshot(before);
                return new PrivateOutcome(false, result.Status, [], result.Created, privateState.Logs)
                {
                    Fault = fault,
                    FaultyContract = contract,
                };
            }

            // Where the length was another than that of a hash it was cropped, or there would be no payload.
            if (PayloadNames.Crop(msg.Data) is { } creation)
                PrivacyVerification.MarkCreated(creation, answer.PrivacyMode, affected, privateState);
        }

        return new PrivateOutcome(result.IsSuccess, result.Status, result.Output, result.Created, privateState.Logs);
    }

    private Address? Marker => _rules.HasPrivacyPrecompile ? PrivacyMarker.Address : null;

    /// <summary>
    /// Runs the code of a private transaction that is yet to be sent, its plain input in the message, to see what it touches. As GoQuorum
    /// does it: with all of its gas, nothing warm, no nonce used by a call (24:internal/ethapi/api.go runSimulation). The states are not
    /// finalised.
    /// </summary>
    /// <param name="privateState">The public one again where the code is to see that alone.</param>
    public EvmResult Simulate(TransactionMessage msg, WorldState publicState, WorldState privateState, AffectedContracts affected,
        IEvmTracer? tracer = null)
    {
        publicState.BeginTransaction();
        if (!ReferenceEquals(publicState, privateState)) privateState.BeginTransaction();
        return Run(msg, msg.Data, msg.GasLimit, publicState, privateState, tracer, affected);
    }

    /// <summary>Without a run. The nonce counts as at strangers, or the public states would part.</summary>
    private static PrivateOutcome Refused(TransactionMessage msg, WorldState publicState, PrivacyFault fault)
    {
        if (msg.IsCreation) publicState.SetNonce(msg.From, publicState.GetNonce(msg.From) + 1);
        return new PrivateOutcome(false, EvmStatus.Success, [], null, []) { Fault = fault };
    }
}
