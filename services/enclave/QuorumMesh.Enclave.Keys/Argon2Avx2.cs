using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// What <see cref="Argon2Block"/> does, in AVX2's own instructions: a program that is compiled ahead uses these where the processor has
/// them, and takes <see cref="Vector256"/> apart for the oldest processor that it may run on.
/// </summary>
internal static unsafe class Argon2Avx2
{
    private const byte OneLeft = 0b00_11_10_01;
    private const byte Half = 0b01_00_11_10;
    private const byte OneRight = 0b10_01_00_11;

    /// <summary>As <see cref="Argon2Block.Fill"/>; only where <see cref="Avx2.IsSupported"/>.</summary>
    [SkipLocalsInit]
    public static void Fill(ulong* previous, ulong* reference, ulong* next, bool keep)
    {
        var mixed = stackalloc ulong[Argon2Block.Words];
        var kept = stackalloc ulong[Argon2Block.Words];
        for (var i = 0; i < Argon2Block.Words; i += 4)
        {
            var sum = Avx2.Xor(Avx.LoadVector256(previous + i), Avx.LoadVector256(reference + i));
            Avx.Store(mixed + i, sum);
            Avx.Store(kept + i, keep ? Avx2.Xor(sum, Avx.LoadVector256(next + i)) : sum);
        }

        for (var row = 0; row < 8; row++)
            Permute(mixed + (16 * row), 2);
        for (var column = 0; column < 8; column++)
            Permute(mixed + (2 * column), 16);
        for (var i = 0; i < Argon2Block.Words; i += 4)
            Avx.Store(next + i, Avx2.Xor(Avx.LoadVector256(mixed + i), Avx.LoadVector256(kept + i)));
    }

    private static void Permute(ulong* words, int stride)
    {
        var a = Load(words, stride);
        var b = Load(words + (2 * stride), stride);
        var c = Load(words + (4 * stride), stride);
        var d = Load(words + (6 * stride), stride);
        Mix(ref a, ref b, ref c, ref d);
        b = Avx2.Permute4x64(b, OneLeft);
        c = Avx2.Permute4x64(c, Half);
        d = Avx2.Permute4x64(d, OneRight);
        Mix(ref a, ref b, ref c, ref d);
        Store(a, words, stride);
        Store(Avx2.Permute4x64(b, OneRight), words + (2 * stride), stride);
        Store(Avx2.Permute4x64(c, Half), words + (4 * stride), stride);
        Store(Avx2.Permute4x64(d, OneLeft), words + (6 * stride), stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref Vector256<ulong> a, ref Vector256<ulong> b, ref Vector256<ulong> c, ref Vector256<ulong> d)
    {
        a = AddMultiply(a, b);
        d = RotateRight(Avx2.Xor(d, a), 32, 32);
        c = AddMultiply(c, d);
        b = RotateRight(Avx2.Xor(b, c), 24, 40);
        a = AddMultiply(a, b);
        d = RotateRight(Avx2.Xor(d, a), 16, 48);
        c = AddMultiply(c, d);
        b = RotateRight(Avx2.Xor(b, c), 63, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> AddMultiply(Vector256<ulong> x, Vector256<ulong> y)
    {
        var product = Avx2.Multiply(x.AsUInt32(), y.AsUInt32());
        return Avx2.Add(Avx2.Add(x, y), Avx2.Add(product, product));
    }

    /// <param name="rest">64 - bits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> RotateRight(Vector256<ulong> x, [ConstantExpected] byte bits, [ConstantExpected] byte rest) =>
        Avx2.Or(Avx2.ShiftRightLogical(x, bits), Avx2.ShiftLeftLogical(x, rest));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Load(ulong* low, int stride) =>
        Avx2.InsertVector128(Sse2.LoadVector128(low).ToVector256Unsafe(), Sse2.LoadVector128(low + stride), 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ulong> value, ulong* low, int stride)
    {
        Sse2.Store(low, Avx2.ExtractVector128(value, 0));
        Sse2.Store(low + stride, Avx2.ExtractVector128(value, 1));
    }
}
