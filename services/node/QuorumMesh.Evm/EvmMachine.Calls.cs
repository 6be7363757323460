using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// Opening frames: calls, creations and precompiles, with GoQuorum's stack of current states.
public sealed unsafe partial class EvmMachine
{
    private long CallOp(Frame f, Opcode kind, UInt256* sp, long gas)
    {
        bool takesValue = kind is Opcode.CALL or Opcode.CALLCODE;
        UInt256* memory = sp - (takesValue ? 4 : 3);
        Address target = Address.FromWord(sp[-2]);
        UInt256 value = takesValue ? sp[-3] : default;
        // EIP-214: CALL alone. CALLCODE with a value moves none.
        if (kind == Opcode.CALL && f.IsStatic && !value.IsZero)
        {
            f.Status = EvmStatus.WriteProtection;
            return -1;
        }

        f.Status = EvmStatus.OutOfGas;
        if (!Range(memory, memory - 1, out ulong inOffset, out ulong inLength)) return -1;
        if (!Range(memory - 2, memory - 3, out ulong outOffset, out ulong outLength)) return -1;
        gas = f.Grow(inOffset, inLength, gas);
        if (gas >= 0) gas = f.Grow(outOffset, outLength, gas);
        if (gas >= 0) gas = ChargeCall(f, kind, target, value, gas);
        Code? code = null;
        // EIP-7702: access to the delegate is paid as well, before the gas for the child is measured.
        if (_prague && gas >= 0)
        {
            code = Executable(f.State, Dual(f, target), target, out Address? implementation);
            if (implementation is { } to) gas = ChargeAccount(f, to, gas);
        }

        if (gas < 0) return -1;
        long childGas = ForwardedGas(sp[-1], gas);
        if (childGas < 0) return -1;
        gas -= childGas;
        // On top of what was forwarded: CallValue has paid for it (Yellow Paper, appendix G, Gcallstipend).
        if (!value.IsZero) childGas += GasPrices.CallStipend;
        f.ClearReturnData();
        f.ResultOffset = (int)outOffset;
        f.ResultLength = (int)outLength;
        var request = new CallRequest
        {
            Kind = kind,
            Caller = kind == Opcode.DELEGATECALL ? f.Caller : f.Contract,
            Contract = kind is Opcode.CALL or Opcode.STATICCALL ? target : f.Contract,
            CodeAddress = target,
            Value = kind == Opcode.DELEGATECALL ? f.Value : value,
            Input = f.Memory + inOffset,
            InputLength = (int)inLength,
            Gas = childGas,
            IsStatic = f.IsStatic || kind == Opcode.STATICCALL,
            Code = code,
        };
        CallOutcome outcome = _tracer is null
            ? BeginCall(request, f.State, f.QuorumReadOnly, _depth + 1)
            : TraceCall(request, f.State, f.QuorumReadOnly, _depth + 1);
        if (outcome.Opened) return gas;
        bool success = outcome.Status == EvmStatus.Success;
        memory[-3] = success ? UInt256.One : default;
        f.SetReturnData(outcome.Output);
        int copied = (int)Math.Min((ulong)outcome.Output.Length, outLength);
        if (copied > 0) outcome.Output.AsSpan(0, copied).CopyTo(f.MemorySpan[(int)outOffset..]);
        return gas + outcome.GasLeft;
    }

    private long ChargeCall(Frame f, Opcode kind, in Address target, in UInt256 value, long gas)
    {
        gas = ChargeAccount(f, target, gas);
        if (!value.IsZero) gas -= GasPrices.CallValue;
        if (gas < 0 || kind != Opcode.CALL) return gas;
        return CallCreatesAccount(f, target, value) ? gas - GasPrices.NewAccount : gas;
    }

    private bool CallCreatesAccount(Frame f, in Address target, in UInt256 value) =>
        // EIP-161: only a value makes an account, and an empty one counts as absent.
        _spurious ? !value.IsZero && Dual(f, target).IsEmpty(target) : !Dual(f, target).Exists(target);

    /// <summary>EIP-150: at most 63/64 of what is left; before it, exactly what was asked for. Negative when it is not there.</summary>
    private long ForwardedGas(in UInt256 asked, long gas)
    {
        if (_fork < Fork.TangerineWhistle) return asked.IsUInt64 && asked.U0 <= (ulong)gas ? (long)asked.U0 : -1;
        long available = gas - gas / 64;
        return asked.IsUInt64 && asked.U0 < (ulong)available ? (long)asked.U0 : available;
    }

    private CallOutcome BeginCall(in CallRequest r, IWorldState current, bool readOnly, int depth)
    {
        CheckStop();
        if (depth > EvmLimits.CallDepth) return CallOutcome.Done(EvmStatus.DepthExceeded, r.Gas);
        IWorldState codeState = Dual(current, r.CodeAddress);
        // STATICCALL does not push: GoQuorum takes its code from the dual state and leaves the current one as it is.
        IWorldState state = r.Kind == Opcode.STATICCALL ? current : codeState;
        // A private transaction may read public contracts but never change them: strangers do not run it, and their public states
        // would differ. It stays read-only in what the public contract calls, private contracts too (2.5:core/vm/evm.go Push).
        if (_dual && !ReferenceEquals(state, _private)) readOnly = true;
        bool movesValue = r.Kind == Opcode.CALL && !r.Value.IsZero;
        if ((movesValue || r.Kind == Opcode.CALLCODE && !r.Value.IsZero) && state.GetBalance(r.Caller) < r.Value)
            return CallOutcome.Done(EvmStatus.InsufficientBalance, r.Gas);
        if (movesValue && readOnly) return CallOutcome.Done(EvmStatus.QuorumReadOnly, r.Gas);
        int snapshot = state.Snapshot();
        Precompile? precompile = FindPrecompile(r.CodeAddress);
        if (r.Kind == Opcode.CALL)
        {
            if (!state.Exists(r.Contract))
            {
                // EIP-161: a call of nothing to nobody leaves nobody there.
                if (precompile is null && _spurious && r.Value.IsZero) return CallOutcome.Done(EvmStatus.Success, r.Gas);
                if (MayTouch(state) && !RestoresCleared(precompile, r, state)) state.CreateAccount(r.Contract);
            }

            Transfer(state, r.Caller, r.Contract, r.Value);
        }
        else if (r.Kind == Opcode.STATICCALL && _rules.StaticCallTouches && MayTouch(codeState))
        {
            codeState.AddBalance(r.Contract, default);
        }

        if (precompile is not null) return RunPrecompile(precompile, r, state, snapshot, _stop);
        _affected?.NoteCall(r.CodeAddress);
        Code code = r.Code ?? Executable(current, codeState, r.CodeAddress, out _);
        if (code.Length == 0) return CallOutcome.Done(EvmStatus.Success, r.Gas);
        Frame f = Open(r, state, readOnly, snapshot, code, depth);
        f.Input = r.Input;
        f.InputLength = r.InputLength;
        return CallOutcome.Frame;
    }

    /// <summary>
    /// The code that runs for an account: its own, or from Prague on that of the account it delegates to (EIP-7702), one step and
    /// no further.
    /// </summary>
    /// <param name="implementation">Null when the code is the account's own.</param>
    private Code Executable(IWorldState current, IWorldState holder, in Address address, out Address? implementation)
    {
        implementation = null;
        Code code = Resolve(holder, address);
        if (!_prague || !Delegation.TryParse(code.Bytes, out Address target)) return code;
        implementation = target;
        // A precompile has no code, so that a delegation to one runs nothing.
        return Resolve(Dual(current, target), target);
    }

    /// <summary>EIP-7702: what a transaction's destination delegates to is warm.</summary>
    private void WarmImplementation(in Address to)
    {
        if (!_prague) return;
        Executable(_private, Dual(_private, to), to, out Address? implementation);
        if (implementation is not { } target) return;
        _public.WarmAddress(target);
        if (_dual) _private.WarmAddress(target);
    }

    /// <summary>
    /// What a private transaction reads leaves no trace in the public state, not even an empty account that EIP-158 would clear:
    /// only parties would have it.
    /// </summary>
    private bool MayTouch(IWorldState state) => !_dual || ReferenceEquals(state, _private);

    private bool RestoresCleared(Precompile? precompile, in CallRequest r, IWorldState state) =>
        _rules is { IsQuorum: true, ClearedPrecompilesStay: true } && _fork >= Fork.Byzantium && precompile is not null && r.Value.IsZero
            && state.TryRestoreCleared(r.Contract);

    private Frame Open(in CallRequest r, IWorldState state, bool readOnly, int snapshot, Code code, int depth)
    {
        Frame f = _frames[depth];
        f.Reset();
        f.Kind = r.Kind;
        f.Caller = r.Caller;
        f.Contract = r.Contract;
        f.Value = r.Value;
        f.IsStatic = r.IsStatic;
        f.QuorumReadOnly = readOnly;
        f.State = state;
        f.Snapshot = snapshot;
        f.Machine = this;
        f.SetCode(code);
        f.Compiled = ChooseTier(code, r.Kind);
        f.JumpsToCheck = JumpsToCheck(r.Kind);
        f.Gas = f.StartGas = f.UnheatedGas = r.Gas;
        _depth = depth;
        _childOpened = true;
        return f;
    }

    private void Transfer(IWorldState state, in Address from, in Address to, in UInt256 value)
    {
        if (value.IsZero)
        {
            // A transfer of nothing would touch its receiver. A private caller would leave a ghost account in the public state,
            // at parties alone.
            if (!_rules.IsQuorum) state.AddBalance(to, value);
            return;
        }

        state.SubtractBalance(from, value);
        state.AddBalance(to, value);
    }

    private Precompile? FindPrecompile(in Address address)
    {
        UInt256 word = address.ToWord();
        return word.IsUInt64 && word.U0 < (ulong)_precompiles.Length ? _precompiles[(int)word.U0] : null;
    }

    private static CallOutcome RunPrecompile(Precompile precompile, in CallRequest r, IWorldState state, int snapshot, Func<bool>? stop)
    {
        var input = new ReadOnlySpan<byte>(r.Input, r.InputLength);
        ulong price = precompile.Gas(input);
        EvmStatus status = EvmStatus.OutOfGas;
        byte[]? output = null;
        if (price <= (ulong)r.Gas)
        {
            output = precompile.Run(input, stop);
            status = output is null ? EvmStatus.PrecompileFailure : EvmStatus.Success;
        }

        // A precompile that fails takes all the gas of its call (Yellow Paper, appendix E).
        long left = output is null ? 0 : r.Gas - (long)price;
        if (output is null) state.RevertToSnapshot(snapshot);
        return new CallOutcome(false, status, left, output ?? []);
    }

    private long CreateOp(Frame f, Opcode kind, UInt256* sp, long gas)
    {
        if (!MayWrite(f)) return -1;
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp - 2, sp - 3, out ulong offset, out ulong length)) return -1;
        gas = f.Grow(offset, length, gas);
        if (gas < 0) return gas;
        long words = (long)(length + 31 >> 5);
        if (_fork >= Fork.Shanghai)
        {
            // EIP-3860.
            if (_rules.LimitCodeSize && length > 2UL * (ulong)_rules.MaxCodeSize)
            {
                f.Status = EvmStatus.InitCodeTooLarge;
                return -1;
            }

            gas -= words * GasPrices.InitCodeWord;
        }

        // EIP-1014: the init code is hashed for the address.
        if (kind == Opcode.CREATE2) gas -= words * GasPrices.KeccakWord;
        if (gas < 0) return gas;
        long childGas = _fork >= Fork.TangerineWhistle ? gas - gas / 64 : gas;
        gas -= childGas;
        f.ClearReturnData();
        var initCode = new ReadOnlySpan<byte>(f.Memory + offset, (int)length);
        var request = new CallRequest
        {
            Kind = kind,
            Caller = f.Contract,
            Contract = kind == Opcode.CREATE ? Address.ForCreate(f.Contract, _private.GetNonce(f.Contract))
                : Address.ForCreate2(f.Contract, sp[-4].ToBigEndian(), Keccak.Hash(initCode)),
            Value = sp[-1],
            Input = f.Memory + offset,
            InputLength = (int)length,
            Gas = childGas,
        };
        CallOutcome outcome = _tracer is null
            ? BeginCreate(request, f.State, f.QuorumReadOnly, _depth + 1)
            : TraceCreate(request, f.State, f.QuorumReadOnly, _depth + 1);
        if (outcome.Opened) return gas;
        sp[kind == Opcode.CREATE ? -3 : -4] = outcome.Status == EvmStatus.Success ? request.Contract.ToWord() : default;
        return gas + outcome.GasLeft;
    }

    private CallOutcome BeginCreate(in CallRequest r, IWorldState state, bool readOnly, int depth)
    {
        CheckStop();
        if (depth > EvmLimits.CallDepth) return CallOutcome.Done(EvmStatus.DepthExceeded, r.Gas);
        if (!r.Value.IsZero && state.GetBalance(r.Caller) < r.Value) return CallOutcome.Done(EvmStatus.InsufficientBalance, r.Gas);
        // The sender's nonce is public, so that all nodes agree on it. Inside, the creator is a private contract, whose nonce
        // only parties know (2.5:core/vm/evm.go create).
        IWorldState creator = depth == 0 ? _public : _private;
        ulong nonce = creator.GetNonce(r.Caller);
        if (nonce == ulong.MaxValue) return CallOutcome.Done(EvmStatus.NonceOverflow, r.Gas);
        // Before the snapshot: a creation that fails has used its nonce all the same.
        creator.SetNonce(r.Caller, nonce + 1);
        // EIP-2929: warm also when the creation fails, hence before the snapshot.
        if (_berlin) state.WarmAddress(r.Contract);
        Hash256 codeHash = state.GetCodeHash(r.Contract);
        // EIP-684.
        bool occupied = state.GetNonce(r.Contract) != 0 || !codeHash.IsZero && codeHash != Hash256.EmptyCode;
        // EIP-7610; GoQuorum has no such check.
        if (occupied || !_rules.IsQuorum && state.HasStorage(r.Contract))
            return CallOutcome.Done(EvmStatus.AddressCollision, 0);
        int snapshot = state.Snapshot();
        state.CreateAccount(r.Contract);
        _affected?.NoteCreation(r.Contract);
        // For EIP-6780: only what this transaction made can be destroyed.
        state.MarkCreated(r.Contract);
        // EIP-161.
        if (_spurious) state.SetNonce(r.Contract, 1);
        if (!r.Value.IsZero && readOnly)
        {
            state.RevertToSnapshot(snapshot);
            return CallOutcome.Done(EvmStatus.QuorumReadOnly, r.Gas);
        }

        Transfer(state, r.Caller, r.Contract, r.Value);
        if (r.InputLength == 0) return CallOutcome.Done(EvmStatus.Success, r.Gas);
        Frame f = Open(r, state, readOnly, snapshot, new Code(new ReadOnlySpan<byte>(r.Input, r.InputLength)), depth);
        f.Input = null;
        f.InputLength = 0;
        return CallOutcome.Frame;
    }
}
