using System.Numerics;
using System.Runtime.CompilerServices;
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

        DivideWide(a, default, b, out r, out _);
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

        DivideWide(a, default, b, out _, out r);
    }

    /// <summary>Quotient and remainder in one division; both 0 when b is 0.</summary>
    public static void DivRem(in UInt256 a, in UInt256 b, out UInt256 quotient, out UInt256 remainder)
    {
        if (b.IsZero)
        {
            quotient = remainder = default;
            return;
        }

        DivideWide(a, default, b, out quotient, out remainder);
    }

    private static void ModWide(in UInt256 low, in UInt256 high, in UInt256 m, out UInt256 r) => DivideWide(low, high, m, out _, out r);

    /// <summary>Divides high·2^256 + low by a divisor that is not zero. The quotient is given modulo 2^256.</summary>
    private static void DivideWide(in UInt256 low, in UInt256 high, in UInt256 divisor, out UInt256 quotient, out UInt256 remainder)
    {
        if ((divisor.U1 | divisor.U2 | divisor.U3) == 0) DivideByOneLimb(low, high, divisor.U0, out quotient, out remainder);
        else if ((divisor.U2 | divisor.U3) == 0) DivideByTwoLimbs(low, high, divisor, out quotient, out remainder);
        else DivideByFourLimbs(low, high, divisor, out quotient, out remainder);
    }

    private static void DivideByOneLimb(in UInt256 low, in UInt256 high, ulong divisor, out UInt256 quotient, out UInt256 remainder)
    {
        ulong rest = 0;
        if (!high.IsZero)
        {
            DivideLimb(rest, high.U3, divisor, out rest);
            DivideLimb(rest, high.U2, divisor, out rest);
            DivideLimb(rest, high.U1, divisor, out rest);
            DivideLimb(rest, high.U0, divisor, out rest);
        }

        ulong q3 = DivideLimb(rest, low.U3, divisor, out rest);
        ulong q2 = DivideLimb(rest, low.U2, divisor, out rest);
        ulong q1 = DivideLimb(rest, low.U1, divisor, out rest);
        ulong q0 = DivideLimb(rest, low.U0, divisor, out rest);
        quotient = new(q0, q1, q2, q3);
        remainder = new(rest);
    }

    private static void DivideByTwoLimbs(in UInt256 low, in UInt256 high, in UInt256 divisor, out UInt256 quotient, out UInt256 remainder)
    {
        // Both sides are shifted until the divisor's top bit is set; what leaves the dividend on the left starts the remainder.
        int shift = BitOperations.LeadingZeroCount(divisor.U1);
        ShiftLeft(divisor, shift, out UInt256 v);
        ShiftLeft(low, shift, out UInt256 l);
        ulong r0;
        ulong r1;
        ulong q3 = 0;
        if (high.IsZero)
        {
            r1 = low.U3 >> 1 >> (63 - shift);
            r0 = l.U3;
        }
        else
        {
            ShiftLeft(high, shift, out UInt256 h);
            r1 = high.U3 >> 1 >> (63 - shift);
            r0 = h.U3;
            NextDigit(ref r1, ref r0, h.U2, v.U1, v.U0);
            NextDigit(ref r1, ref r0, h.U1, v.U1, v.U0);
            NextDigit(ref r1, ref r0, h.U0 | low.U3 >> 1 >> (63 - shift), v.U1, v.U0);
            q3 = NextDigit(ref r1, ref r0, l.U3, v.U1, v.U0);
        }

        ulong q2 = NextDigit(ref r1, ref r0, l.U2, v.U1, v.U0);
        ulong q1 = NextDigit(ref r1, ref r0, l.U1, v.U1, v.U0);
        ulong q0 = NextDigit(ref r1, ref r0, l.U0, v.U1, v.U0);
        quotient = new(q0, q1, q2, q3);
        ShiftRight(new(r0, r1), shift, out remainder);
    }

    /// <summary>For three limbs as well: the shift then moves the divisor by a whole limb more.</summary>
    [SkipLocalsInit]
    private static unsafe void DivideByFourLimbs(in UInt256 low, in UInt256 high, in UInt256 divisor, out UInt256 quotient,
        out UInt256 remainder)
    {
        int shift = BitOperations.LeadingZeroCount(divisor.U3);
        if (shift == 64) shift += BitOperations.LeadingZeroCount(divisor.U2);
        ShiftLeft(divisor, shift, out UInt256 v);
        ShiftLeft(low, shift, out UInt256 l);
        ShiftRight(low, 256 - shift, out UInt256 h);
        UInt256 top = default;
        if (!high.IsZero)
        {
            ShiftLeft(high, shift, out UInt256 shifted);
            h |= shifted;
            ShiftRight(high, 256 - shift, out top);
        }

        // The dividend's limbs that are still to come, and the quotient's. As after the product of two reduced numbers the first
        // digits are often zero.
        UInt256* next = stackalloc UInt256[2];
        UInt256* digits = stackalloc UInt256[2];
        next[0] = l;
        next[1] = h;
        digits[0] = default;
        UInt256 rest;
        int count;
        if (high.IsZero) (rest, count) = shift < 64 ? (new UInt256(l.U1, l.U2, l.U3, h.U0), 1) : (new UInt256(l.U2, l.U3, h.U0, h.U1), 2);
        else if (top.IsZero && h < v) (rest, count) = (h, 4);
        else (rest, count) = shift < 64 ? (new UInt256(h.U1, h.U2, h.U3, top.U0), 5) : (new UInt256(h.U2, h.U3, top.U0, top.U1), 6);
        DivideDigits(ref rest, (ulong*)next, count, v, (ulong*)digits);
        quotient = digits[0];
        ShiftRight(rest, shift, out remainder);
    }

    /// <summary>(rest·2^(64·count) + next) / divisor for rest &lt; divisor, whose top bit is set; rest becomes the remainder.</summary>
    private static unsafe void DivideDigits(ref UInt256 rest, ulong* next, int count, in UInt256 divisor, ulong* digits)
    {
        ulong v0 = divisor.U0, v1 = divisor.U1, v2 = divisor.U2, v3 = divisor.U3;
        ulong r0 = rest.U0, r1 = rest.U1, r2 = rest.U2, r3 = rest.U3;
        for (int i = count - 1; i >= 0; i--)
        {
            ulong digit = EstimateDigit(r3, r2, r1, v3, v2);
            ulong carry = 0;
            ulong t0 = SubtractProduct(next[i], v0, digit, ref carry);
            ulong t1 = SubtractProduct(r0, v1, digit, ref carry);
            ulong t2 = SubtractProduct(r1, v2, digit, ref carry);
            ulong t3 = SubtractProduct(r2, v3, digit, ref carry);
            if (r3 < carry)
            {
                digit--;
                carry = 0;
                t0 = AddCarry(t0, v0, ref carry);
                t1 = AddCarry(t1, v1, ref carry);
                t2 = AddCarry(t2, v2, ref carry);
                t3 = AddCarry(t3, v3, ref carry);
            }

            (r0, r1, r2, r3) = (t0, t1, t2, t3);
            digits[i] = digit;
        }

        rest = new(r0, r1, r2, r3);
    }

    /// <summary>The low limb of x - (a·b + carry); what it lacks above goes into the carry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SubtractProduct(ulong x, ulong a, ulong b, ref ulong carry)
    {
        ulong high = MultiplyLimbs(a, b, out ulong low);
        low += carry;
        high += low < carry ? 1UL : 0UL;
        carry = high + (x < low ? 1UL : 0UL);
        return x - low;
    }

    /// <summary>One digit by two limbs; the estimate from three limbs by two is exact here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong NextDigit(ref ulong rest1, ref ulong rest0, ulong next, ulong divisor1, ulong divisor0)
    {
        ulong digit = EstimateDigit(rest1, rest0, next, divisor1, divisor0);
        ulong high = MultiplyLimbs(divisor0, digit, out ulong low);
        rest1 = rest0 - divisor1 * digit - high - (next < low ? 1UL : 0UL);
        rest0 = next - low;
        return digit;
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
            ulong high = MultiplyLimbs(digit, next, out ulong low);
            if (high < rest || (high == rest && low <= u0)) return digit;
            digit--;
            rest += top;
            if (rest < top) return digit;
        }
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
}
