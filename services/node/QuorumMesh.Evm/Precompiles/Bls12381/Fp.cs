using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles.Pairings;

namespace QuorumMesh.Evm.Precompiles.Bls12381;

/// <summary>The base field of BLS12-381 in Montgomery form (R = 2^384).</summary>
internal readonly struct Fp : IBaseField<Fp>
{
    public const int Size = 48;
    private const int Limbs = 6;
    private const ulong P0 = 0xb9feffffffffaaab;
    private const ulong P1 = 0x1eabfffeb153ffff;
    private const ulong P2 = 0x6730d2a0f6b0f624;
    private const ulong P3 = 0x64774b84f38512bf;
    private const ulong P4 = 0x4b1ba7b6434bacd7;
    private const ulong P5 = 0x1a0111ea397fe69a;

    /// <summary>-1/p modulo 2^64.</summary>
    private const ulong Inv = 0x89f3fffcfffcfffd;

    private static readonly Fp _r2 = PowerOfTwo(768);
    private static readonly Fp _one = PowerOfTwo(384);
    private static readonly Fp _half = From(2).Inverse();

    private readonly ulong _a0, _a1, _a2, _a3, _a4, _a5;

    private Fp(ulong a0, ulong a1, ulong a2, ulong a3, ulong a4, ulong a5)
    {
        _a0 = a0;
        _a1 = a1;
        _a2 = a2;
        _a3 = a3;
        _a4 = a4;
        _a5 = a5;
    }

    public static Fp Zero => default;

    public static Fp One => _one;

    public static Fp Half => _half;

    public static BigInteger Characteristic
    {
        get
        {
            BigInteger p = 0;
            foreach (ulong limb in (ReadOnlySpan<ulong>)[P5, P4, P3, P2, P1, P0]) p = (p << 64) + limb;
            return p;
        }
    }

    /// <summary>1 + u.</summary>
    public static Fp2<Fp> Xi => new(One, One);

    public bool IsZero => (_a0 | _a1 | _a2 | _a3 | _a4 | _a5) == 0;

    /// <summary>sgn0 of RFC 9380, section 4.1: the parity.</summary>
    public bool IsOdd => (Plain()._a0 & 1) != 0;

    /// <summary>Whether it is above (p - 1) / 2.</summary>
    public bool IsUpperHalf => Compare(Plain(), (-this).Plain()) > 0;

    public static Fp2<Fp> TimesXi(in Fp2<Fp> a) => new(a.Re - a.Im, a.Re + a.Im);

    public static Fp From(ulong value) => new Fp(value, 0, 0, 0, 0, 0) * _r2;

    public static Fp FromHex(string hex) =>
        TryRead(Convert.FromHexString(hex), out Fp value) ? value
        : throw new ArgumentException("The number is not below the modulus.", nameof(hex));

    /// <summary>False when the number of 48 bytes is not below the modulus.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bigEndian, out Fp value)
    {
        var plain = new Fp(Limb(bigEndian, 40), Limb(bigEndian, 32), Limb(bigEndian, 24), Limb(bigEndian, 16), Limb(bigEndian, 8),
            Limb(bigEndian, 0));
        value = default;
        if (Compare(plain, new Fp(P0, P1, P2, P3, P4, P5)) >= 0) return false;
        value = plain * _r2;
        return true;
    }

    public void Write(Span<byte> bigEndian)
    {
        Fp plain = Plain();
        ReadOnlySpan<ulong> limbs = [plain._a5, plain._a4, plain._a3, plain._a2, plain._a1, plain._a0];
        for (int i = 0; i < limbs.Length; i++) BinaryPrimitives.WriteUInt64BigEndian(bigEndian[(8 * i)..], limbs[i]);
    }

    public static Fp operator +(in Fp a, in Fp b)
    {
        ulong c = 0;
        ulong t0 = Wide.Add(a._a0, b._a0, ref c);
        ulong t1 = Wide.Add(a._a1, b._a1, ref c);
        ulong t2 = Wide.Add(a._a2, b._a2, ref c);
        ulong t3 = Wide.Add(a._a3, b._a3, ref c);
        ulong t4 = Wide.Add(a._a4, b._a4, ref c);
        ulong t5 = Wide.Add(a._a5, b._a5, ref c);
        return Reduce(t0, t1, t2, t3, t4, t5);
    }

    public static Fp operator -(in Fp a, in Fp b)
    {
        ulong c = 0;
        ulong t0 = Wide.Subtract(a._a0, b._a0, ref c);
        ulong t1 = Wide.Subtract(a._a1, b._a1, ref c);
        ulong t2 = Wide.Subtract(a._a2, b._a2, ref c);
        ulong t3 = Wide.Subtract(a._a3, b._a3, ref c);
        ulong t4 = Wide.Subtract(a._a4, b._a4, ref c);
        ulong t5 = Wide.Subtract(a._a5, b._a5, ref c);
        ulong mask = 0 - c;
        c = 0;
        t0 = Wide.Add(t0, P0 & mask, ref c);
        t1 = Wide.Add(t1, P1 & mask, ref c);
        t2 = Wide.Add(t2, P2 & mask, ref c);
        t3 = Wide.Add(t3, P3 & mask, ref c);
        t4 = Wide.Add(t4, P4 & mask, ref c);
        t5 = Wide.Add(t5, P5 & mask, ref c);
        return new Fp(t0, t1, t2, t3, t4, t5);
    }

    public static Fp operator -(in Fp a) => default(Fp) - a;

    public static Fp operator *(in Fp a, in Fp b)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0;
        ref readonly ulong digit = ref b._a0;
        for (int i = 0; i < Limbs; i++)
        {
            Row(a, Unsafe.Add(ref Unsafe.AsRef(in digit), i), 0, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5);
        }

        return Reduce(t0, t1, t2, t3, t4, t5);
    }

    /// <summary>a·b + c·d for the price of one reduction. One factor of each product may be the modulus itself.</summary>
    public static Fp SumOfProducts(in Fp a, in Fp b, in Fp c, in Fp d)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0;
        ref readonly ulong digit1 = ref b._a0;
        ref readonly ulong digit2 = ref d._a0;
        for (int i = 0; i < Limbs; i++)
        {
            ulong top = MultiplyAdd(a, Unsafe.Add(ref Unsafe.AsRef(in digit1), i), ref t0, ref t1, ref t2, ref t3, ref t4, ref t5);
            Row(c, Unsafe.Add(ref Unsafe.AsRef(in digit2), i), top, ref t0, ref t1, ref t2, ref t3, ref t4, ref t5);
        }

        return Reduce(t0, t1, t2, t3, t4, t5);
    }

    public Fp Square() => this * this;

    public Fp Double() => this + this;

    public Fp Inverse() => Power(Exponents.Inverse);

    /// <summary>The modulus is 3 modulo 4: the root is the (p + 1)/4-power.</summary>
    public bool TrySquareRoot(out Fp root)
    {
        root = Power(Exponents.SquareRoot);
        return root.Square().SameAs(this);
    }

    public bool SameAs(in Fp other) =>
        ((_a0 ^ other._a0) | (_a1 ^ other._a1) | (_a2 ^ other._a2) | (_a3 ^ other._a3) | (_a4 ^ other._a4) | (_a5 ^ other._a5)) == 0;

    /// <summary>By the exponent's digits of four bits, the highest first.</summary>
    private Fp Power(byte[] digits)
    {
        Span<Fp> powers = stackalloc Fp[16];
        powers[0] = One;
        for (int i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * this;
        Fp result = One;
        foreach (byte digit in digits)
        {
            result = result.Square().Square().Square().Square();
            if (digit != 0) result *= powers[digit];
        }

        return result;
    }

    private Fp Plain() => this * new Fp(1, 0, 0, 0, 0, 0);

    private static ulong Limb(ReadOnlySpan<byte> bigEndian, int offset) => BinaryPrimitives.ReadUInt64BigEndian(bigEndian[offset..]);

    private static int Compare(in Fp a, in Fp b)
    {
        if (a._a5 != b._a5) return a._a5.CompareTo(b._a5);
        if (a._a4 != b._a4) return a._a4.CompareTo(b._a4);
        if (a._a3 != b._a3) return a._a3.CompareTo(b._a3);
        if (a._a2 != b._a2) return a._a2.CompareTo(b._a2);
        return a._a1 != b._a1 ? a._a1.CompareTo(b._a1) : a._a0.CompareTo(b._a0);
    }

    /// <summary>t = t + a·b; gives the word above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(in Fp a, ulong b, ref ulong t0, ref ulong t1, ref ulong t2, ref ulong t3, ref ulong t4, ref ulong t5)
    {
        ulong c = 0;
        t0 = Wide.MultiplyAdd(a._a0, b, t0, ref c);
        t1 = Wide.MultiplyAdd(a._a1, b, t1, ref c);
        t2 = Wide.MultiplyAdd(a._a2, b, t2, ref c);
        t3 = Wide.MultiplyAdd(a._a3, b, t3, ref c);
        t4 = Wide.MultiplyAdd(a._a4, b, t4, ref c);
        t5 = Wide.MultiplyAdd(a._a5, b, t5, ref c);
        return c;
    }

    /// <summary>
    /// Montgomery's step: t = (t + a·b + m·p) / 2^64 with the m that makes the lowest word zero. The modulus leaves three bits
    /// free, so t stays in six limbs. The two sums go along the limbs side by side, so that the processor works on both.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(in Fp a, ulong b, ulong top, ref ulong t0, ref ulong t1, ref ulong t2, ref ulong t3, ref ulong t4, ref ulong t5)
    {
        ulong c = 0;
        ulong sum = Wide.MultiplyAdd(a._a0, b, t0, ref c);
        ulong m = sum * Inv;
        ulong d = Wide.High(m, P0) + (sum != 0 ? 1UL : 0);
        sum = Wide.MultiplyAdd(a._a1, b, t1, ref c);
        t0 = Wide.MultiplyAdd(m, P1, sum, ref d);
        sum = Wide.MultiplyAdd(a._a2, b, t2, ref c);
        t1 = Wide.MultiplyAdd(m, P2, sum, ref d);
        sum = Wide.MultiplyAdd(a._a3, b, t3, ref c);
        t2 = Wide.MultiplyAdd(m, P3, sum, ref d);
        sum = Wide.MultiplyAdd(a._a4, b, t4, ref c);
        t3 = Wide.MultiplyAdd(m, P4, sum, ref d);
        sum = Wide.MultiplyAdd(a._a5, b, t5, ref c);
        t4 = Wide.MultiplyAdd(m, P5, sum, ref d);
        t5 = top + c + d;
    }

    /// <summary>Of a number below 2p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fp Reduce(ulong t0, ulong t1, ulong t2, ulong t3, ulong t4, ulong t5)
    {
        ulong c = 0;
        ulong s0 = Wide.Subtract(t0, P0, ref c);
        ulong s1 = Wide.Subtract(t1, P1, ref c);
        ulong s2 = Wide.Subtract(t2, P2, ref c);
        ulong s3 = Wide.Subtract(t3, P3, ref c);
        ulong s4 = Wide.Subtract(t4, P4, ref c);
        ulong s5 = Wide.Subtract(t5, P5, ref c);
        ulong mask = 0 - c;
        return new Fp(
            Wide.Select(mask, t0, s0),
            Wide.Select(mask, t1, s1),
            Wide.Select(mask, t2, s2),
            Wide.Select(mask, t3, s3),
            Wide.Select(mask, t4, s4),
            Wide.Select(mask, t5, s5));
    }

    private static Fp PowerOfTwo(int exponent)
    {
        var result = new Fp(1, 0, 0, 0, 0, 0);
        for (int i = 0; i < exponent; i++) result += result;
        return result;
    }

    private static class Exponents
    {
        public static readonly byte[] Inverse = Digits(Characteristic - 2);
        public static readonly byte[] SquareRoot = Digits((Characteristic + 1) / 4);

        private static byte[] Digits(BigInteger value) => [.. Enumerable.Range(0, 96).Select(i => (byte)(int)(value >> 4 * (95 - i) & 15))];
    }
}
