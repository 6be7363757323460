using System.Numerics;
using System.Runtime.CompilerServices;
using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles.Bn254;

/// <summary>The base field of alt_bn128 in Montgomery form (R = 2^256).</summary>
internal readonly struct Fp : IBaseField<Fp>
{
    private const int Limbs = 4;
    private const ulong P0 = 0x3c208c16d87cfd47;
    private const ulong P1 = 0x97816a916871ca8d;
    private const ulong P2 = 0xb85045b68181585d;
    private const ulong P3 = 0x30644e72e131a029;

    /// <summary>-1/p modulo 2^64.</summary>
    private const ulong Inv = 0x87d20782e4866389;

    public static readonly UInt256 Modulus = new(P0, P1, P2, P3);
    private static readonly Fp _r2 = PowerOfTwo(512);
    private static readonly Fp _one = PowerOfTwo(256);
    private static readonly UInt256 _modulusLessTwo = Modulus - 2;

    private readonly ulong _a0;
    private readonly ulong _a1;
    private readonly ulong _a2;
    private readonly ulong _a3;

    private Fp(ulong a0, ulong a1, ulong a2, ulong a3)
    {
        _a0 = a0;
        _a1 = a1;
        _a2 = a2;
        _a3 = a3;
    }

    public static Fp Zero => default;

    public static Fp One => _one;

    public static BigInteger Characteristic => Modulus.ToBigInteger();

    /// <summary>9 + u.</summary>
    public static Fp2<Fp> Xi => new(From(9), One);

    public bool IsZero => (_a0 | _a1 | _a2 | _a3) == 0;

    /// <summary>False when the number is not below the modulus.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bigEndian, out Fp value)
    {
        UInt256 word = UInt256.FromBigEndian(bigEndian);
        value = default;
        if (word >= Modulus) return false;
        value = From(word);
        return true;
    }

    public static Fp From(in UInt256 word) => new Fp(word.U0, word.U1, word.U2, word.U3) * _r2;

    public void Write(Span<byte> bigEndian)
    {
        Fp plain = this * new Fp(1, 0, 0, 0);
        new UInt256(plain._a0, plain._a1, plain._a2, plain._a3).WriteBigEndian(bigEndian);
    }

    public static Fp operator +(in Fp a, in Fp b)
    {
        ulong c = 0;
        ulong t0 = Wide.Add(a._a0, b._a0, ref c);
        ulong t1 = Wide.Add(a._a1, b._a1, ref c);
        ulong t2 = Wide.Add(a._a2, b._a2, ref c);
        ulong t3 = Wide.Add(a._a3, b._a3, ref c);
        return Reduce(t0, t1, t2, t3);
    }

    public static Fp operator -(in Fp a, in Fp b)
    {
        ulong c = 0;
        ulong t0 = Wide.Subtract(a._a0, b._a0, ref c);
        ulong t1 = Wide.Subtract(a._a1, b._a1, ref c);
        ulong t2 = Wide.Subtract(a._a2, b._a2, ref c);
        ulong t3 = Wide.Subtract(a._a3, b._a3, ref c);
        ulong mask = 0 - c;
        c = 0;
        t0 = Wide.Add(t0, P0 & mask, ref c);
        t1 = Wide.Add(t1, P1 & mask, ref c);
        t2 = Wide.Add(t2, P2 & mask, ref c);
        t3 = Wide.Add(t3, P3 & mask, ref c);
        return new Fp(t0, t1, t2, t3);
    }

    public static Fp operator -(in Fp a) => default(Fp) - a;

    public static Fp operator *(in Fp a, in Fp b)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0;
        ref readonly ulong digit = ref b._a0;
        for (int i = 0; i < Limbs; i++)
        {
            ulong top = MultiplyAdd(a, Unsafe.Add(ref Unsafe.AsRef(in digit), i), ref t0, ref t1, ref t2, ref t3);
            Shift(top, ref t0, ref t1, ref t2, ref t3);
        }

        return Reduce(t0, t1, t2, t3);
    }

    /// <summary>a·b + c·d for the price of one reduction. One factor of each product may be the modulus itself.</summary>
    public static Fp SumOfProducts(in Fp a, in Fp b, in Fp c, in Fp d)
    {
        ulong t0 = 0, t1 = 0, t2 = 0, t3 = 0;
        ref readonly ulong digit1 = ref b._a0;
        ref readonly ulong digit2 = ref d._a0;
        for (int i = 0; i < Limbs; i++)
        {
            ulong top = MultiplyAdd(a, Unsafe.Add(ref Unsafe.AsRef(in digit1), i), ref t0, ref t1, ref t2, ref t3);
            top += MultiplyAdd(c, Unsafe.Add(ref Unsafe.AsRef(in digit2), i), ref t0, ref t1, ref t2, ref t3);
            Shift(top, ref t0, ref t1, ref t2, ref t3);
        }

        return Reduce(t0, t1, t2, t3);
    }

    public static Fp2<Fp> TimesXi(in Fp2<Fp> a)
    {
        Fp re8 = a.Re.Double().Double().Double();
        Fp im8 = a.Im.Double().Double().Double();
        return new Fp2<Fp>(re8 + a.Re - a.Im, im8 + a.Im + a.Re);
    }

    public Fp Square() => this * this;

    public Fp Double() => this + this;

    /// <summary>Zero for zero.</summary>
    public Fp Inverse()
    {
        Fp result = One;
        for (int i = _modulusLessTwo.BitLength - 1; i >= 0; i--)
        {
            result = result.Square();
            if (_modulusLessTwo.Bit(i)) result *= this;
        }

        return result;
    }

    public bool SameAs(in Fp other) => Word == other.Word;

    private UInt256 Word
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_a0, _a1, _a2, _a3);
    }

    /// <summary>t = t + a·b; gives the word above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(in Fp a, ulong b, ref ulong t0, ref ulong t1, ref ulong t2, ref ulong t3)
    {
        ulong c = 0;
        t0 = Wide.MultiplyAdd(a._a0, b, t0, ref c);
        t1 = Wide.MultiplyAdd(a._a1, b, t1, ref c);
        t2 = Wide.MultiplyAdd(a._a2, b, t2, ref c);
        t3 = Wide.MultiplyAdd(a._a3, b, t3, ref c);
        return c;
    }

    /// <summary>
    /// Montgomery's step: t = (t + m·p) / 2^64 with the m that makes the lowest word zero. The modulus leaves two bits free, so t
    /// stays in four limbs.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Shift(ulong top, ref ulong t0, ref ulong t1, ref ulong t2, ref ulong t3)
    {
        ulong m = t0 * Inv;
        ulong c = Wide.High(m, P0) + (t0 != 0 ? 1UL : 0);
        t0 = Wide.MultiplyAdd(m, P1, t1, ref c);
        t1 = Wide.MultiplyAdd(m, P2, t2, ref c);
        t2 = Wide.MultiplyAdd(m, P3, t3, ref c);
        t3 = top + c;
    }

    /// <summary>Of a number below 2p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Fp Reduce(ulong t0, ulong t1, ulong t2, ulong t3)
    {
        ulong c = 0;
        ulong s0 = Wide.Subtract(t0, P0, ref c);
        ulong s1 = Wide.Subtract(t1, P1, ref c);
        ulong s2 = Wide.Subtract(t2, P2, ref c);
        ulong s3 = Wide.Subtract(t3, P3, ref c);
        ulong mask = 0 - c;
        return new Fp(
            Wide.Select(mask, t0, s0),
            Wide.Select(mask, t1, s1),
            Wide.Select(mask, t2, s2),
            Wide.Select(mask, t3, s3));
    }

    private static Fp PowerOfTwo(int exponent)
    {
        var result = new Fp(1, 0, 0, 0);
        for (int i = 0; i < exponent; i++) result += result;
        return result;
    }
}
