using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// Executes transactions of one block one after the other, by Ethereum's rules and, for private ones, GoQuorum's. Begins and finalises the
/// transaction in the states it is given. Not thread safe.
/// </summary>
public sealed partial class TransactionProcessor
{
    private readonly BlockContext _block;
    private readonly Fork _fork;
    private readonly TransactionRules _rules;
    private readonly EvmMachine _evm;

    /// <summary>
    /// For the transactions of one block; <paramref name="stop"/> ends a running one (see <see cref="EvmOptions.Stop"/>).
    /// </summary>
    public TransactionProcessor(BlockContext block, Fork fork, TransactionRules rules, EvmTier tier = EvmTier.Auto,
        Func<bool>? stop = null)
    {
        _block = block;
        _fork = fork;
        _rules = rules;
        _evm = new EvmMachine(block, fork, new EvmOptions
        {
            Code = rules.Code,
            Rules = rules.Evm,
            Tier = tier,
            Stop = stop,
        });
    }

    private bool DeleteEmpty => _fork >= Fork.SpuriousDragon;

    /// <summary>An invalid transaction changes neither the states nor the gas pool.</summary>
    /// <param name="privateState">May be null for public transactions, and without an answer.</param>
    /// <param name="answer">
    /// What a private transaction is run with, a settled answer: with its payload, or as a stranger's, of which a creation leaves
    /// a ghost account and a call nothing. Null runs its public effects alone.
    /// </param>
    /// <param name="gasPool">Gas left in the block.</param>
    /// <param name="inner">The private transaction of a marker, which <paramref name="answer"/> is for then.</param>
    public TransactionOutcome Execute(TransactionMessage msg, WorldState publicState, WorldState? privateState, PayloadAnswer? answer,
        ref ulong gasPool, IEvmTracer? tracer = null, RecoveredTransaction? inner = null)
    {
        msg = Charged(msg);
        TransactionInvalid invalid = Check(msg, publicState, gasPool);
        if (invalid != TransactionInvalid.None) return TransactionOutcome.Rejected(invalid);
        PrivateOutcome? marked = inner is null || answer is null ? null
            : RunMarked(msg, TransactionMessage.Of(inner, _block.BaseFee), answer, publicState, RequirePrivate(privateState));
        publicState.BeginTransaction();
        TransactionOutcome outcome;
        if (msg.IsPrivate)
        {
            if (answer is not null) RequirePrivate(privateState).BeginTransaction();
            outcome = ExecutePrivate(msg, publicState, privateState, answer, tracer);
        }
        else
        {
            // A simulation may span both states; a transaction is public or private.
            WorldState second = msg.IsCall && privateState is not null ? privateState : publicState;
            if (!ReferenceEquals(second, publicState)) second.BeginTransaction();
            outcome = ExecutePublic(msg, publicState, second, tracer) with { Private = marked };
            // Not before: a marker that is stopped is taken back on both sides.
            if (inner is not null && answer is not null) privateState!.FinaliseTransaction(DeleteEmpty);
        }

        if (outcome.Invalid == TransactionInvalid.None) gasPool -= outcome.PoolGasUsed;
        return outcome;
    }

    /// <summary>Where fee caps are free they are left out of account, but for a tip above its cap, which no chain takes.</summary>
    private TransactionMessage Charged(TransactionMessage msg)
    {
        bool isFree = _rules.FeeCapsAreFree && !msg.IsCall && msg.Type != TransactionType.Legacy
            && msg.MaxPriorityFeePerGas <= msg.MaxFeePerGas;
        return isFree ? msg with { GasPrice = UInt256.Zero, MaxFeePerGas = UInt256.Zero, MaxPriorityFeePerGas = UInt256.Zero } : msg;
    }

    private static WorldState RequirePrivate(WorldState? state) =>
        state ?? throw new ArgumentNullException(nameof(state),
            "A private transaction needs the private state unless only its public effects are wanted.");

    private TransactionOutcome ExecutePublic(TransactionMessage msg, WorldState state, WorldState second, IEvmTracer? tracer)
    {
        UInt256 gasCost = (UInt256)msg.GasLimit * msg.GasPrice;
        if (!msg.IsCall)
        {
            if (!gasCost.IsZero) state.SubtractBalance(msg.From, gasCost);
            ChargeBlobs(msg, state);
        }

        Warm(msg, state);
        ulong gas = msg.GasLimit - IntrinsicOf(msg);
        // Outside the snapshot of the code: a call that fails has used its nonce (Yellow Paper, section 6.2).
        if (!msg.IsCreation) state.SetNonce(msg.From, state.GetNonce(msg.From) + 1);
        Authorize(msg, state);
        EvmResult result = IsValuedMarker(msg) ? new EvmResult(EvmStatus.QuorumReadOnly, gas, [], null)
            : Run(msg, msg.Data, gas, state, second, tracer);
        ulong used = msg.GasLimit - result.GasLeft;
        // Half of the gas used at most, a fifth from London on (EIP-3529).
        used -= Math.Min(state.Refund, used / (_fork >= Fork.London ? 5UL : 2UL));
        // After the refund, which must not go below the floor (EIP-7623).
        used = Math.Max(used, IntrinsicGas.Floor(msg.Data, _fork));
        if (!msg.IsCall)
        {
            UInt256 back = (UInt256)(msg.GasLimit - used) * msg.GasPrice;
            if (!back.IsZero) state.AddBalance(msg.From, back);
            PayCoinbase(msg, used, state);
        }

        state.FinaliseTransaction(DeleteEmpty);
        if (!ReferenceEquals(second, state)) second.FinaliseTransaction(DeleteEmpty);
        return new TransactionOutcome(TransactionInvalid.None, result.IsSuccess, used, used, null, result.Output, result.Status,
            result.Created, state.Logs);
    }

    private ulong IntrinsicOf(TransactionMessage msg) =>
        IntrinsicGas.Of(msg.Data, msg.IsCreation, msg.AccessList,
            new IntrinsicRules(_fork, !_rules.Evm.LacksHomestead && _fork >= Fork.Homestead), msg.AuthorizationList.Count);

    private EvmResult Run(TransactionMessage msg, byte[] input, ulong gas, WorldState publicState, WorldState privateState,
        IEvmTracer? tracer, AffectedContracts? affected = null) =>
        msg.To is { } to
            ? _evm.Call(msg.From, msg.GasPrice, msg.From, to, input, gas, msg.Value, publicState, privateState, tracer, msg.BlobHashes,
                affected)
            : _evm.Create(msg.From, msg.GasPrice, msg.From, input, gas, msg.Value, publicState, privateState, tracer, msg.BlobHashes,
                affected);

    private void PayCoinbase(TransactionMessage msg, ulong used, WorldState state)
    {
        // The base fee is burnt (EIP-1559).
        UInt256 perGas = _fork >= Fork.London ? msg.GasPrice - _block.BaseFee : msg.GasPrice;
        state.AddBalance(_block.Coinbase, (UInt256)used * perGas);
    }

    private void ChargeBlobs(TransactionMessage msg, WorldState state)
    {
        // Burnt, and not given back when the code fails (EIP-4844).
        if (msg.BlobHashes.Count > 0) state.SubtractBalance(msg.From, BlobGas(msg) * _block.BlobBaseFee);
    }

    /// <summary>EIP-2929, 2930, 3651.</summary>
    private void Warm(TransactionMessage msg, WorldState state)
    {
        if (_fork < Fork.Berlin) return;
        state.WarmAddress(msg.From);
        if (msg.To is { } to) state.WarmAddress(to);
        foreach (Address precompile in PrecompileTable.Addresses(_fork)) state.WarmAddress(precompile);
        if (_rules.HasPrivacyPrecompile) state.WarmAddress(PrivacyMarker.Address);
        foreach (AccessListEntry entry in msg.AccessList)
        {
            state.WarmAddress(entry.Address);
            foreach (UInt256 slot in entry.StorageKeys) state.WarmSlot(entry.Address, slot);
        }

        if (_fork >= Fork.Shanghai) state.WarmAddress(_block.Coinbase);
    }
}
