using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// The instruction loop. Five locals (frame, table, ip, sp, gas) are live across its calls, which is as many as there are registers that
// survive a call; everything else is reached through the frame. None of the hot ones ever has its address taken. What is rare or touches
// state is out of line and takes and returns the gas by value (negative: the frame fails with frame.Status).
public sealed unsafe partial class EvmMachine
{
    /// <summary>
    /// True when the frame has ended (its status, gas and output are set); false when it goes on elsewhere: it has opened a child
    /// frame, or a compiled body takes it over.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Interpret<TTrace>(Frame f, ulong* table)
        where TTrace : struct, ITraceMode
    {
        byte* ip = f.CodeStart + f.Pc;
        UInt256* sp = f.Stack + f.Height;
        long gas = f.Gas;
        while (true)
        {
            uint op = *ip;
            ulong info = table[op];
            if (TTrace.Enabled) f.Machine.TraceStep(f, (int)(ip - f.CodeStart), (byte)op, gas, sp);
            if ((uint)((byte*)sp - (byte*)f.Stack) - (uint)(ushort)(info >> 32) > (uint)(info >> 48))
                return StackFault(f, *ip, (int)(sp - f.Stack));
            gas -= (uint)info;
            if (gas < 0) goto OutOfGas;
            ip++;
            switch ((Opcode)(byte)op)
            {
                case Opcode.STOP:
                    f.Gas = gas;
                    f.Status = EvmStatus.Success;
                    return true;
                case Opcode.ADD:
                    sp--;
                    UInt256.Add(sp[0], sp[-1], out sp[-1]);
                    break;
                case Opcode.MUL:
                    sp--;
                    Words.Multiply(sp);
                    break;
                case Opcode.SUB:
                    sp--;
                    UInt256.Subtract(sp[0], sp[-1], out sp[-1]);
                    break;
                case Opcode.DIV:
                    sp--;
                    Words.Divide(sp);
                    break;
                case Opcode.SDIV:
                    sp--;
                    Words.SignedDivide(sp);
                    break;
                case Opcode.MOD:
                    sp--;
                    Words.Modulo(sp);
                    break;
                case Opcode.SMOD:
                    sp--;
                    Words.SignedModulo(sp);
                    break;
                case Opcode.ADDMOD:
                    sp -= 2;
                    Words.AddMod(sp);
                    break;
                case Opcode.MULMOD:
                    sp -= 2;
                    Words.MulMod(sp);
                    break;
                case Opcode.EXP:
                    sp--;
                    gas -= f.Machine._expByteGas * sp[-1].ByteLength;
                    if (gas < 0) goto OutOfGas;
                    Words.Exp(sp);
                    break;
                case Opcode.SIGNEXTEND:
                    sp--;
                    Words.SignExtend(sp);
                    break;
                case Opcode.LT:
                    sp--;
                    sp[-1] = new UInt256(sp[0] < sp[-1] ? 1UL : 0UL);
                    break;
                case Opcode.GT:
                    sp--;
                    sp[-1] = new UInt256(sp[0] > sp[-1] ? 1UL : 0UL);
                    break;
                case Opcode.SLT:
                    sp--;
                    sp[-1] = new UInt256(UInt256.Slt(sp[0], sp[-1]) ? 1UL : 0UL);
                    break;
                case Opcode.SGT:
                    sp--;
                    sp[-1] = new UInt256(UInt256.Sgt(sp[0], sp[-1]) ? 1UL : 0UL);
                    break;
                case Opcode.EQ:
                    sp--;
                    sp[-1] = new UInt256(sp[0] == sp[-1] ? 1UL : 0UL);
                    break;
                case Opcode.ISZERO:
                    sp[-1] = new UInt256(sp[-1].IsZero ? 1UL : 0UL);
                    break;
                case Opcode.AND:
                    sp--;
                    Words.Set(sp - 1, Words.Bits(sp) & Words.Bits(sp - 1));
                    break;
                case Opcode.OR:
                    sp--;
                    Words.Set(sp - 1, Words.Bits(sp) | Words.Bits(sp - 1));
                    break;
                case Opcode.XOR:
                    sp--;
                    Words.Set(sp - 1, Words.Bits(sp) ^ Words.Bits(sp - 1));
                    break;
                case Opcode.NOT:
                    Words.Set(sp - 1, ~Words.Bits(sp - 1));
                    break;
                case Opcode.BYTE:
                    sp--;
                    Words.Byte(sp);
                    break;
                case Opcode.SHL:
                    sp--;
                    Words.ShiftLeft(sp);
                    break;
                case Opcode.SHR:
                    sp--;
                    Words.ShiftRight(sp);
                    break;
                case Opcode.SAR:
                    sp--;
                    Words.ShiftArithmetic(sp);
                    break;
                case Opcode.CLZ:
                    sp[-1] = new UInt256((ulong)(256 - sp[-1].BitLength));
                    break;
                case Opcode.KECCAK256:
                    sp--;
                    gas = KeccakOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.ADDRESS:
                    *sp++ = f.Contract.ToWord();
                    break;
                case Opcode.BALANCE:
                    gas = f.Machine.BalanceOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.ORIGIN:
                    *sp++ = f.Machine._origin.ToWord();
                    break;
                case Opcode.CALLER:
                    *sp++ = f.Caller.ToWord();
                    break;
                case Opcode.CALLVALUE:
                    *sp++ = f.Value;
                    break;
                case Opcode.CALLDATALOAD:
                    CallDataLoad(f, sp);
                    break;
                case Opcode.CALLDATASIZE:
                    *sp++ = new UInt256((ulong)f.InputLength);
                    break;
                case Opcode.CALLDATACOPY:
                    sp -= 3;
                    gas = CopyOp(f, sp, f.Input, f.InputLength, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.CODESIZE:
                    *sp++ = new UInt256((ulong)f.CodeLength);
                    break;
                case Opcode.CODECOPY:
                    sp -= 3;
                    gas = CopyOp(f, sp, f.CodeStart, f.CodeLength, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.GASPRICE:
                    *sp++ = f.Machine._gasPrice;
                    break;
                case Opcode.EXTCODESIZE:
                    gas = f.Machine.ExtCodeSizeOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.EXTCODECOPY:
                    sp -= 4;
                    gas = f.Machine.ExtCodeCopyOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.RETURNDATASIZE:
                    *sp++ = new UInt256((ulong)f.ReturnLength);
                    break;
                case Opcode.RETURNDATACOPY:
                    sp -= 3;
                    gas = ReturnDataCopyOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.EXTCODEHASH:
                    gas = f.Machine.ExtCodeHashOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.BLOCKHASH:
                    f.Machine.BlockHashOp(sp);
                    break;
                case Opcode.COINBASE:
                    *sp++ = f.Machine._block.Coinbase.ToWord();
                    break;
                case Opcode.TIMESTAMP:
                    *sp++ = new UInt256(f.Machine._block.Timestamp);
                    break;
                case Opcode.NUMBER:
                    *sp++ = new UInt256(f.Machine._block.Number);
                    break;
                case Opcode.DIFFICULTY:
                    *sp++ = f.Machine.DifficultyOrRandao();
                    break;
                case Opcode.GASLIMIT:
                    *sp++ = new UInt256(f.Machine._block.GasLimit);
                    break;
                case Opcode.CHAINID:
                    *sp++ = f.Machine._block.ChainId;
                    break;
                case Opcode.SELFBALANCE:
                    *sp++ = f.State.GetBalance(f.Contract); // 2.6:core/vm/eips.go: not of the dual state
                    break;
                case Opcode.BASEFEE:
                    *sp++ = f.Machine._block.BaseFee;
                    break;
                case Opcode.BLOBHASH:
                    f.Machine.BlobHashOp(sp);
                    break;
                case Opcode.BLOBBASEFEE:
                    *sp++ = f.Machine._block.BlobBaseFee;
                    break;
                case Opcode.POP:
                    sp--;
                    break;
                case Opcode.MLOAD:
                    {
                        ulong offset = sp[-1].IsUInt64 ? sp[-1].U0 : ulong.MaxValue;
                        if (offset >= f.WordLimit)
                        {
                            gas = f.Grow(offset, 32, gas);
                            if (gas < 0) goto Fault;
                        }

                        Words.Load(sp - 1, f.Memory + offset);
                        break;
                    }
                case Opcode.MSTORE:
                    {
                        sp -= 2;
                        ulong offset = sp[1].IsUInt64 ? sp[1].U0 : ulong.MaxValue;
                        if (offset >= f.WordLimit)
                        {
                            gas = f.Grow(offset, 32, gas);
                            if (gas < 0) goto Fault;
                        }

                        Words.Store(f.Memory + offset, sp);
                        break;
                    }
                case Opcode.MSTORE8:
                    {
                        sp -= 2;
                        ulong offset = sp[1].IsUInt64 ? sp[1].U0 : ulong.MaxValue;
                        if (offset >= f.WordLimit)
                        {
                            gas = f.Grow(offset, 1, gas);
                            if (gas < 0) goto Fault;
                        }

                        f.Memory[offset] = (byte)sp[0].U0;
                        break;
                    }
                case Opcode.SLOAD:
                    gas = f.Machine.SloadOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.SSTORE:
                    sp -= 2;
                    gas = f.Machine.SstoreOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.JUMP:
                    sp--;
                    if (!f.IsJumpDestination(sp)) goto BadJump;
                    if (sp[0].U0 < (ulong)(ip - f.CodeStart) && --f.JumpsToCheck == 0) goto BackwardJump;
                    ip = f.CodeStart + sp[0].U0;
                    break;
                case Opcode.JUMPI:
                    sp -= 2;
                    if (sp[0].IsZero) break;
                    if (!f.IsJumpDestination(sp + 1)) goto BadJump;
                    if (sp[1].U0 < (ulong)(ip - f.CodeStart) && --f.JumpsToCheck == 0) goto BackwardJump;
                    ip = f.CodeStart + sp[1].U0;
                    break;
                case Opcode.PC:
                    *sp++ = new UInt256((ulong)(ip - f.CodeStart - 1));
                    break;
                case Opcode.MSIZE:
                    *sp++ = new UInt256((ulong)f.MemorySize);
                    break;
                case Opcode.GAS:
                    *sp++ = new UInt256((ulong)gas);
                    break;
                case Opcode.JUMPDEST:
                    break;
                case Opcode.TLOAD:
                    sp[-1] = f.Machine.Dual(f, f.Contract).GetTransient(f.Contract, sp[-1]);
                    break;
                case Opcode.TSTORE:
                    sp -= 2;
                    if (!MayWrite(f)) goto Fault;
                    f.Machine.Dual(f, f.Contract).SetTransient(f.Contract, sp[1], sp[0]);
                    break;
                case Opcode.MCOPY:
                    sp -= 3;
                    gas = MemoryCopyOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.PUSH0:
                    *sp++ = default;
                    break;
                case Opcode.PUSH1:
                    *sp++ = new UInt256(*ip);
                    ip++;
                    break;
                case Opcode.PUSH2:
                    *sp++ = new UInt256(BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(ip)));
                    ip += 2;
                    break;
                case Opcode.PUSH3:
                case Opcode.PUSH4:
                case Opcode.PUSH5:
                case Opcode.PUSH6:
                case Opcode.PUSH7:
                case Opcode.PUSH8:
                    {
                        int size = (int)op - (byte)Opcode.PUSH0;
                        *sp++ = new UInt256(BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(ip)) >> 64 - 8 * size);
                        ip += size;
                        break;
                    }
                case Opcode.PUSH9:
                case Opcode.PUSH10:
                case Opcode.PUSH11:
                case Opcode.PUSH12:
                case Opcode.PUSH13:
                case Opcode.PUSH14:
                case Opcode.PUSH15:
                case Opcode.PUSH16:
                case Opcode.PUSH17:
                case Opcode.PUSH18:
                case Opcode.PUSH19:
                case Opcode.PUSH20:
                case Opcode.PUSH21:
                case Opcode.PUSH22:
                case Opcode.PUSH23:
                case Opcode.PUSH24:
                case Opcode.PUSH25:
                case Opcode.PUSH26:
                case Opcode.PUSH27:
                case Opcode.PUSH28:
                case Opcode.PUSH29:
                case Opcode.PUSH30:
                case Opcode.PUSH31:
                    Words.Push(sp, ip, (int)op - (byte)Opcode.PUSH0);
                    sp++;
                    ip += ip[-1] - (byte)Opcode.PUSH0;
                    break;
                case Opcode.PUSH32:
                    Words.Load(sp++, ip);
                    ip += 32;
                    break;
                case Opcode.DUP1:
                case Opcode.DUP2:
                case Opcode.DUP3:
                case Opcode.DUP4:
                case Opcode.DUP5:
                case Opcode.DUP6:
                case Opcode.DUP7:
                case Opcode.DUP8:
                case Opcode.DUP9:
                case Opcode.DUP10:
                case Opcode.DUP11:
                case Opcode.DUP12:
                case Opcode.DUP13:
                case Opcode.DUP14:
                case Opcode.DUP15:
                case Opcode.DUP16:
                    Words.Set(sp, Words.Bits(sp - ((int)op - 0x7f)));
                    sp++;
                    break;
                case Opcode.SWAP1:
                case Opcode.SWAP2:
                case Opcode.SWAP3:
                case Opcode.SWAP4:
                case Opcode.SWAP5:
                case Opcode.SWAP6:
                case Opcode.SWAP7:
                case Opcode.SWAP8:
                case Opcode.SWAP9:
                case Opcode.SWAP10:
                case Opcode.SWAP11:
                case Opcode.SWAP12:
                case Opcode.SWAP13:
                case Opcode.SWAP14:
                case Opcode.SWAP15:
                case Opcode.SWAP16:
                    {
                        UInt256* other = sp - ((int)op - 0x8e);
                        Vector256<ulong> lower = Words.Bits(other);
                        Words.Set(other, Words.Bits(sp - 1));
                        Words.Set(sp - 1, lower);
                        break;
                    }
                case Opcode.LOG0:
                case Opcode.LOG1:
                case Opcode.LOG2:
                case Opcode.LOG3:
                case Opcode.LOG4:
                    sp -= (int)op - 0xa0 + 2;
                    gas = LogOp(f, sp, (int)op - 0xa0, gas);
                    if (gas < 0) goto Fault;
                    break;
                case Opcode.CREATE:
                case Opcode.CREATE2:
                    f.Pc = (int)(ip - f.CodeStart);
                    gas = f.Machine.CreateOp(f, (Opcode)(byte)op, sp, gas);
                    if (gas < 0) goto Fault;
                    sp -= ip[-1] == (byte)Opcode.CREATE ? 2 : 3;
                    goto AfterCall;
                case Opcode.CALL:
                case Opcode.CALLCODE:
                case Opcode.DELEGATECALL:
                case Opcode.STATICCALL:
                    gas = f.Machine.CallOp(f, (Opcode)(byte)op, sp, gas);
                    if (gas < 0) goto Fault;
                    sp -= ip[-1] >= (byte)Opcode.DELEGATECALL ? 5 : 6;
                    goto AfterCall;
                case Opcode.RETURN:
                case Opcode.REVERT:
                    sp -= 2;
                    gas = OutputOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    f.Gas = gas;
                    f.Status = ip[-1] == (byte)Opcode.RETURN ? EvmStatus.Success : EvmStatus.Revert;
                    return true;
                case Opcode.SELFDESTRUCT:
                    sp--;
                    gas = f.Machine.SelfDestructOp(f, sp, gas);
                    if (gas < 0) goto Fault;
                    f.Gas = gas;
                    f.Status = EvmStatus.Success;
                    return true;
                default:
                    f.Status = EvmStatus.InvalidOpcode;
                    goto Fault;
            }

            continue;

        BackwardJump:
            // The target lies in the word that was on top, and a block begins there: where a compiled body can take the frame over.
            ip = f.CodeStart + sp[ip[-1] == (byte)Opcode.JUMP ? 0 : 1].U0;
            if (TTrace.Enabled || !f.Machine.TakeOver(f, gas)) continue;
            f.Gas = gas;
            f.Pc = (int)(ip - f.CodeStart);
            f.Height = (int)(sp - f.Stack);
            return false;

        AfterCall:
            // A finished call has its flag below sp; a child frame will be given the stack height to put it there.
            if (!f.Machine._childOpened) continue;
            f.Machine._childOpened = false;
            f.Gas = gas;
            f.Pc = (int)(ip - f.CodeStart);
            f.Height = (int)(sp - f.Stack);
            return false;
        }

    BadJump:
        f.Status = EvmStatus.InvalidJump;
        goto Fault;
    OutOfGas:
        f.Status = EvmStatus.OutOfGas;
    Fault:
        f.Gas = 0;
        return true;
    }
}
