using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

// The instructions that compiled code calls: the interpreter's own bodies, named by opcode. sp points above the top word.
public sealed unsafe partial class EvmMachine
{
    internal static class CompiledOps
    {
        public static int Interpret(Frame f) =>
            (int)(Interpret<TraceOff>(f, f.Machine._dispatch) ? ChunkExit.Ended : ChunkExit.ChildOpened);

        public static int CheckJump(Frame f, ulong low, ulong rest)
        {
            var target = new UInt256(low, rest);
            if (--f.JumpsToCheck == 0) Pause(f);
            return f.IsJumpDestination(&target) ? (int)low : -1;
        }

        /// <summary>The frame's backward jumps have counted down.</summary>
        public static void Pause(Frame f) => PauseCompiled(f);

        public static bool TakeChildOpened(Frame f)
        {
            bool opened = f.Machine._childOpened;
            f.Machine._childOpened = false;
            return opened;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong MultiplyHigh(ulong a, ulong b) =>
            Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a, b) : Math.BigMul(a, b, out _);

        public static void MUL(Frame f, UInt256* sp) => Words.Multiply(sp - 1);

        public static void DIV(Frame f, UInt256* sp) => Words.Divide(sp - 1);

        public static void SDIV(Frame f, UInt256* sp) => Words.SignedDivide(sp - 1);

        public static void MOD(Frame f, UInt256* sp) => Words.Modulo(sp - 1);

        public static void SMOD(Frame f, UInt256* sp) => Words.SignedModulo(sp - 1);

        public static void ADDMOD(Frame f, UInt256* sp) => Words.AddMod(sp - 2);

        public static void MULMOD(Frame f, UInt256* sp) => Words.MulMod(sp - 2);

        public static void SIGNEXTEND(Frame f, UInt256* sp) => Words.SignExtend(sp - 1);

        public static void BYTE(Frame f, UInt256* sp) => Words.Byte(sp - 1);

        public static void SHL(Frame f, UInt256* sp) => Words.ShiftLeft(sp - 1);

        public static void SHR(Frame f, UInt256* sp) => Words.ShiftRight(sp - 1);

        public static void SAR(Frame f, UInt256* sp) => Words.ShiftArithmetic(sp - 1);

        public static void CLZ(Frame f, UInt256* sp) => sp[-1] = new UInt256((ulong)(256 - sp[-1].BitLength));

        public static void ADDRESS(Frame f, UInt256* sp) => *sp = f.Contract.ToWord();

        public static void ORIGIN(Frame f, UInt256* sp) => *sp = f.Machine._origin.ToWord();

        public static void CALLER(Frame f, UInt256* sp) => *sp = f.Caller.ToWord();

        public static void CALLVALUE(Frame f, UInt256* sp) => *sp = f.Value;

        public static void CALLDATALOAD(Frame f, UInt256* sp) => CallDataLoad(f, sp);

        public static void GASPRICE(Frame f, UInt256* sp) => *sp = f.Machine._gasPrice;

        public static void BLOCKHASH(Frame f, UInt256* sp) => f.Machine.BlockHashOp(sp);

        public static void COINBASE(Frame f, UInt256* sp) => *sp = f.Machine._block.Coinbase.ToWord();

        public static void TIMESTAMP(Frame f, UInt256* sp) => *sp = new UInt256(f.Machine._block.Timestamp);

        public static void NUMBER(Frame f, UInt256* sp) => *sp = new UInt256(f.Machine._block.Number);

        public static void DIFFICULTY(Frame f, UInt256* sp) => *sp = f.Machine.DifficultyOrRandao();

        public static void GASLIMIT(Frame f, UInt256* sp) => *sp = new UInt256(f.Machine._block.GasLimit);

        public static void CHAINID(Frame f, UInt256* sp) => *sp = f.Machine._block.ChainId;

        public static void SELFBALANCE(Frame f, UInt256* sp) => *sp = f.State.GetBalance(f.Contract);

        public static void BASEFEE(Frame f, UInt256* sp) => *sp = f.Machine._block.BaseFee;

        public static void BLOBHASH(Frame f, UInt256* sp) => f.Machine.BlobHashOp(sp);

        public static void BLOBBASEFEE(Frame f, UInt256* sp) => *sp = f.Machine._block.BlobBaseFee;

        public static void TLOAD(Frame f, UInt256* sp) => sp[-1] = f.Machine.Dual(f, f.Contract).GetTransient(f.Contract, sp[-1]);

        public static long EXP(Frame f, UInt256* sp, long gas)
        {
            f.Status = EvmStatus.OutOfGas;
            gas -= f.Machine._expByteGas * sp[-2].ByteLength;
            if (gas >= 0) Words.Exp(sp - 1);
            return gas;
        }

        public static long KECCAK256(Frame f, UInt256* sp, long gas) => KeccakOp(f, sp - 1, gas);

        public static long BALANCE(Frame f, UInt256* sp, long gas) => f.Machine.BalanceOp(f, sp, gas);

        public static long CALLDATACOPY(Frame f, UInt256* sp, long gas) => CopyOp(f, sp - 3, f.Input, f.InputLength, gas);

        public static long CODECOPY(Frame f, UInt256* sp, long gas) => CopyOp(f, sp - 3, f.CodeStart, f.CodeLength, gas);

        public static long EXTCODESIZE(Frame f, UInt256* sp, long gas) => f.Machine.ExtCodeSizeOp(f, sp, gas);

        public static long EXTCODECOPY(Frame f, UInt256* sp, long gas) => f.Machine.ExtCodeCopyOp(f, sp - 4, gas);

        public static long RETURNDATACOPY(Frame f, UInt256* sp, long gas) => ReturnDataCopyOp(f, sp - 3, gas);

        public static long EXTCODEHASH(Frame f, UInt256* sp, long gas) => f.Machine.ExtCodeHashOp(f, sp, gas);

        public static long SLOAD(Frame f, UInt256* sp, long gas) => f.Machine.SloadOp(f, sp, gas);

        public static long SSTORE(Frame f, UInt256* sp, long gas) => f.Machine.SstoreOp(f, sp - 2, gas);

        public static long TSTORE(Frame f, UInt256* sp, long gas)
        {
            if (!MayWrite(f)) return -1;
            f.Machine.Dual(f, f.Contract).SetTransient(f.Contract, sp[-1], sp[-2]);
            return gas;
        }

        public static long MCOPY(Frame f, UInt256* sp, long gas) => MemoryCopyOp(f, sp - 3, gas);

        public static long LOG0(Frame f, UInt256* sp, long gas) => LogOp(f, sp - 2, 0, gas);

        public static long LOG1(Frame f, UInt256* sp, long gas) => LogOp(f, sp - 3, 1, gas);

        public static long LOG2(Frame f, UInt256* sp, long gas) => LogOp(f, sp - 4, 2, gas);

        public static long LOG3(Frame f, UInt256* sp, long gas) => LogOp(f, sp - 5, 3, gas);

        public static long LOG4(Frame f, UInt256* sp, long gas) => LogOp(f, sp - 6, 4, gas);

        public static long CREATE(Frame f, UInt256* sp, long gas) => f.Machine.CreateOp(f, Opcode.CREATE, sp, gas);

        public static long CREATE2(Frame f, UInt256* sp, long gas) => f.Machine.CreateOp(f, Opcode.CREATE2, sp, gas);

        public static long CALL(Frame f, UInt256* sp, long gas) => f.Machine.CallOp(f, Opcode.CALL, sp, gas);

        public static long CALLCODE(Frame f, UInt256* sp, long gas) => f.Machine.CallOp(f, Opcode.CALLCODE, sp, gas);

        public static long DELEGATECALL(Frame f, UInt256* sp, long gas) => f.Machine.CallOp(f, Opcode.DELEGATECALL, sp, gas);

        public static long STATICCALL(Frame f, UInt256* sp, long gas) => f.Machine.CallOp(f, Opcode.STATICCALL, sp, gas);

        public static long RETURN(Frame f, UInt256* sp, long gas) => Output(f, sp, gas, EvmStatus.Success);

        public static long REVERT(Frame f, UInt256* sp, long gas) => Output(f, sp, gas, EvmStatus.Revert);

        public static long SELFDESTRUCT(Frame f, UInt256* sp, long gas)
        {
            gas = f.Machine.SelfDestructOp(f, sp - 1, gas);
            if (gas >= 0) f.Status = EvmStatus.Success;
            return gas;
        }

        private static long Output(Frame f, UInt256* sp, long gas, EvmStatus status)
        {
            gas = OutputOp(f, sp - 2, gas);
            if (gas >= 0) f.Status = status;
            return gas;
        }
    }
}
