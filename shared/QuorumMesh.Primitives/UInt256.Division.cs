using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Primitives;

// Schoolbook long division on 64-bit limbs (Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D).
public readonly partial struct UInt256
{
    /// <summary>Quotient; 0 when b is 0.</summary>
    public static void Divide(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        if (a.IsUInt64 && b.IsUInt64)
        {
            r = b.U0 == 0 ? default : new(a.U0 / b.U0);
            return;
        }

        if (b.IsZero || a < b)
        {
            r = default;
            return;
        }

        DivideWide(a, default, 4, b, out r, out _);
    }

    /// <summary>Remainder; 0 when b is 0.</summary>
    public static void Mod(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        if (a.IsUInt64 && b.IsUInt64)
        {
            r = b.U0 == 0 ? default : new(a.U0 % b.U0);
            return;
        }

        if (b.IsZero)
        {
            r = default;
            return;
        }

        if (a < b)
        {
            r = a;
            return;
        }

        DivideWide(a, default, 4, b, out _, out r);
    }

    /// <summary>Quotient and remainder in one division; both 0 when b is 0.</summary>
    public static void DivRem(in UInt256 a, in UInt256 b, out UInt256 quotient, out UInt256 remainder)
    {
        if (b.IsZero)
        {
            quotient = remainder = default;
            return;
        }

        DivideWide(a, default, 4, b, out quotient, out remainder);
    }

    private static void ModWide(in UInt256 low, in UInt256 high, in UInt256 m, out UInt256 r) =>
        DivideWide(low, high, 8, m, out _, out r);

    /// <summary>
    /// Divides high·2^256 + low (of which <paramref name="limbs"/> limbs are looked at) by a non-zero divisor.
    /// The quotient is given modulo 2^256.
    /// </summary>
    private static void DivideWide(in UInt256 low, in UInt256 high, int limbs, in UInt256 divisor, out UInt256 quotient, out UInt256 remainder)
    {
        Limbs9 u = default;
        u[0] = low.U0;
        u[1] = low.U1;
        u[2] = low.U2;
        u[3] = low.U3;
        u[4] = high.U0;
        u[5] = high.U1;
        u[6] = high.U2;
        u[7] = high.U3;
        while (limbs > 0 && u[limbs - 1] == 0) limbs--;
        int n = divisor.U3 != 0 ? 4 : divisor.U2 != 0 ? 3 : divisor.U1 != 0 ? 2 : 1;
        Limbs9 q = default;
        if (limbs < n)
        {
            // The outputs may share their place with the dividend, so it is read from the copy.
            quotient = default;
            remainder = new(u[0], u[1], u[2], u[3]);
            return;
        }

        if (n == 1)
        {
            ulong rest = 0;
            ulong d = divisor.U0;
            for (int i = limbs - 1; i >= 0; i--) q[i] = DivideLimb(rest, u[i], d, out rest);
            quotient = new(q[0], q[1], q[2], q[3]);
            remainder = new(rest);
            return;
        }

        int shift = BitOperations.LeadingZeroCount(n == 4 ? divisor.U3 : n == 3 ? divisor.U2 : divisor.U1);
        ShiftLeft(divisor, shift, out UInt256 v);
        if (shift != 0)
        {
            for (int i = limbs; i > 0; i--) u[i] = u[i] << shift | u[i - 1] >> (64 - shift);
            u[0] <<= shift;
        }

        LongDivision(ref u, limbs, v, n, ref q);
        quotient = new(q[0], q[1], q[2], q[3]);
        remainder = new UInt256(u[0], u[1], n > 2 ? u[2] : 0, n > 3 ? u[3] : 0) >> shift;
    }

    /// <summary>Leaves the normalised remainder in the low limbs of <paramref name="u"/>.</summary>
    private static void LongDivision(ref Limbs9 u, int limbs, in UInt256 divisor, int n, ref Limbs9 q)
    {
        Limbs9 v = default;
        v[0] = divisor.U0;
        v[1] = divisor.U1;
        v[2] = divisor.U2;
        v[3] = divisor.U3;
        ulong top = v[n - 1];
        ulong next = v[n - 2];
        for (int j = limbs - n; j >= 0; j--)
        {
            ulong digit = EstimateDigit(u[j + n], u[j + n - 1], u[j + n - 2], top, next);
            if (digit != 0 && SubtractMultiple(ref u, j, ref v, n, digit))
            {
                digit--;
                AddBack(ref u, j, ref v, n);
            }

            q[j] = digit;
        }
    }

    /// <summary>The next quotient digit, at most one too large.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong EstimateDigit(ulong u2, ulong u1, ulong u0, ulong top, ulong next)
    {
        ulong digit;
        ulong rest;
        if (u2 >= top)
        {
            digit = ulong.MaxValue;
            rest = u1 + top;
            if (rest < top) return digit;
        }
        else
        {
            digit = DivideLimb(u2, u1, top, out rest);
        }

        while (true)
        {
            ulong high = Math.BigMul(digit, next, out ulong low);
            if (high < rest || (high == rest && low <= u0)) return digit;
            digit--;
            rest += top;
            if (rest < top) return digit;
        }
    }

    /// <summary>True when the result went below zero.</summary>
    private static bool SubtractMultiple(ref Limbs9 u, int offset, ref Limbs9 v, int n, ulong digit)
    {
        ulong carry = 0;
        ulong borrow = 0;
        for (int i = 0; i < n; i++)
        {
            ulong product = MultiplyAdd(v[i], digit, 0, ref carry);
            u[offset + i] = SubtractBorrow(u[offset + i], product, ref borrow);
        }

        u[offset + n] = SubtractBorrow(u[offset + n], carry, ref borrow);
        return borrow != 0;
    }

    private static void AddBack(ref Limbs9 u, int offset, ref Limbs9 v, int n)
    {
        ulong carry = 0;
        for (int i = 0; i < n; i++) u[offset + i] = AddCarry(u[offset + i], v[i], ref carry);
        u[offset + n] += carry;
    }

    /// <summary>(high·2^64 + low) / divisor, for high &lt; divisor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong DivideLimb(ulong high, ulong low, ulong divisor, out ulong remainder)
    {
        if (high == 0)
        {
            ulong q = low / divisor;
            remainder = low - q * divisor;
            return q;
        }

#pragma warning disable SYSLIB5004 // X86Base.DivRem is in preview: it is the processor's own 128 by 64 division.
        if (X86Base.X64.IsSupported)
        {
            (ulong quotient, remainder) = X86Base.X64.DivRem(low, high, divisor);
            return quotient;
        }
#pragma warning restore SYSLIB5004

        (UInt128 wide, UInt128 rest) = UInt128.DivRem(new UInt128(high, low), divisor);
        remainder = (ulong)rest;
        return (ulong)wide;
    }

    [InlineArray(9)]
    [StructLayout(LayoutKind.Sequential)]
    private struct Limbs9
    {
        private ulong _first;
    }
}
