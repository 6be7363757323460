using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

// One instruction: on the virtual stack, in line, or out of line by the same code that the interpreter uses.
internal sealed partial class ChunkEmitter
{
    private static readonly FieldInfo _frameMemory = _frame.GetField(nameof(Frame.Memory))!;
    private static readonly FieldInfo _frameMemorySize = _frame.GetField(nameof(Frame.MemorySize))!;
    private static readonly FieldInfo _frameWordLimit = _frame.GetField(nameof(Frame.WordLimit))!;
    private static readonly FieldInfo _frameInputLength = _frame.GetField(nameof(Frame.InputLength))!;
    private static readonly FieldInfo _frameReturnLength = _frame.GetField(nameof(Frame.ReturnLength))!;
    private static readonly MethodInfo _grow = _frame.GetMethod(nameof(Frame.Grow))!;
    private static readonly MethodInfo _reverse = typeof(BinaryPrimitives)
        .GetMethod(nameof(BinaryPrimitives.ReverseEndianness), [typeof(ulong)])!;

    private void WriteInstruction(OpcodeInfo row, int pc)
    {
        FreeLocals();
        Opcode op = row.Opcode;
        if (row.ImmediateSize > 0) Push(StackValue.Constant(Immediate(pc, row.ImmediateSize)));
        else if (op is >= Opcode.DUP1 and <= Opcode.DUP16) Duplicate(op - Opcode.DUP1 + 1);
        else if (op is >= Opcode.SWAP1 and <= Opcode.SWAP16) Swap(op - Opcode.SWAP1 + 1);
        else if (!WriteFlow(row, pc) && !WriteArithmetic(op) && !WriteMemory(op, pc)) WriteOutOfLine(row, pc);
    }

    /// <summary>What lies beyond the code reads as zero.</summary>
    private UInt256 Immediate(int pc, int size)
    {
        Span<byte> bytes = stackalloc byte[size];
        ReadOnlySpan<byte> there = _code.Bytes[(pc + 1)..];
        bytes.Clear();
        there[..Math.Min(size, there.Length)].CopyTo(bytes);
        return UInt256.FromBigEndian(bytes);
    }

    private bool WriteMemory(Opcode op, int pc)
    {
        switch (op)
        {
            case Opcode.POP:
                Pop();
                return true;
            case Opcode.JUMPDEST:
                return true;
            case Opcode.PUSH0:
                Push(StackValue.Constant(default));
                return true;
            case Opcode.PC:
                Push(StackValue.Small(Limb.Of((ulong)pc)));
                return true;
            case Opcode.CODESIZE:
                Push(StackValue.Small(Limb.Of((ulong)_code.Length)));
                return true;
            case Opcode.CALLDATASIZE:
                PushFrameInt(_frameInputLength);
                return true;
            case Opcode.RETURNDATASIZE:
                PushFrameInt(_frameReturnLength);
                return true;
            case Opcode.MSIZE:
                PushFrameInt(_frameMemorySize);
                return true;
            case Opcode.GAS:
                _il.Emit(OpCodes.Ldloc, _gas);
                Push(StackValue.Small(StoreNew()));
                return true;
            case Opcode.MLOAD:
                MemoryLoad();
                return true;
            case Opcode.MSTORE:
                MemoryStore();
                return true;
            case Opcode.MSTORE8:
                MemoryStoreByte();
                return true;
            default:
                return false;
        }
    }

    private void PushFrameInt(FieldInfo field)
    {
        LoadFrameField(field);
        _il.Emit(OpCodes.Conv_I8);
        Push(StackValue.Small(StoreNew()));
    }

    private void MemoryLoad()
    {
        Limb offset = Offset(Pop());
        Reach(offset, UInt256.Size);
        var limbs = new Limb[4];
        for (int i = 0; i < 4; i++)
        {
            EmitMemoryAddress(offset, 24 - 8 * i);
            _il.Emit(OpCodes.Unaligned, (byte)1);
            _il.Emit(OpCodes.Ldind_I8);
            _il.Emit(OpCodes.Call, _reverse);
            limbs[i] = StoreNew();
        }

        Push(StackValue.Of(limbs[0], limbs[1], limbs[2], limbs[3]));
    }

    private void MemoryStore()
    {
        Limb offset = Offset(Pop());
        StackValue value = Pop();
        Limbs(value);
        Reach(offset, UInt256.Size);
        for (int i = 0; i < 4; i++)
        {
            EmitMemoryAddress(offset, 24 - 8 * i);
            Limb limb = value.Limbs[i];
            if (limb.IsConstant)
            {
                Emit(Limb.Of(BinaryPrimitives.ReverseEndianness(limb.Constant)));
            }
            else
            {
                Emit(limb);
                _il.Emit(OpCodes.Call, _reverse);
            }

            _il.Emit(OpCodes.Unaligned, (byte)1);
            _il.Emit(OpCodes.Stind_I8);
        }
    }

    private void MemoryStoreByte()
    {
        Limb offset = Offset(Pop());
        StackValue value = Pop();
        Limbs(value);
        Reach(offset, 1);
        EmitMemoryAddress(offset, 0);
        Emit(value.Limbs[0]);
        _il.Emit(OpCodes.Conv_U1);
        _il.Emit(OpCodes.Stind_I1);
    }

    /// <summary>A memory offset in 64 bits; what is larger becomes the largest, which no gas pays for.</summary>
    private Limb Offset(StackValue value)
    {
        ReadOnlySpan<Limb> limbs = Limbs(value);
        if (value.IsSmall) return limbs[0];
        if (value.TryConstant(out UInt256 constant)) return Limb.Of(constant.IsUInt64 ? constant.U0 : ulong.MaxValue);
        Label small = _il.DefineLabel();
        Emit(limbs[0]);
        Limb offset = StoreNew();
        EmitAny(limbs[1..]);
        _il.Emit(OpCodes.Brfalse, small);
        _il.Emit(OpCodes.Ldc_I8, -1L);
        _il.Emit(OpCodes.Stloc, offset.Local!);
        _il.MarkLabel(small);
        return offset;
    }

    /// <summary>The bitwise or of limbs.</summary>
    private void EmitAny(ReadOnlySpan<Limb> limbs)
    {
        bool first = true;
        foreach (Limb limb in limbs)
        {
            if (limb.Is(0)) continue;
            Emit(limb);
            if (!first) _il.Emit(OpCodes.Or);
            first = false;
        }

        if (first) Emit(Limb.Zero);
    }

    private void Reach(Limb offset, int size)
    {
        Label inside = _il.DefineLabel();
        Emit(offset);
        LoadFrameField(_frameWordLimit);
        _il.Emit(OpCodes.Blt_Un, inside);
        _il.Emit(OpCodes.Ldarg_1);
        Emit(offset);
        _il.Emit(OpCodes.Ldc_I8, (long)size);
        _il.Emit(OpCodes.Ldloc, _gas);
        _il.Emit(OpCodes.Call, _grow);
        _il.Emit(OpCodes.Stloc, _gas);
        FailWhenOutOfGas();
        _il.MarkLabel(inside);
    }

    private void EmitMemoryAddress(Limb offset, int plus)
    {
        LoadFrameField(_frameMemory);
        if (offset.IsConstant)
        {
            _il.Emit(OpCodes.Ldc_I8, (long)offset.Constant + plus);
            _il.Emit(OpCodes.Conv_I);
            _il.Emit(OpCodes.Add);
            return;
        }

        Emit(offset);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Add);
        if (plus == 0) return;
        _il.Emit(OpCodes.Ldc_I4, plus);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Add);
    }

    private void WriteOutOfLine(OpcodeInfo row, int pc)
    {
        MethodInfo? charging = OutOfLine.Charging(row.Opcode);
        bool opensFrame = CodeBlock.OpensFrame(row.Opcode);
        if (opensFrame) SpillAll();
        SpillOperands(row);
        _il.Emit(OpCodes.Ldarg_1);
        EmitSlotAddress(_height);
        if (charging is null)
        {
            _il.Emit(OpCodes.Call, OutOfLine.Plain(row.Opcode));
            TakeResults(row);
            return;
        }

        _il.Emit(OpCodes.Ldloc, _gas);
        _il.Emit(OpCodes.Call, charging);
        _il.Emit(OpCodes.Stloc, _gas);
        _usesFault = true;
        EmitGasIsNegative(_fault);
        TakeResults(row);
        if (opensFrame) LeaveToChild(pc + 1);
        else if ((row.Flags & OpcodeFlags.Terminates) != 0) End();
    }

    /// <summary>The instruction has set the status.</summary>
    private void End()
    {
        SaveGas();
        Return(ChunkExit.Ended);
        _blockEnded = true;
    }
}
