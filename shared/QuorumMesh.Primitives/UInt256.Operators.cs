using System.Runtime.CompilerServices;

namespace QuorumMesh.Primitives;

public readonly partial struct UInt256
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator +(in UInt256 a, in UInt256 b)
    {
        Add(a, b, out UInt256 r);
        return r;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator -(in UInt256 a, in UInt256 b)
    {
        Subtract(a, b, out UInt256 r);
        return r;
    }

    public static UInt256 operator *(in UInt256 a, in UInt256 b)
    {
        Multiply(a, b, out UInt256 r);
        return r;
    }

    public static UInt256 operator /(in UInt256 a, in UInt256 b)
    {
        Divide(a, b, out UInt256 r);
        return r;
    }

    public static UInt256 operator %(in UInt256 a, in UInt256 b)
    {
        Mod(a, b, out UInt256 r);
        return r;
    }

    public static UInt256 operator ++(in UInt256 a) => a + One;

    public static UInt256 operator --(in UInt256 a) => a - One;

    /// <summary>Two's complement negation.</summary>
    public static UInt256 operator -(in UInt256 a)
    {
        Negate(a, out UInt256 r);
        return r;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator &(in UInt256 a, in UInt256 b) => new(a.U0 & b.U0, a.U1 & b.U1, a.U2 & b.U2, a.U3 & b.U3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator |(in UInt256 a, in UInt256 b) => new(a.U0 | b.U0, a.U1 | b.U1, a.U2 | b.U2, a.U3 | b.U3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator ^(in UInt256 a, in UInt256 b) => new(a.U0 ^ b.U0, a.U1 ^ b.U1, a.U2 ^ b.U2, a.U3 ^ b.U3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 operator ~(in UInt256 a) => new(~a.U0, ~a.U1, ~a.U2, ~a.U3);

    /// <summary>A shift of 256 or more gives zero (unlike C#'s own integers, which mask the count).</summary>
    public static UInt256 operator <<(in UInt256 a, int count)
    {
        ShiftLeft(a, count, out UInt256 r);
        return r;
    }

    /// <summary>Logical shift; 256 or more gives zero.</summary>
    public static UInt256 operator >>(in UInt256 a, int count)
    {
        ShiftRight(a, count, out UInt256 r);
        return r;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator ==(in UInt256 a, in UInt256 b) =>
        ((a.U0 ^ b.U0) | (a.U1 ^ b.U1) | (a.U2 ^ b.U2) | (a.U3 ^ b.U3)) == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator !=(in UInt256 a, in UInt256 b) => !(a == b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator <(in UInt256 a, in UInt256 b) => SubtractUnderflow(a, b, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator >(in UInt256 a, in UInt256 b) => SubtractUnderflow(b, a, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator <=(in UInt256 a, in UInt256 b) => !SubtractUnderflow(b, a, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool operator >=(in UInt256 a, in UInt256 b) => !SubtractUnderflow(a, b, out _);

    /// <summary>A negative count is an error; 256 or more gives zero.</summary>
    public static void ShiftLeft(in UInt256 a, int count, out UInt256 r)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int bits = count & 63;
        ulong a0 = a.U0, a1 = a.U1, a2 = a.U2, a3 = a.U3;
        switch (count >> 6)
        {
            case 0: break;
            case 1: a3 = a2; a2 = a1; a1 = a0; a0 = 0; break;
            case 2: a3 = a1; a2 = a0; a1 = 0; a0 = 0; break;
            case 3: a3 = a0; a2 = 0; a1 = 0; a0 = 0; break;
            default: r = default; return;
        }

        // (x >> 1) >> (63 - bits) is x >> (64 - bits) without the masked count at bits = 0.
        int rest = 63 - bits;
        r = new(a0 << bits, a1 << bits | a0 >> 1 >> rest, a2 << bits | a1 >> 1 >> rest, a3 << bits | a2 >> 1 >> rest);
    }

    /// <summary>Logical. A negative count is an error; 256 or more gives zero.</summary>
    public static void ShiftRight(in UInt256 a, int count, out UInt256 r)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int bits = count & 63;
        ulong a0 = a.U0, a1 = a.U1, a2 = a.U2, a3 = a.U3;
        switch (count >> 6)
        {
            case 0: break;
            case 1: a0 = a1; a1 = a2; a2 = a3; a3 = 0; break;
            case 2: a0 = a2; a1 = a3; a2 = 0; a3 = 0; break;
            case 3: a0 = a3; a1 = 0; a2 = 0; a3 = 0; break;
            default: r = default; return;
        }

        int rest = 63 - bits;
        r = new(a0 >> bits | a1 << 1 << rest, a1 >> bits | a2 << 1 << rest, a2 >> bits | a3 << 1 << rest, a3 >> bits);
    }
}
