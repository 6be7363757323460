using System.Reflection.Emit;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

// Jumps and the ways out of a block.
internal sealed partial class ChunkEmitter
{
    private bool WriteFlow(OpcodeInfo row, int pc)
    {
        switch (row.Opcode)
        {
            case Opcode.STOP:
                WriteStop();
                return true;
            case Opcode.JUMP:
                Jump(Pop());
                _blockEnded = true;
                return true;
            case Opcode.JUMPI:
                ConditionalJump(pc);
                _blockEnded = true;
                return true;
            default:
                return false;
        }
    }

    private void ConditionalJump(int pc)
    {
        StackValue target = Pop();
        StackValue condition = Pop();
        ReadOnlySpan<Limb> limbs = Limbs(condition);
        if (condition.TryConstant(out UInt256 constant))
        {
            if (constant.IsZero) FallThrough(pc + 1);
            else Jump(target);
            return;
        }

        Limbs(target);
        SpillAll();
        Label taken = _il.DefineLabel();
        EmitAny(limbs);
        _il.Emit(OpCodes.Brtrue, taken);
        int height = _height;
        FallThrough(pc + 1);
        _height = height;
        _il.MarkLabel(taken);
        Jump(target);
    }

    private void FallThrough(int pc)
    {
        if (pc >= _code.Length) WriteStop();
        else LeaveTo(pc);
    }

    private void Jump(StackValue target)
    {
        ReadOnlySpan<Limb> limbs = Limbs(target);
        if (target.TryConstant(out UInt256 constant))
        {
            if (IsJumpDestination(constant)) LeaveTo((int)constant.U0);
            else FailWithInvalidJump();
            return;
        }

        SpillAll();
        MoveStackPointer();
        _il.Emit(OpCodes.Ldarg_1);
        Emit(limbs[0]);
        EmitAny(limbs[1..]);
        _il.Emit(OpCodes.Call, OutOfLine.CheckJump);
        _il.Emit(OpCodes.Stloc, _target);
        _il.Emit(OpCodes.Ldloc, _target);
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Bge, _dispatch);
        FailWithInvalidJump();
    }

    private void FailWithInvalidJump()
    {
        _usesInvalidJump = true;
        _il.Emit(OpCodes.Br, _invalidJump);
    }

    private bool IsJumpDestination(in UInt256 target) =>
        target.IsUInt64 && target.U0 < (ulong)_code.Length && _code.Bytes[(int)target.U0] == (byte)Opcode.JUMPDEST
            && _blockOf[(int)target.U0] >= 0;

    /// <summary>The block ends and another one begins, here or in another chunk.</summary>
    private void LeaveTo(int pc)
    {
        SpillAll();
        MoveStackPointer();
        if (pc <= _pc) CountBackwardJump();
        int block = _blockOf[pc] - _first;
        if ((uint)block < (uint)_count)
        {
            _il.Emit(OpCodes.Br, _labels[block]);
            return;
        }

        SaveFrame(() => _il.Emit(OpCodes.Ldc_I4, pc));
        Return(ChunkExit.Elsewhere);
    }

    /// <summary>Only these can go round and round, so that it is enough to look there whether the run is to be stopped.</summary>
    private void CountBackwardJump()
    {
        Label goesOn = _il.DefineLabel();
        LoadFrameField(_frameJumpsToCheck);
        _il.Emit(OpCodes.Ldc_I4_1);
        _il.Emit(OpCodes.Sub);
        _il.Emit(OpCodes.Stloc, _jumps);
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Ldloc, _jumps);
        _il.Emit(OpCodes.Stfld, _frameJumpsToCheck);
        _il.Emit(OpCodes.Ldloc, _jumps);
        _il.Emit(OpCodes.Brtrue, goesOn);
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Call, OutOfLine.Pause);
        _il.MarkLabel(goesOn);
    }

    /// <summary>Behind a call: a finished one goes on, an opened child frame will come back to <paramref name="pc"/>.</summary>
    private void LeaveToChild(int pc)
    {
        MoveStackPointer();
        BeginStack();
        Label finished = _il.DefineLabel();
        _il.Emit(OpCodes.Ldarg_1);
        _il.Emit(OpCodes.Call, OutOfLine.TakeChildOpened);
        _il.Emit(OpCodes.Brfalse, finished);
        SaveFrame(() => _il.Emit(OpCodes.Ldc_I4, pc));
        Return(ChunkExit.ChildOpened);
        _il.MarkLabel(finished);
        FallThrough(pc);
        _blockEnded = true;
    }

    private void MoveStackPointer()
    {
        if (_height == 0) return;
        EmitSlotAddress(_height);
        _il.Emit(OpCodes.Stloc, _sp);
    }
}
