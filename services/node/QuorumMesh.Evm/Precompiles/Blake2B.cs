using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>The rounds of BLAKE2b's compression function F (RFC 7693, section 3.2) on a state of 16 words, any number of them.</summary>
internal static class Blake2B
{
    /// <summary>After so many rounds the message words come in the same order again.</summary>
    public const int Period = 10;

    private static ReadOnlySpan<byte> Sigma =>
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
        11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
        7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
        9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
        2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
        12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
        13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
        6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
        10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
    ];

    /// <param name="state">v of the RFC, 16 words.</param>
    /// <param name="message">16 words.</param>
    public static void Mix(Span<ulong> state, ReadOnlySpan<ulong> message, uint rounds)
    {
        if (Avx2.IsSupported) MixVectors(state, message, rounds);
        else MixWords(state, message, rounds);
    }

    /// <summary>On any processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void MixWords(Span<ulong> state, ReadOnlySpan<ulong> message, uint rounds)
    {
        Span<ulong> v = state[..16];
        ReadOnlySpan<ulong> m = message[..16];
        int line = 0;
        for (uint round = 0; round < rounds; round++)
        {
            ReadOnlySpan<byte> s = Sigma.Slice(16 * line, 16);
            Quarter(ref v[0], ref v[4], ref v[8], ref v[12], m[s[0]], m[s[1]]);
            Quarter(ref v[1], ref v[5], ref v[9], ref v[13], m[s[2]], m[s[3]]);
            Quarter(ref v[2], ref v[6], ref v[10], ref v[14], m[s[4]], m[s[5]]);
            Quarter(ref v[3], ref v[7], ref v[11], ref v[15], m[s[6]], m[s[7]]);
            Quarter(ref v[0], ref v[5], ref v[10], ref v[15], m[s[8]], m[s[9]]);
            Quarter(ref v[1], ref v[6], ref v[11], ref v[12], m[s[10]], m[s[11]]);
            Quarter(ref v[2], ref v[7], ref v[8], ref v[13], m[s[12]], m[s[13]]);
            Quarter(ref v[3], ref v[4], ref v[9], ref v[14], m[s[14]], m[s[15]]);
            if (++line == Period) line = 0;
        }
    }

    /// <summary>
    /// The state's four rows in a vector each. Between columns and diagonals the rows a, c and d turn, not b: b is the last to be
    /// ready, so the turns wait for nothing. Marked for full optimisation at once, because one call may run for minutes.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void MixVectors(Span<ulong> state, ReadOnlySpan<ulong> message, uint rounds)
    {
        Vector256<ulong>* schedule = stackalloc Vector256<ulong>[4 * Period];
        Arrange(schedule, message);
        Vector256<ulong> a = Vector256.Create<ulong>(state[..4]);
        Vector256<ulong> b = Vector256.Create<ulong>(state.Slice(4, 4));
        Vector256<ulong> c = Vector256.Create<ulong>(state.Slice(8, 4));
        Vector256<ulong> d = Vector256.Create<ulong>(state.Slice(12, 4));
        Vector256<byte> right16 = Vector256.Create((byte)2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9, 2, 3, 4, 5, 6, 7, 0, 1, 10,
            11, 12, 13, 14, 15, 8, 9);
        Vector256<byte> right24 = Vector256.Create((byte)3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10, 3, 4, 5, 6, 7, 0, 1, 2, 11,
            12, 13, 14, 15, 8, 9, 10);
        Vector256<ulong>* end = schedule + 4 * Period;
        Vector256<ulong>* words = schedule;
        for (uint round = 0; round < rounds; round++)
        {
            Half(ref a, ref b, ref c, ref d, words[0], words[1], right16, right24);
            a = Avx2.Permute4x64(a, 0b10_01_00_11);
            c = Avx2.Permute4x64(c, 0b00_11_10_01);
            d = Avx2.Permute4x64(d, 0b01_00_11_10);
            Half(ref a, ref b, ref c, ref d, words[2], words[3], right16, right24);
            a = Avx2.Permute4x64(a, 0b00_11_10_01);
            c = Avx2.Permute4x64(c, 0b10_01_00_11);
            d = Avx2.Permute4x64(d, 0b01_00_11_10);
            words += 4;
            if (words == end) words = schedule;
        }

        a.CopyTo(state);
        b.CopyTo(state[4..]);
        c.CopyTo(state[8..]);
        d.CopyTo(state[12..]);
    }

    /// <summary>
    /// For each round the words of the columns (first and second halves), then those of the diagonals, which the turned rows have
    /// in the order 3, 0, 1, 2.
    /// </summary>
    private static unsafe void Arrange(Vector256<ulong>* schedule, ReadOnlySpan<ulong> m)
    {
        for (int line = 0; line < Period; line++)
        {
            ReadOnlySpan<byte> s = Sigma.Slice(16 * line, 16);
            *schedule++ = Vector256.Create(m[s[0]], m[s[2]], m[s[4]], m[s[6]]);
            *schedule++ = Vector256.Create(m[s[1]], m[s[3]], m[s[5]], m[s[7]]);
            *schedule++ = Vector256.Create(m[s[14]], m[s[8]], m[s[10]], m[s[12]]);
            *schedule++ = Vector256.Create(m[s[15]], m[s[9]], m[s[11]], m[s[13]]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half(
        ref Vector256<ulong> a, ref Vector256<ulong> b, ref Vector256<ulong> c, ref Vector256<ulong> d,
        Vector256<ulong> x, Vector256<ulong> y, Vector256<byte> right16, Vector256<byte> right24)
    {
        a = a + x + b;
        d = Avx2.Shuffle((d ^ a).AsUInt32(), 0b10_11_00_01).AsUInt64();
        c += d;
        b = Avx2.Shuffle((b ^ c).AsByte(), right24).AsUInt64();
        a = a + y + b;
        d = Avx2.Shuffle((d ^ a).AsByte(), right16).AsUInt64();
        c += d;
        b ^= c;
        b = (b + b) | (b >> 63);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(ref ulong a, ref ulong b, ref ulong c, ref ulong d, ulong x, ulong y)
    {
        a += b + x;
        d = BitOperations.RotateRight(d ^ a, 32);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 24);
        a += b + y;
        d = BitOperations.RotateRight(d ^ a, 16);
        c += d;
        b = BitOperations.RotateRight(b ^ c, 63);
    }
}
