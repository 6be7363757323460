using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// Instructions that touch memory ranges, accounts, storage or logs. Each returns the gas left; negative means failure with frame.Status.
public sealed unsafe partial class EvmMachine
{
    /// <summary>Bytes; to hash so many takes as long as a call.</summary>
    private const ulong LongHash = 1 << 16;

    /// <summary>A memory range from the stack; an empty one is at 0. False when it is beyond any gas.</summary>
    private static bool Range(UInt256* offset, UInt256* length, out ulong start, out ulong size)
    {
        start = 0;
        size = length->U0;
        if (!length->IsUInt64) return false;
        if (size == 0) return true;
        start = offset->U0;
        return offset->IsUInt64;
    }

    private static bool MayWrite(Frame f)
    {
        if (f.IsStatic)
        {
            f.Status = EvmStatus.WriteProtection;
            return false;
        }

        if (!f.QuorumReadOnly) return true;
        f.Status = EvmStatus.QuorumReadOnly;
        return false;
    }

    private long ChargeAccount(Frame f, in Address a, long gas) =>
        _berlin ? gas - (f.State.WarmAddress(a) ? GasPrices.ColdAccount : GasPrices.Warm) : gas;

    private static long ChargeWords(ulong length, long perWord, long gas) =>
        length > EvmLimits.MemoryBytes ? -1 : gas - perWord * (long)(length + 31 >> 5);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long KeccakOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp, sp - 1, out ulong offset, out ulong length)) return -1;
        gas = ChargeWords(length, GasPrices.KeccakWord, gas);
        if (gas >= 0) gas = f.Grow(offset, length, gas);
        if (gas < 0) return gas;
        // A straight run of these needs no jump to take long.
        if (length > LongHash) f.Machine.CheckStop();
        byte* hash = stackalloc byte[32];
        Keccak.Hash(new ReadOnlySpan<byte>(f.Memory + offset, (int)length), new Span<byte>(hash, 32));
        Words.Load(sp - 1, hash);
        return gas;
    }

    private long BalanceOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        Address address = Address.FromWord(sp[-1]);
        gas = ChargeAccount(f, address, gas);
        if (gas >= 0) sp[-1] = Dual(f, address).GetBalance(address);
        return gas;
    }

    private static void CallDataLoad(Frame f, UInt256* sp)
    {
        UInt256* word = sp - 1;
        ulong length = (ulong)f.InputLength;
        if (!word->IsUInt64 || word->U0 >= length)
        {
            *word = default;
            return;
        }

        ulong offset = word->U0;
        if (length - offset >= 32)
        {
            Words.Load(word, f.Input + offset);
            return;
        }

        byte* padded = stackalloc byte[32];
        new Span<byte>(padded, 32).Clear();
        f.InputSpan[(int)offset..].CopyTo(new Span<byte>(padded, 32));
        Words.Load(word, padded);
    }

    /// <summary>CALLDATACOPY and CODECOPY: what lies beyond the source reads as zero.</summary>
    private static long CopyOp(Frame f, UInt256* sp, byte* source, int sourceLength, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp + 2, sp, out ulong offset, out ulong length)) return -1;
        gas = ChargeWords(length, GasPrices.Word, gas);
        if (gas >= 0) gas = f.Grow(offset, length, gas);
        if (gas < 0 || length == 0) return gas;
        var target = new Span<byte>(f.Memory + offset, (int)length);
        int from = sp[1].IsUInt64 && sp[1].U0 < (ulong)sourceLength ? (int)sp[1].U0 : sourceLength;
        int count = Math.Min(target.Length, sourceLength - from);
        if (count > 0) new ReadOnlySpan<byte>(source + from, count).CopyTo(target);
        target[count..].Clear();
        return gas;
    }

    private long ExtCodeSizeOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        Address address = Address.FromWord(sp[-1]);
        gas = ChargeAccount(f, address, gas);
        if (gas >= 0) sp[-1] = new UInt256((ulong)Resolve(Dual(f, address), address).Length);
        return gas;
    }

    private long ExtCodeCopyOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        Address address = Address.FromWord(sp[3]);
        gas = ChargeAccount(f, address, gas);
        if (gas < 0) return gas;
        Code code = Resolve(Dual(f, address), address);
        return CopyOp(f, sp, code.Start, code.Length, gas);
    }

    private static long ReturnDataCopyOp(Frame f, UInt256* sp, long gas)
    {
        UInt256 from = sp[1];
        UInt256 length = sp[0];
        // EIP-211: unlike the other copies this one must not read beyond the end.
        f.Status = EvmStatus.ReturnDataOutOfBounds;
        if (UInt256.AddOverflow(from, length, out UInt256 end) || end > new UInt256((ulong)f.ReturnLength)) return -1;
        fixed (byte* data = f.ReturnSpan) return CopyOp(f, sp, data, f.ReturnLength, gas);
    }

    // From the current state, unlike its neighbours: GoQuorum does it so.
    private long ExtCodeHashOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        Address address = Address.FromWord(sp[-1]);
        gas = ChargeAccount(f, address, gas);
        if (gas >= 0)
        {
            IWorldState state = _rules.ExtCodeHashIsDual ? Dual(f, address) : f.State;
            // EIP-1052: 0 for an account that EIP-161 calls empty.
            sp[-1] = state.IsEmpty(address) ? default : state.GetCodeHash(address).ToWord();
        }

        return gas;
    }

    private void BlockHashOp(UInt256* sp)
    {
        UInt256 number = sp[-1];
        bool known = number.IsUInt64 && number.U0 < _block.Number && _block.Number - number.U0 <= 256;
        sp[-1] = known ? _block.BlockHash(number.U0).ToWord() : default;
    }

    private void BlobHashOp(UInt256* sp)
    {
        UInt256 index = sp[-1];
        sp[-1] = index.IsUInt64 && index.U0 < (ulong)_blobHashes.Count ? _blobHashes[(int)index.U0].ToWord() : default;
    }

    private static long MemoryCopyOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp + 2, sp, out ulong target, out ulong length) || !Range(sp + 1, sp, out ulong source, out _)) return -1;
        gas = ChargeWords(length, GasPrices.Word, gas);
        // EIP-5656: memory grows to the farther of both ranges; they may overlap.
        if (gas >= 0) gas = f.Grow(Math.Max(target, source), length, gas);
        if (gas < 0 || length == 0) return gas;
        new ReadOnlySpan<byte>(f.Memory + source, (int)length).CopyTo(new Span<byte>(f.Memory + target, (int)length));
        return gas;
    }

    private static long LogOp(Frame f, UInt256* sp, int topicCount, long gas)
    {
        if (!MayWrite(f)) return -1;
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp + topicCount + 1, sp + topicCount, out ulong offset, out ulong length)) return -1;
        gas = f.Grow(offset, length, gas);
        if (gas < 0) return gas;
        gas -= GasPrices.LogByte * (long)length;
        if (gas < 0) return gas;
        var topics = new Hash256[topicCount];
        for (int i = 0; i < topicCount; i++) topics[i] = Hash256.FromWord(sp[topicCount - 1 - i]);
        byte[] data = length == 0 ? [] : new ReadOnlySpan<byte>(f.Memory + offset, (int)length).ToArray();
        // Into the current state, not the dual one of the contract: GoQuorum does it so (2.5:core/vm/instructions.go).
        f.State.AddLog(new LogEntry(f.Contract, topics, data));
        return gas;
    }

    private static long OutputOp(Frame f, UInt256* sp, long gas)
    {
        f.Status = EvmStatus.OutOfGas;
        if (!Range(sp + 1, sp, out ulong offset, out ulong length)) return -1;
        gas = f.Grow(offset, length, gas);
        if (gas < 0) return gas;
        f.OutputOffset = length == 0 ? 0 : (int)offset;
        f.OutputLength = (int)length;
        return gas;
    }

    private long SelfDestructOp(Frame f, UInt256* sp, long gas)
    {
        if (!MayWrite(f)) return -1;
        f.Status = EvmStatus.OutOfGas;
        Address heir = Address.FromWord(sp[0]);
        IWorldState state = Dual(f, f.Contract);
        UInt256 balance = state.GetBalance(f.Contract);
        if (_berlin && f.State.WarmAddress(heir)) gas -= GasPrices.ColdAccount;
        if (_fork >= Fork.TangerineWhistle)
        {
            IWorldState heirState = Dual(f, heir);
            // The price looks for the contract's balance where the heir is; GoQuorum does it so.
            bool createsAccount = _spurious ? !heirState.GetBalance(f.Contract).IsZero && heirState.IsEmpty(heir) : !heirState.Exists(heir);
            if (createsAccount) gas -= GasPrices.NewAccount;
        }

        if (gas < 0) return gas;
        // EIP-3529 took the refund away.
        if (_fork < Fork.London && !state.HasSelfDestructed(f.Contract)) f.State.AddRefund(GasPrices.SelfDestructRefund);
        if (_fork >= Fork.Cancun)
        {
            // Subtracted first: a contract that names itself as heir keeps its balance (EIP-6780).
            state.SubtractBalance(f.Contract, balance);
            state.AddBalance(heir, balance);
            // EIP-6780: older contracts only lose their balance.
            if (state.IsCreatedInTransaction(f.Contract)) state.SelfDestruct(f.Contract);
            return gas;
        }

        state.AddBalance(heir, balance);
        state.SelfDestruct(f.Contract);
        return gas;
    }
}
