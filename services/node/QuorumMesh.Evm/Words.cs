using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>Operations on stack words by pointer. <c>sp</c> points at the first operand, the result replaces the deepest one.</summary>
internal static unsafe class Words
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Bits(UInt256* word) => Unsafe.ReadUnaligned<Vector256<ulong>>(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(UInt256* word, Vector256<ulong> bits) => Unsafe.WriteUnaligned(word, bits);

    /// <summary>From 32 big-endian bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(UInt256* word, byte* source) =>
        *word = new UInt256(Limb(source + 24), Limb(source + 16), Limb(source + 8), Limb(source));

    /// <summary>To 32 big-endian bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, UInt256* word)
    {
        PutLimb(destination, word->U3);
        PutLimb(destination + 8, word->U2);
        PutLimb(destination + 16, word->U1);
        PutLimb(destination + 24, word->U0);
    }

    /// <summary>From 9 to 31 big-endian bytes; reads 32.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Push(UInt256* word, byte* source, int size)
    {
        Load(word, source);
        UInt256.ShiftRight(*word, 256 - 8 * size, out UInt256 value);
        *word = value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Multiply(UInt256* sp)
    {
        UInt256.Multiply(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Divide(UInt256* sp)
    {
        UInt256.Divide(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void SignedDivide(UInt256* sp)
    {
        UInt256.SDiv(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Modulo(UInt256* sp)
    {
        UInt256.Mod(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void SignedModulo(UInt256* sp)
    {
        UInt256.SMod(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void AddMod(UInt256* sp)
    {
        UInt256.AddMod(sp[1], sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void MulMod(UInt256* sp)
    {
        UInt256.MulMod(sp[1], sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Exp(UInt256* sp)
    {
        UInt256.Exp(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void SignExtend(UInt256* sp)
    {
        UInt256.SignExtend(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Byte(UInt256* sp)
    {
        UInt256.Byte(sp[0], sp[-1], out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ShiftLeft(UInt256* sp)
    {
        UInt256.ShiftLeft(sp[-1], Count(sp), out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ShiftRight(UInt256* sp)
    {
        UInt256.ShiftRight(sp[-1], Count(sp), out UInt256 r);
        sp[-1] = r;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void ShiftArithmetic(UInt256* sp)
    {
        UInt256.Sar(sp[-1], Count(sp), out UInt256 r);
        sp[-1] = r;
    }

    private static int Count(UInt256* word) => word->IsUInt64 && word->U0 < 256 ? (int)word->U0 : 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Limb(byte* source) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutLimb(byte* destination, ulong value) =>
        Unsafe.WriteUnaligned(destination, BinaryPrimitives.ReverseEndianness(value));
}
