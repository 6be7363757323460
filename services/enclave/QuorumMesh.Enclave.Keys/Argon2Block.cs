using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Argon2's compression function G on blocks of 1 KiB (RFC 9106, 3.5 and 3.6).</summary>
internal static unsafe class Argon2Block
{
    public const int Words = 128;
    public const int Size = Words * sizeof(ulong);

    /// <summary>
    /// next = G(previous, reference), XORed into what next holds when <paramref name="keep"/>. Any two may be the same block.
    /// </summary>
    [SkipLocalsInit]
    public static void Fill(ulong* previous, ulong* reference, ulong* next, bool keep)
    {
        var mixed = stackalloc ulong[Words];
        var kept = stackalloc ulong[Words];
        for (var i = 0; i < Words; i += 4)
        {
            var sum = Vector256.Load(previous + i) ^ Vector256.Load(reference + i);
            sum.Store(mixed + i);
            (keep ? sum ^ Vector256.Load(next + i) : sum).Store(kept + i);
        }

        for (var row = 0; row < 8; row++)
            Permute(mixed + (16 * row), 2);
        for (var column = 0; column < 8; column++)
            Permute(mixed + (2 * column), 16);
        for (var i = 0; i < Words; i += 4)
            (Vector256.Load(mixed + i) ^ Vector256.Load(kept + i)).Store(next + i);
    }

    /// <summary>The permutation P on eight registers of two words, <paramref name="stride"/> words apart.</summary>
    private static void Permute(ulong* words, int stride)
    {
        var a = Load(words, words + stride);
        var b = Load(words + (2 * stride), words + (3 * stride));
        var c = Load(words + (4 * stride), words + (5 * stride));
        var d = Load(words + (6 * stride), words + (7 * stride));
        Mix(ref a, ref b, ref c, ref d);
        b = Vector256.Shuffle(b, Vector256.Create(1UL, 2, 3, 0));
        c = Vector256.Shuffle(c, Vector256.Create(2UL, 3, 0, 1));
        d = Vector256.Shuffle(d, Vector256.Create(3UL, 0, 1, 2));
        Mix(ref a, ref b, ref c, ref d);
        b = Vector256.Shuffle(b, Vector256.Create(3UL, 0, 1, 2));
        c = Vector256.Shuffle(c, Vector256.Create(2UL, 3, 0, 1));
        d = Vector256.Shuffle(d, Vector256.Create(1UL, 2, 3, 0));
        Store(a, words, words + stride);
        Store(b, words + (2 * stride), words + (3 * stride));
        Store(c, words + (4 * stride), words + (5 * stride));
        Store(d, words + (6 * stride), words + (7 * stride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix(ref Vector256<ulong> a, ref Vector256<ulong> b, ref Vector256<ulong> c, ref Vector256<ulong> d)
    {
        a = AddMultiply(a, b);
        d = RotateRight(d ^ a, 32);
        c = AddMultiply(c, d);
        b = RotateRight(b ^ c, 24);
        a = AddMultiply(a, b);
        d = RotateRight(d ^ a, 16);
        c = AddMultiply(c, d);
        b = RotateRight(b ^ c, 63);
    }

    /// <summary>x + y + 2 · low half of x · low half of y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> AddMultiply(Vector256<ulong> x, Vector256<ulong> y)
    {
        var product = Avx2.IsSupported
            ? Avx2.Multiply(x.AsUInt32(), y.AsUInt32())
            : (x & Vector256.Create(0xffffffffUL)) * (y & Vector256.Create(0xffffffffUL));
        return x + y + product + product;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> RotateRight(Vector256<ulong> x, int bits) =>
        Vector256.ShiftRightLogical(x, bits) | Vector256.ShiftLeft(x, 64 - bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Load(ulong* low, ulong* high) => Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ulong> value, ulong* low, ulong* high)
    {
        value.GetLower().Store(low);
        value.GetUpper().Store(high);
    }
}
