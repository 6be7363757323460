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
    private static void DivideByFourLimbs(in UInt256 low, in UInt256 high, in UInt256 divisor, out UInt256 quotient, out UInt256 remainder)
    {
        int shift = BitOperations.LeadingZeroCount(divisor.U3);
        if (shift == 64) shift += BitOperations.LeadingZeroCount(divisor.U2);
        ShiftLeft(divisor, shift, out UInt256 v);
        ShiftLeft(low, shift, out UInt256 l);
        ShiftRight(low, 256 - shift, out UInt256 h);
        ulong q1 = 0;
        ulong q2 = 0;
        ulong q3 = 0;
        UInt256 rest;
        if (high.IsZero)
        {
            if (shift < 64)
            {
                rest = new(l.U1, l.U2, l.U3, h.U0);
            }
            else
            {
                rest = new(l.U2, l.U3, h.U0, h.U1);
                q1 = NextDigit(ref rest, l.U1, v);
            }
        }
        else
        {
            ShiftLeft(high, shift, out UInt256 shifted);
            h |= shifted;
            ShiftRight(high, 256 - shift, out UInt256 top);
            if (top.IsZero && h < v)
            {
                // As after the product of two reduced numbers: the first digits would be zero.
                rest = h;
            }
            else if (shift < 64)
            {
                rest = new(h.U1, h.U2, h.U3, top.U0);
                NextDigit(ref rest, h.U0, v);
            }
            else
            {
                rest = new(h.U2, h.U3, top.U0, top.U1);
                NextDigit(ref rest, h.U1, v);
                NextDigit(ref rest, h.U0, v);
            }

            q3 = NextDigit(ref rest, l.U3, v);
            q2 = NextDigit(ref rest, l.U2, v);
            q1 = NextDigit(ref rest, l.U1, v);
        }

        ulong q0 = NextDigit(ref rest, l.U0, v);
        quotient = new(q0, q1, q2, q3);
        ShiftRight(rest, shift, out remainder);
    }

    /// <summary>(rest·2^64 + next) / divisor for rest &lt; divisor, whose top bit is set; rest becomes the remainder.</summary>
    private static ulong NextDigit(ref UInt256 rest, ulong next, in UInt256 divisor)
    {
        ulong digit = EstimateDigit(rest.U3, rest.U2, rest.U1, divisor.U3, divisor.U2);
        ulong carry = 0;
        ulong borrow = 0;
        ulong r0 = SubtractBorrow(next, MultiplyAdd(divisor.U0, digit, 0, ref carry), ref borrow);
        ulong r1 = SubtractBorrow(rest.U0, MultiplyAdd(divisor.U1, digit, 0, ref carry), ref borrow);
        ulong r2 = SubtractBorrow(rest.U1, MultiplyAdd(divisor.U2, digit, 0, ref carry), ref borrow);
        ulong r3 = SubtractBorrow(rest.U2, MultiplyAdd(divisor.U3, digit, 0, ref carry), ref borrow);
        SubtractBorrow(rest.U3, carry, ref borrow);
        if (borrow != 0)
        {
            digit--;
            carry = 0;
            r0 = AddCarry(r0, divisor.U0, ref carry);
            r1 = AddCarry(r1, divisor.U1, ref carry);
            r2 = AddCarry(r2, divisor.U2, ref carry);
            r3 = AddCarry(r3, divisor.U3, ref carry);
        }

        rest = new(r0, r1, r2, r3);
        return digit;
    }

    /// <summary>The same for two limbs; the estimate from three limbs by two is exact here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong NextDigit(ref ulong rest1, ref ulong rest0, ulong next, ulong divisor1, ulong divisor0)
    {
        ulong digit = EstimateDigit(rest1, rest0, next, divisor1, divisor0);
        ulong carry = 0;
        ulong borrow = 0;
        ulong r0 = SubtractBorrow(next, MultiplyAdd(divisor0, digit, 0, ref carry), ref borrow);
        ulong r1 = SubtractBorrow(rest0, MultiplyAdd(divisor1, digit, 0, ref carry), ref borrow);
        rest0 = r0;
        rest1 = r1;
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
