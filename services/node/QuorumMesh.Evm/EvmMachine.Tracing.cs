using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// Only for runs with a tracer: prices each instruction before it runs, as geth does, because its tracers show the whole price,
// also that of an instruction which cannot pay it, and the memory with what the instruction adds. Nothing here changes state.
public sealed unsafe partial class EvmMachine
{
    /// <summary>Beyond this geth's memory price overflows (core/vm/gas_table.go of later versions).</summary>
    private const ulong LargestPricedMemory = 0x1fffffffe0;

    /// <summary>Price of the last instruction by depth: geth shows it again for one that is refused before it is priced.</summary>
    private long[] _tracedCosts = [];

    /// <summary>
    /// What the last instruction was foretold, by depth: geth finds out in another order than the interpreter why one cannot run.
    /// </summary>
    private EvmStatus[] _tracedStatuses = [];

    private readonly ref struct Forecast(EvmStatus status, long cost, ulong memory)
    {
        public EvmStatus Status { get; } = status;

        public long Cost { get; } = cost;

        public ulong Memory { get; } = memory;
    }

    private void TraceStep(Frame f, int pc, byte op, long gas, UInt256* sp)
    {
        Forecast next = Foresee(f, op, gas, sp);
        IWorldState state = Dual(f, f.Contract);
        _tracedCosts[_depth] = next.Cost;
        _tracedStatuses[_depth] = next.Status;
        _tracer!.Step(new EvmStep
        {
            Depth = _depth,
            Pc = pc,
            Opcode = op,
            Gas = (ulong)gas,
            Cost = (ulong)next.Cost,
            Status = next.Status,
            Stack = new ReadOnlySpan<UInt256>(f.Stack, (int)(sp - f.Stack)),
            Memory = f.MemorySpan,
            MemorySize = next.Status == EvmStatus.Success ? Math.Max(f.MemorySize, (int)next.Memory) : f.MemorySize,
            Code = new ReadOnlySpan<byte>(f.CodeStart, f.CodeLength),
            ReturnData = f.ReturnSpan,
            Contract = f.Contract,
            State = state,
            Refund = f.State.Refund,
        });
    }

    private CallOutcome TraceCall(in CallRequest r, IWorldState current, bool readOnly, int depth)
    {
        TraceEnter(r, depth);
        return TraceOutcome(r, BeginCall(r, current, readOnly, depth), depth);
    }

    private CallOutcome TraceCreate(in CallRequest r, IWorldState state, bool readOnly, int depth)
    {
        TraceEnter(r, depth);
        return TraceOutcome(r, BeginCreate(r, state, readOnly, depth), depth);
    }

    private void TraceEnter(in CallRequest r, int depth)
    {
        if (_tracedCosts.Length == 0)
        {
            _tracedCosts = new long[EvmLimits.CallDepth + 2];
            _tracedStatuses = new EvmStatus[EvmLimits.CallDepth + 2];
        }

        _tracedCosts[depth] = 0;
        _tracedStatuses[depth] = EvmStatus.Success;
        bool creates = r.Kind is Opcode.CREATE or Opcode.CREATE2;
        Address from = r.Kind == Opcode.DELEGATECALL ? r.Contract : r.Caller;
        _tracer!.Enter(depth, r.Kind, from, creates ? r.Contract : r.CodeAddress, new ReadOnlySpan<byte>(r.Input, r.InputLength),
            (ulong)r.Gas, r.Value);
    }

    private EvmStatus TracedStatus(EvmStatus status) =>
        status is EvmStatus.Success or EvmStatus.Revert || _tracedStatuses[_depth] == EvmStatus.Success ? status : _tracedStatuses[_depth];

    private CallOutcome TraceOutcome(in CallRequest r, in CallOutcome outcome, int depth)
    {
        if (!outcome.Opened) _tracer!.Exit(depth, outcome.Status, (ulong)(r.Gas - outcome.GasLeft), outcome.Output);
        return outcome;
    }

    /// <summary>geth's order of checks (core/vm/interpreter.go, Run).</summary>
    private Forecast Foresee(Frame f, byte op, long gas, UInt256* sp)
    {
        long last = _tracedCosts[_depth];
        if (!OpcodeTable.IsDefined(op, _fork)) return new Forecast(EvmStatus.InvalidOpcode, last, 0);
        OpcodeInfo row = OpcodeTable.Find(op)!;
        bool writes = row.Flags.HasFlag(OpcodeFlags.Writes);
        int height = (int)(sp - f.Stack);
        if (f.QuorumReadOnly && writes) return new Forecast(EvmStatus.QuorumReadOnly, last, 0);
        if (height < row.Pops) return new Forecast(EvmStatus.StackUnderflow, last, 0);
        if (height + row.Pushes - row.Pops > EvmLimits.StackSize) return new Forecast(EvmStatus.StackOverflow, last, 0);
        if (f.IsStatic && (writes || op == (byte)Opcode.CALL && !sp[-3].IsZero)) return new Forecast(EvmStatus.WriteProtection, last, 0);
        if (!MemoryNeeded((Opcode)op, sp, out ulong end)) return new Forecast(EvmStatus.GasOverflow, last, 0);
        if (end > LargestPricedMemory) return new Forecast(EvmStatus.OutOfGas, 0, 0);
        long words = (long)(end + 31 >> 5);
        long cost = (uint)_dispatch[op] + MemoryPrice(words) - MemoryPrice(Math.Min(words, f.MemorySize >> 5))
            + OperandPrice(f, (Opcode)op, sp, gas);
        if (op is (byte)Opcode.CALL or (byte)Opcode.CALLCODE or (byte)Opcode.DELEGATECALL or (byte)Opcode.STATICCALL)
        {
            if (cost > gas) return ForeseeUnpaidCall(cost, gas, sp[-1]);
            long forwarded = ForwardedGas(sp[-1], gas - cost);
            // Before EIP-150 a call asks for what it wants, whether it is there or not.
            if (forwarded < 0)
                return sp[-1].IsUInt64 && sp[-1].U0 <= long.MaxValue / 2 ? new Forecast(EvmStatus.OutOfGas, cost + (long)sp[-1].U0, 0)
                : new Forecast(EvmStatus.OutOfGas, 0, 0);
            cost += forwarded;
        }

        bool paid = cost <= gas && !(op == (byte)Opcode.SSTORE && _fork >= Fork.Istanbul && gas <= GasPrices.CallStipend);
        return new Forecast(paid ? EvmStatus.Success : EvmStatus.OutOfGas, cost, (ulong)words * 32);
    }

    /// <summary>
    /// geth reckons in 64 bits without a sign, so that what is left after an unpaid price is a very large number (core/vm/gas.go,
    /// callGas).
    /// </summary>
    private Forecast ForeseeUnpaidCall(long cost, long gas, in UInt256 wanted)
    {
        ulong left = unchecked((ulong)(gas - cost));
        ulong most = _fork >= Fork.TangerineWhistle ? left - left / 64 : ulong.MaxValue;
        if (!wanted.IsUInt64 && most == ulong.MaxValue) return new Forecast(EvmStatus.OutOfGas, 0, 0);
        ulong forwarded = wanted.IsUInt64 ? Math.Min(wanted.U0, most) : most;
        bool overflows = forwarded > ulong.MaxValue - (ulong)cost;
        return new Forecast(EvmStatus.OutOfGas, overflows ? 0 : unchecked((long)(forwarded + (ulong)cost)), 0);
    }

    private static long MemoryPrice(long words) => 3 * words + (long)((ulong)words * (ulong)words / 512);

    /// <summary>False when offset and length do not fit into 64 bits.</summary>
    private static bool MemoryNeeded(Opcode op, UInt256* sp, out ulong end)
    {
        end = 0;
        switch (op)
        {
            case Opcode.MLOAD or Opcode.MSTORE:
                return Reach(sp[-1], 32u, ref end);
            case Opcode.MSTORE8:
                return Reach(sp[-1], 1u, ref end);
            case Opcode.KECCAK256 or Opcode.RETURN or Opcode.REVERT or (>= Opcode.LOG0 and <= Opcode.LOG4):
                return Reach(sp[-1], sp[-2], ref end);
            case Opcode.CALLDATACOPY or Opcode.CODECOPY or Opcode.RETURNDATACOPY:
                return Reach(sp[-1], sp[-3], ref end);
            case Opcode.EXTCODECOPY:
                return Reach(sp[-2], sp[-4], ref end);
            case Opcode.MCOPY:
                return Reach(sp[-1], sp[-3], ref end) && Reach(sp[-2], sp[-3], ref end);
            case Opcode.CREATE or Opcode.CREATE2:
                return Reach(sp[-2], sp[-3], ref end);
            case Opcode.CALL or Opcode.CALLCODE:
                return Reach(sp[-4], sp[-5], ref end) && Reach(sp[-6], sp[-7], ref end);
            case Opcode.DELEGATECALL or Opcode.STATICCALL:
                return Reach(sp[-3], sp[-4], ref end) && Reach(sp[-5], sp[-6], ref end);
            default:
                return true;
        }
    }

    private static bool Reach(in UInt256 offset, in UInt256 length, ref ulong end)
    {
        if (length.IsZero) return true;
        if (UInt256.AddOverflow(offset, length, out UInt256 sum) || !sum.IsUInt64) return false;
        end = Math.Max(end, sum.U0);
        return true;
    }

    /// <summary>What the price has beside the constant part, the memory and a call's forwarded gas.</summary>
    private long OperandPrice(Frame f, Opcode op, UInt256* sp, long gas)
    {
        switch (op)
        {
            case Opcode.EXP:
                return _expByteGas * sp[-2].ByteLength;
            case Opcode.KECCAK256:
                return GasPrices.KeccakWord * WordsOf(sp[-2]);
            case Opcode.CALLDATACOPY or Opcode.CODECOPY or Opcode.RETURNDATACOPY or Opcode.MCOPY:
                return GasPrices.Word * WordsOf(sp[-3]);
            case Opcode.EXTCODECOPY:
                return GasPrices.Word * WordsOf(sp[-4]) + AccessPrice(f, sp[-1]);
            case >= Opcode.LOG0 and <= Opcode.LOG4:
                return GasPrices.LogByte * (long)sp[-2].U0;
            case Opcode.BALANCE or Opcode.EXTCODESIZE or Opcode.EXTCODEHASH:
                return AccessPrice(f, sp[-1]);
            case Opcode.SLOAD:
                return !_berlin ? 0 : f.State.IsSlotWarm(f.Contract, sp[-1]) ? GasPrices.Warm : GasPrices.ColdSlot;
            case Opcode.SSTORE:
                return StorePrice(f, sp[-1], sp[-2], gas);
            case Opcode.CREATE or Opcode.CREATE2:
                return (op == Opcode.CREATE2 ? GasPrices.KeccakWord : 0) * WordsOf(sp[-3])
                    + (_fork >= Fork.Shanghai ? GasPrices.InitCodeWord * WordsOf(sp[-3]) : 0);
            case Opcode.CALL or Opcode.CALLCODE or Opcode.DELEGATECALL or Opcode.STATICCALL:
                return CallPrice(f, op, sp);
            case Opcode.SELFDESTRUCT:
                return SelfDestructPrice(f, Address.FromWord(sp[-1]));
            default:
                return 0;
        }
    }

    // Lengths are within the priced memory here, or zero.
    private static long WordsOf(in UInt256 length) => (long)(length.U0 + 31 >> 5);

    private long AccessPrice(Frame f, in UInt256 address) =>
        !_berlin ? 0 : f.State.IsWarm(Address.FromWord(address)) ? GasPrices.Warm : GasPrices.ColdAccount;

    private long CallPrice(Frame f, Opcode op, UInt256* sp)
    {
        Address target = Address.FromWord(sp[-2]);
        UInt256 value = op is Opcode.CALL or Opcode.CALLCODE ? sp[-3] : default;
        long price = AccessPrice(f, sp[-2]);
        if (!value.IsZero) price += GasPrices.CallValue;
        if (_prague)
        {
            Executable(f.State, Dual(f, target), target, out Address? implementation);
            // The call itself has warmed its target.
            if (implementation is { } to) price += to == target || f.State.IsWarm(to) ? GasPrices.Warm : GasPrices.ColdAccount;
        }

        return op == Opcode.CALL && CallCreatesAccount(f, target, value) ? price + GasPrices.NewAccount : price;
    }

    private long SelfDestructPrice(Frame f, in Address heir)
    {
        long price = _berlin && !f.State.IsWarm(heir) ? GasPrices.ColdAccount : 0;
        if (_fork < Fork.TangerineWhistle) return price;
        UInt256 balance = Dual(f, f.Contract).GetBalance(f.Contract);
        IWorldState heirState = Dual(f, heir);
        bool createsAccount = _spurious ? !balance.IsZero && heirState.IsEmpty(heir) : !heirState.Exists(heir);
        return createsAccount ? price + GasPrices.NewAccount : price;
    }

    private long StorePrice(Frame f, in UInt256 slot, in UInt256 value, long gas)
    {
        IWorldState state = Dual(f, f.Contract);
        UInt256 current = state.GetStorage(f.Contract, slot);
        if (_fork != Fork.Constantinople && _fork < Fork.Istanbul)
            return current.IsZero && !value.IsZero ? GasPrices.StorageSet : GasPrices.StorageReset;
        if (_fork >= Fork.Istanbul && gas <= GasPrices.CallStipend) return 0;
        long noop = _berlin ? GasPrices.Warm : _fork >= Fork.Istanbul ? 800 : 200;
        long access = _berlin && !f.State.IsSlotWarm(f.Contract, slot) ? GasPrices.ColdSlot : 0;
        if (current == value || state.GetCommittedStorage(f.Contract, slot) is var original && original != current) return access + noop;
        long reset = GasPrices.StorageReset - (_berlin ? GasPrices.ColdSlot : 0);
        return access + (original.IsZero ? GasPrices.StorageSet : reset);
    }
}
