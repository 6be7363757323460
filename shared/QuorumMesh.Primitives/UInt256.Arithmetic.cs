using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Primitives;

public readonly partial struct UInt256
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(in UInt256 a, in UInt256 b, out UInt256 r) => AddOverflow(a, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Subtract(in UInt256 a, in UInt256 b, out UInt256 r) => SubtractUnderflow(a, b, out r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Negate(in UInt256 a, out UInt256 r) => SubtractUnderflow(default, a, out r);

    /// <summary>True when the sum does not fit; <paramref name="r"/> then holds it modulo 2^256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AddOverflow(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        ulong carry = 0;
        ulong r0 = AddCarry(a.U0, b.U0, ref carry);
        ulong r1 = AddCarry(a.U1, b.U1, ref carry);
        ulong r2 = AddCarry(a.U2, b.U2, ref carry);
        ulong r3 = AddCarry(a.U3, b.U3, ref carry);
        r = new(r0, r1, r2, r3);
        return carry != 0;
    }

    /// <summary>True when a &lt; b; <paramref name="r"/> then holds the difference modulo 2^256.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool SubtractUnderflow(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        ulong borrow = 0;
        ulong r0 = SubtractBorrow(a.U0, b.U0, ref borrow);
        ulong r1 = SubtractBorrow(a.U1, b.U1, ref borrow);
        ulong r2 = SubtractBorrow(a.U2, b.U2, ref borrow);
        ulong r3 = SubtractBorrow(a.U3, b.U3, ref borrow);
        r = new(r0, r1, r2, r3);
        return borrow != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddCarry(ulong a, ulong b, ref ulong carry)
    {
        ulong sum = a + b;
        ulong c = sum < a ? 1UL : 0UL;
        ulong total = sum + carry;
        carry = c + (total < sum ? 1UL : 0UL);
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SubtractBorrow(ulong a, ulong b, ref ulong borrow)
    {
        ulong difference = a - b;
        ulong c = a < b ? 1UL : 0UL;
        ulong total = difference - borrow;
        borrow = c + (difference < borrow ? 1UL : 0UL);
        return total;
    }

    /// <summary>
    /// Math.BigMul, but with the low half by a multiplication of its own: Math.BigMul writes it to memory and reads it back,
    /// which costs more than the second multiplication.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyLimbs(ulong a, ulong b, out ulong low)
    {
        if (!Bmi2.X64.IsSupported) return Math.BigMul(a, b, out low);
        low = a * b;
        return Bmi2.X64.MultiplyNoFlags(a, b);
    }

    /// <summary>a * b + add + carry, which never exceeds 128 bits; the high half becomes the new carry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(ulong a, ulong b, ulong add, ref ulong carry)
    {
        ulong high = MultiplyLimbs(a, b, out ulong low);
        low += add;
        high += low < add ? 1UL : 0UL;
        low += carry;
        high += low < carry ? 1UL : 0UL;
        carry = high;
        return low;
    }

    public static void Multiply(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        if (((a.U1 | a.U2 | a.U3) | (b.U1 | b.U2 | b.U3)) == 0)
        {
            ulong high = MultiplyLimbs(a.U0, b.U0, out ulong low);
            r = new(low, high);
            return;
        }

        ulong a0 = a.U0, a1 = a.U1, a2 = a.U2, a3 = a.U3;
        ulong b0 = b.U0, b1 = b.U1, b2 = b.U2, b3 = b.U3;
        ulong carry = 0;
        ulong r0 = MultiplyAdd(a0, b0, 0, ref carry);
        ulong r1 = MultiplyAdd(a0, b1, 0, ref carry);
        ulong r2 = MultiplyAdd(a0, b2, 0, ref carry);
        ulong r3 = a0 * b3 + carry;
        carry = 0;
        r1 = MultiplyAdd(a1, b0, r1, ref carry);
        r2 = MultiplyAdd(a1, b1, r2, ref carry);
        r3 += a1 * b2 + carry;
        carry = 0;
        r2 = MultiplyAdd(a2, b0, r2, ref carry);
        r3 += a2 * b1 + carry;
        r3 += a3 * b0;
        r = new(r0, r1, r2, r3);
    }

    /// <summary>The full 512-bit product: low and high 256 bits.</summary>
    public static void MultiplyFull(in UInt256 a, in UInt256 b, out UInt256 low, out UInt256 high)
    {
        ulong b0 = b.U0, b1 = b.U1, b2 = b.U2, b3 = b.U3;
        ulong c = 0;
        ulong p0 = MultiplyAdd(a.U0, b0, 0, ref c);
        ulong p1 = MultiplyAdd(a.U0, b1, 0, ref c);
        ulong p2 = MultiplyAdd(a.U0, b2, 0, ref c);
        ulong p3 = MultiplyAdd(a.U0, b3, 0, ref c);
        ulong p4 = c;
        c = 0;
        p1 = MultiplyAdd(a.U1, b0, p1, ref c);
        p2 = MultiplyAdd(a.U1, b1, p2, ref c);
        p3 = MultiplyAdd(a.U1, b2, p3, ref c);
        p4 = MultiplyAdd(a.U1, b3, p4, ref c);
        ulong p5 = c;
        c = 0;
        p2 = MultiplyAdd(a.U2, b0, p2, ref c);
        p3 = MultiplyAdd(a.U2, b1, p3, ref c);
        p4 = MultiplyAdd(a.U2, b2, p4, ref c);
        p5 = MultiplyAdd(a.U2, b3, p5, ref c);
        ulong p6 = c;
        c = 0;
        p3 = MultiplyAdd(a.U3, b0, p3, ref c);
        p4 = MultiplyAdd(a.U3, b1, p4, ref c);
        p5 = MultiplyAdd(a.U3, b2, p5, ref c);
        p6 = MultiplyAdd(a.U3, b3, p6, ref c);
        low = new(p0, p1, p2, p3);
        high = new(p4, p5, p6, c);
    }

    /// <summary>True when the product does not fit; <paramref name="r"/> then holds it modulo 2^256.</summary>
    public static bool MultiplyOverflow(in UInt256 a, in UInt256 b, out UInt256 r)
    {
        MultiplyFull(a, b, out r, out UInt256 high);
        return !high.IsZero;
    }

    /// <summary>a to the power of <paramref name="exponent"/>, modulo 2^256; 0^0 is 1.</summary>
    public static void Exp(in UInt256 a, in UInt256 exponent, out UInt256 r)
    {
        int bits = exponent.BitLength;
        if (bits == 0)
        {
            r = One;
            return;
        }

        // An even base to a power of 256 or more has at least 256 factors of two.
        if ((a.U0 & 1) == 0 && bits > 8)
        {
            r = default;
            return;
        }

        r = bits <= 64 ? ExpShort(a, exponent.U0, bits) : ExpLong(a, exponent);
    }

    /// <summary>Square and multiply, from the top bit down.</summary>
    private static UInt256 ExpShort(in UInt256 a, ulong exponent, int bits)
    {
        UInt256 result = a;
        for (int i = bits - 2; i >= 0; i--)
        {
            Multiply(result, result, out result);
            if ((exponent >> i & 1) != 0) Multiply(result, a, out result);
        }

        return result;
    }

    /// <summary>
    /// For an odd base. Its power to 2^64 is 1 + x with x divisible by 2^66 (the squares of odd numbers are 1 modulo 8, and each
    /// further squaring adds a factor of two), so x^4 is 0 modulo 2^256 and the binomial series of (1 + x)^(exponent / 2^64) ends
    /// after four terms: 64 squarings instead of 256.
    /// </summary>
    private static UInt256 ExpLong(in UInt256 a, in UInt256 exponent)
    {
        UInt256 power = a;
        UInt256 result = One;
        for (ulong low = exponent.U0, i = 0; i < 64; i++, low >>= 1)
        {
            if ((low & 1) != 0) Multiply(result, power, out result);
            Multiply(power, power, out power);
        }

        UInt256 e = exponent >> 64;
        UInt256 x = power - One;
        UInt256 chooseTwo = (e.U0 & 1) == 0 ? (e >> 1) * (e - One) : e * (e - One >> 1);
        UInt256 chooseThree = chooseTwo * (e - new UInt256(2)) * _inverseOfThree;
        UInt256 square = x * x;
        return result * (One + e * x + chooseTwo * square + chooseThree * square * x);
    }

    /// <summary>Modulo 2^256.</summary>
    private static readonly UInt256 _inverseOfThree = new(0xAAAAAAAAAAAAAAAB, 0xAAAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAA);

    private ulong Limb(int index) => index switch { 0 => U0, 1 => U1, 2 => U2, _ => U3 };

    /// <summary>Bit <paramref name="index"/> (0 is the least significant); false outside 0..255.</summary>
    public bool Bit(int index)
    {
        if ((uint)index > 255) return false;
        return (Limb(index >> 6) >> (index & 63) & 1) != 0;
    }

    /// <summary>(a + b) mod m on the unwrapped sum; 0 when m is 0.</summary>
    public static void AddMod(in UInt256 a, in UInt256 b, in UInt256 m, out UInt256 r)
    {
        if (m.IsZero)
        {
            r = default;
            return;
        }

        // Reduce both first: the sum is then below 2m, so one subtraction (with the carry as the 257th bit) is enough.
        ReduceTerm(a, m, out UInt256 x);
        ReduceTerm(b, m, out UInt256 y);
        bool carry = AddOverflow(x, y, out UInt256 sum);
        bool below = SubtractUnderflow(sum, m, out UInt256 reduced);
        r = carry || !below ? reduced : sum;
    }

    private static void ReduceTerm(in UInt256 a, in UInt256 m, out UInt256 r)
    {
        if (m.U3 == 0 || a.U3 > m.U3)
        {
            Mod(a, m, out r);
            return;
        }

        // With a top limb not above a non-zero one of m, a is below 2m.
        r = SubtractUnderflow(a, m, out UInt256 reduced) ? a : reduced;
    }

    /// <summary>(a * b) mod m on the 512-bit product; 0 when m is 0.</summary>
    public static void MulMod(in UInt256 a, in UInt256 b, in UInt256 m, out UInt256 r)
    {
        if (m.IsZero)
        {
            r = default;
            return;
        }

        MultiplyFull(a, b, out UInt256 low, out UInt256 high);
        if (high.IsZero) Mod(low, m, out r);
        else if ((m.U1 & m.U2 & m.U3) == ulong.MaxValue && m.U0 != 0) ModNearPowerOfTwo(low, high, 0 - m.U0, out r);
        else ModWide(low, high, m, out r);
    }

    /// <summary>
    /// high·2^256 + low modulo 2^256 - c, as secp256k1's prime is: 2^256 counts as c, so that two multiplications by c replace a
    /// division.
    /// </summary>
    private static void ModNearPowerOfTwo(in UInt256 low, in UInt256 high, ulong c, out UInt256 r)
    {
        ulong carry = 0;
        ulong r0 = MultiplyAdd(high.U0, c, low.U0, ref carry);
        ulong r1 = MultiplyAdd(high.U1, c, low.U1, ref carry);
        ulong r2 = MultiplyAdd(high.U2, c, low.U2, ref carry);
        ulong r3 = MultiplyAdd(high.U3, c, low.U3, ref carry);
        ulong top = MultiplyLimbs(carry, c, out ulong bottom);
        bool wraps = AddOverflow(new UInt256(r0, r1, r2, r3), new UInt256(bottom, top), out UInt256 sum);
        // Below 2m in any case: adding c takes m away when the sum then leaves 256 bits, or has left them already.
        bool above = AddOverflow(sum, new UInt256(c), out UInt256 reduced);
        r = wraps || above ? reduced : sum;
    }
}
