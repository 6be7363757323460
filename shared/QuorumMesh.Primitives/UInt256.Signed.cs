using System.Runtime.CompilerServices;

namespace QuorumMesh.Primitives;

// Two's complement operations of the EVM (Yellow Paper, appendix H.2).
public readonly partial struct UInt256
{
    /// <summary>True when the top bit is set: negative as a two's complement number.</summary>
    public bool IsNegative
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (long)U3 < 0;
    }

    /// <summary>SDIV: truncates towards zero; 0 when b is 0; -2^255 / -1 is -2^255.</summary>
    public static void SDiv(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        Magnitude(a, out UInt256 x);
        Magnitude(b, out UInt256 y);
        bool negative = a.IsNegative != b.IsNegative;
        Divide(x, y, out UInt256 quotient);
        if (negative) Negate(quotient, out r);
        else r = quotient;
    }

    /// <summary>SMOD: the sign follows the dividend; 0 when b is 0.</summary>
    public static void SMod(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        Magnitude(a, out UInt256 x);
        Magnitude(b, out UInt256 y);
        bool negative = a.IsNegative;
        Mod(x, y, out UInt256 remainder);
        if (negative) Negate(remainder, out r);
        else r = remainder;
    }

    private static void Magnitude(in UInt256 a, out UInt256 r)
    {
        if (a.IsNegative) Negate(a, out r);
        else r = a;
    }

    /// <summary>
    /// SIGNEXTEND: spreads the sign bit of byte <paramref name="index"/> (0 is the lowest byte) of <paramref name="value"/>; 31
    /// and above change nothing.
    /// </summary>
    public static void SignExtend(in UInt256 index, in UInt256 value, out UInt256 r)
    {
        if (!index.IsUInt64 || index.U0 >= 31)
        {
            r = value;
            return;
        }

        int free = 248 - 8 * (int)index.U0;
        ShiftLeft(value, free, out UInt256 shifted);
        Sar(shifted, free, out r);
    }

    /// <summary>BYTE: byte <paramref name="index"/> counted from the most significant; 0 from index 32 on.</summary>
    public static void Byte(in UInt256 index, in UInt256 value, out UInt256 r)
    {
        if (!index.IsUInt64 || index.U0 > 31)
        {
            r = default;
            return;
        }

        int i = 31 - (int)index.U0;
        ulong limb = (i >> 3) switch { 0 => value.U0, 1 => value.U1, 2 => value.U2, _ => value.U3 };
        r = new(limb >> 8 * (i & 7) & 0xff);
    }

    /// <summary>Arithmetic shift right; 256 or more gives 0 or -1.</summary>
    public static void Sar(in UInt256 value, int count, out UInt256 r)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ulong fill = (ulong)((long)value.U3 >> 63);
        int bits = count & 63;
        ulong a0 = value.U0, a1 = value.U1, a2 = value.U2, a3 = value.U3;
        switch (count >> 6)
        {
            case 0: break;
            case 1: a0 = a1; a1 = a2; a2 = a3; a3 = fill; break;
            case 2: a0 = a2; a1 = a3; a2 = fill; a3 = fill; break;
            case 3: a0 = a3; a1 = fill; a2 = fill; a3 = fill; break;
            default: r = new(fill, fill, fill, fill); return;
        }

        int rest = 63 - bits;
        r = new(a0 >> bits | a1 << 1 << rest, a1 >> bits | a2 << 1 << rest, a2 >> bits | a3 << 1 << rest, (ulong)((long)a3 >> bits));
    }

    /// <summary>Arithmetic shift right by a word; 256 or more gives 0 or -1.</summary>
    public static void Sar(in UInt256 value, in UInt256 count, out UInt256 r) =>
        Sar(value, count.IsUInt64 && count.U0 < 256 ? (int)count.U0 : 256, out r);

    /// <summary>a &lt; b as two's complement numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Slt(in UInt256 a, in UInt256 b) => a.IsNegative == b.IsNegative ? a < b : a.IsNegative;

    /// <summary>a &gt; b as two's complement numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Sgt(in UInt256 a, in UInt256 b) => Slt(b, a);
}
