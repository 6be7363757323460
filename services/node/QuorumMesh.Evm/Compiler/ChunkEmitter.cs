using System.Reflection;
using System.Reflection.Emit;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

/// <summary>
/// Writes one chunk. The stack is virtual inside a block: pushes, DUP, SWAP and POP cost nothing, words live in 64-bit locals,
/// and memory sees what is left at the block's end or what an instruction out of line asks for.
/// <para>
/// Gas is charged by segments. A segment ends with an instruction that can see the gas left, change state or fail for another
/// reason than gas; before it only running out of gas can end the frame, whichever instruction the interpreter would stop at, so
/// that one check in front of all gives the same outcome. A block whose stack might not suffice is handed to the interpreter at
/// its start, which finds the instruction and the status.
/// </para>
/// </summary>
internal sealed partial class ChunkEmitter
{
    private static readonly Type _frame = typeof(Frame);
    private static readonly FieldInfo _frameGas = _frame.GetField(nameof(Frame.Gas))!;
    private static readonly FieldInfo _framePc = _frame.GetField(nameof(Frame.Pc))!;
    private static readonly FieldInfo _frameHeight = _frame.GetField(nameof(Frame.Height))!;
    private static readonly FieldInfo _frameJumpsToCheck = _frame.GetField(nameof(Frame.JumpsToCheck))!;
    private static readonly FieldInfo _frameStatus = _frame.GetField(nameof(Frame.Status))!;
    private static readonly FieldInfo _frameStack = _frame.GetField(nameof(Frame.Stack))!;
    private static readonly FieldInfo _blockOfField = typeof(CompiledCode).GetField(nameof(CompiledCode.BlockOf))!;

    private readonly ILGenerator _il;
    private readonly Code _code;
    private readonly Fork _fork;
    private readonly List<CodeBlock> _blocks;
    private readonly int[] _blockOf;
    private readonly int _first;
    private readonly int _count;
    private readonly CompilerLimits _limits;

    private readonly Label[] _labels;
    private readonly Label _dispatch;
    private readonly Label _outOfGas;
    private readonly Label _fault;
    private readonly Label _invalidJump;
    private readonly Label _invalidOpcode;
    private readonly LocalBuilder _sp;
    private readonly LocalBuilder _gas;
    private readonly LocalBuilder _target;
    private readonly LocalBuilder _jumps;

    private bool _blockEnded;
    private int _pc;
    private bool _usesOutOfGas;
    private bool _usesFault;
    private bool _usesInvalidJump;
    private bool _usesInvalidOpcode;

    public ChunkEmitter(ILGenerator il, Code code, Fork fork, List<CodeBlock> blocks, int[] blockOf, int first, int count,
        CompilerLimits limits)
    {
        _il = il;
        _code = code;
        _fork = fork;
        _blocks = blocks;
        _blockOf = blockOf;
        _first = first;
        _count = count;
        _limits = limits;
        _labels = new Label[count];
        for (int i = 0; i < count; i++) _labels[i] = il.DefineLabel();
        _dispatch = il.DefineLabel();
        _outOfGas = il.DefineLabel();
        _fault = il.DefineLabel();
        _invalidJump = il.DefineLabel();
        _invalidOpcode = il.DefineLabel();
        _sp = il.DeclareLocal(typeof(UInt256*));
        _gas = il.DeclareLocal(typeof(long));
        _target = il.DeclareLocal(typeof(int));
        _jumps = il.DeclareLocal(typeof(int));
    }

    /// <summary>How many blocks were written; fewer than asked for when the chunk grew too long, and then it is not usable.</summary>
    public int Write()
    {
        WriteEntry();
        for (int i = 0; i < _count; i++)
        {
            if (i > 0 && _il.ILOffset > _limits.ChunkIl) return i;
            _il.MarkLabel(_labels[i]);
            WriteBlock(_blocks[_first + i]);
        }

        WriteExits();
        return _count;
    }

    private void WriteEntry()
    {
        LoadFrameField(_frameGas);
        _il.Emit(OpCodes.Stloc, _gas);
        LoadFrameField(_frameStack);
        LoadFrameField(_frameHeight);
        EmitWordOffset();
        _il.Emit(OpCodes.Add);
        _il.Emit(OpCodes.Stloc, _sp);
        LoadFrameField(_framePc);
        _il.Emit(OpCodes.Stloc, _target);

        // Also where dynamic jumps come, with their checked target.
        _il.MarkLabel(_dispatch);
        _il.Emit(OpCodes.Ldarg_0);
        _il.Emit(OpCodes.Ldfld, _blockOfField);
        _il.Emit(OpCodes.Ldloc, _target);
        _il.Emit(OpCodes.Ldelem_I4);
        _il.Emit(OpCodes.Ldc_I4, _first);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Switch, _labels);
        SaveFrame(() => _il.Emit(OpCodes.Ldloc, _target));
        Return(ChunkExit.Elsewhere);
    }

    private void WriteBlock(CodeBlock block)
    {
        BeginStack();
        CheckStack(block);
        _blockEnded = false;
        int pc = block.Start;
        int segmentEnd = pc;
        while (pc < block.End && !_blockEnded)
        {
            byte op = _code.Bytes[pc];
            if (!OpcodeTable.IsDefined(op, _fork))
            {
                _usesInvalidOpcode = true;
                _il.Emit(OpCodes.Br, _invalidOpcode);
                return;
            }

            if (pc >= segmentEnd) segmentEnd = ChargeSegment(pc, block.End);
            OpcodeInfo row = OpcodeTable.Find(op)!;
            _pc = pc;
            WriteInstruction(row, pc);
            pc += 1 + row.ImmediateSize;
        }

        if (_blockEnded) return;
        if (pc >= _code.Length) WriteStop();
        else LeaveTo(pc);
    }

    /// <summary>Charges the constant gas up to and including the next instruction that ends a segment, and says where that is.</summary>
    private int ChargeSegment(int pc, int end)
    {
        long sum = 0;
        while (pc < end)
        {
            byte op = _code.Bytes[pc];
            if (!OpcodeTable.IsDefined(op, _fork)) break;
            OpcodeInfo row = OpcodeTable.Find(op)!;
            sum += row.ConstantGas(_fork);
            pc += 1 + row.ImmediateSize;
            if (EndsSegment(row.Opcode)) break;
        }

        if (sum == 0) return pc;
        _il.Emit(OpCodes.Ldloc, _gas);
        _il.Emit(OpCodes.Ldc_I8, sum);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _gas);
        FailWhenOutOfGas();
        return pc;
    }

    // GAS shows what is left, and the others charge by what they find: both must see exactly what the interpreter would have.
    private static bool EndsSegment(Opcode op) => op == Opcode.GAS || OutOfLine.Charging(op) is not null;

    private void CheckStack(CodeBlock block)
    {
        // One check for the block. Where it fails, some instruction of the block fails too, but an earlier one may run out of gas
        // first: only the interpreter knows which.
        if (block.Needs == 0 && block.Grows == 0) return;
        Label fits = _il.DefineLabel();
        _il.Emit(OpCodes.Ldloc, _sp);
        LoadFrameField(_frameStack);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(OpCodes.Ldc_I4, block.Needs * UInt256.Size);
        _il.Emit(OpCodes.Sub);
        int most = EvmLimits.StackSize - block.Grows - block.Needs;
        if (most >= 0)
        {
            _il.Emit(OpCodes.Ldc_I4, most * UInt256.Size);
            _il.Emit(OpCodes.Ble_Un, fits);
        }
        else
        {
            _il.Emit(OpCodes.Pop);
        }

        SaveFrame(() => _il.Emit(OpCodes.Ldc_I4, block.Start));
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Call, OutOfLine.Interpret);
        _il.Emit(OpCodes.Ret);
        _il.MarkLabel(fits);
    }

    private void WriteExits()
    {
        WriteExit(_usesInvalidJump, _invalidJump, EvmStatus.InvalidJump);
        WriteExit(_usesInvalidOpcode, _invalidOpcode, EvmStatus.InvalidOpcode);
        WriteExit(_usesOutOfGas, _outOfGas, EvmStatus.OutOfGas);
        if (!_usesFault) return;
        _il.MarkLabel(_fault);
        WriteFault();
    }

    private void WriteExit(bool used, Label label, EvmStatus status)
    {
        if (!used) return;
        _il.MarkLabel(label);
        SetStatus(status);
        WriteFault();
    }

    private void WriteFault()
    {
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldc_I8, 0L);
        _il.Emit(OpCodes.Stfld, _frameGas);
        Return(ChunkExit.Ended);
    }

    private void WriteStop()
    {
        SetStatus(EvmStatus.Success);
        SaveGas();
        Return(ChunkExit.Ended);
        _blockEnded = true;
    }

    private void SetStatus(EvmStatus status)
    {
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldc_I4, (int)status);
        _il.Emit(OpCodes.Stfld, _frameStatus);
    }

    private void SaveGas()
    {
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldloc, _gas);
        _il.Emit(OpCodes.Stfld, _frameGas);
    }

    /// <summary>Gas, stack height and position, as <see cref="Frame"/> keeps them between two runs.</summary>
    private void SaveFrame(Action position)
    {
        SaveGas();
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldloc, _sp);
        LoadFrameField(_frameStack);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Conv_I4);
        _il.Emit(OpCodes.Ldc_I4, 5);
        _il.Emit(OpCodes.Shr);
        _il.Emit(OpCodes.Stfld, _frameHeight);
        _il.Emit(OpCodes.Ldarg_1);
        position();
        _il.Emit(OpCodes.Stfld, _framePc);
    }

    private void Return(ChunkExit exit)
    {
        _il.Emit(OpCodes.Ldc_I4, (int)exit);
        _il.Emit(OpCodes.Ret);
    }

    private void FailWhenOutOfGas()
    {
        _usesOutOfGas = true;
        EmitGasIsNegative(_outOfGas);
    }

    private void EmitGasIsNegative(Label then)
    {
        _il.Emit(OpCodes.Ldloc, _gas);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Blt, then);
    }

    private void LoadFrameField(FieldInfo field)
    {
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldfld, field);
    }

    private void EmitWordOffset()
    {
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Ldc_I4, UInt256.Size);
        _il.Emit(OpCodes.Mul);
    }
}
