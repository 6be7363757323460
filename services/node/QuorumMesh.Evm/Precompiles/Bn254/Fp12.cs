using System.Numerics;

namespace QuorumMesh.Evm.Bn254;

/// <summary>Fp6[w] / (w² - v): C0 + C1·w.</summary>
internal readonly struct Fp12(Fp6 c0, Fp6 c1)
{
    public readonly Fp6 C0 = c0;
    public readonly Fp6 C1 = c1;

    /// <summary>ξ^(i(p-1)/6) for i = 0..5: what Frobenius multiplies the coefficient of w^i with.</summary>
    private static readonly Fp2[] _frobenius = FrobeniusFactors();

    public static Fp12 One => new(Fp6.One, default);

    /// <summary>ξ^((p-1)/3).</summary>
    public static Fp2 TwistX => _frobenius[2];

    /// <summary>ξ^((p-1)/2).</summary>
    public static Fp2 TwistY => _frobenius[3];

    public bool IsOne => C0.C0.SameAs(Fp2.One) && C0.C1.IsZero && C0.C2.IsZero && C1.C0.IsZero && C1.C1.IsZero && C1.C2.IsZero;

    public static Fp12 operator *(in Fp12 a, in Fp12 b)
    {
        Fp6 v0 = a.C0 * b.C0;
        Fp6 v1 = a.C1 * b.C1;
        return new Fp12(v0 + v1.TimesV(), (a.C0 + a.C1) * (b.C0 + b.C1) - v0 - v1);
    }

    public Fp12 Square()
    {
        Fp6 product = C0 * C1;
        Fp6 c0 = (C0 + C1) * (C0 + C1.TimesV()) - product - product.TimesV();
        return new Fp12(c0, product + product);
    }

    /// <summary>The product with y + (a + b·v)·w: the value of a line.</summary>
    public Fp12 TimesLine(in Fp y, in Fp2 a, in Fp2 b)
    {
        var y2 = new Fp2(y, Fp.Zero);
        Fp6 v0 = C0 * y2;
        Fp6 v1 = C1.TimesSparse(a, b);
        Fp6 mixed = (C0 + C1).TimesSparse(a + y2, b);
        return new Fp12(v0 + v1.TimesV(), mixed - v0 - v1);
    }

    /// <summary>The p^6-power; in the cyclotomic subgroup the inverse.</summary>
    public Fp12 Conjugate() => new(C0, -C1);

    public Fp12 Inverse()
    {
        Fp6 norm = (C0.Square() - C1.Square().TimesV()).Inverse();
        return new Fp12(C0 * norm, -(C1 * norm));
    }

    /// <summary>The p-power.</summary>
    public Fp12 Frobenius() => new(
        new Fp6(C0.C0.Conjugate(), C0.C1.Conjugate() * _frobenius[2], C0.C2.Conjugate() * _frobenius[4]),
        new Fp6(C1.C0.Conjugate() * _frobenius[1], C1.C1.Conjugate() * _frobenius[3], C1.C2.Conjugate() * _frobenius[5]));

    public Fp12 Power(ulong exponent)
    {
        Fp12 result = this;
        for (int i = 62 - BitOperations.LeadingZeroCount(exponent); i >= 0; i--)
        {
            result = result.Square();
            if ((exponent >> i & 1) != 0) result *= this;
        }

        return result;
    }

    private static Fp2[] FrobeniusFactors()
    {
        var factors = new Fp2[6];
        factors[0] = Fp2.One;
        Fp2 root = Fp2.Xi.Power((Fp.Modulus.ToBigInteger() - 1) / 6);
        for (int i = 1; i < factors.Length; i++) factors[i] = factors[i - 1] * root;
        return factors;
    }
}
