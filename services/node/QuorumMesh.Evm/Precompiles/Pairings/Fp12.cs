using System.Numerics;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>Fp6[w] / (w² - v): C0 + C1·w.</summary>
internal readonly struct Fp12<TBase>(Fp6<TBase> c0, Fp6<TBase> c1)
    where TBase : struct, IBaseField<TBase>
{
    public readonly Fp6<TBase> C0 = c0;
    public readonly Fp6<TBase> C1 = c1;

    /// <summary>ξ^(i(p-1)/6) for i = 0..5: what Frobenius multiplies the coefficient of w^i with.</summary>
    private static readonly Fp2<TBase>[] _frobenius = FrobeniusFactors();

    public static Fp12<TBase> One => new(Fp6<TBase>.One, default);

    /// <summary>ξ^((p-1)/3).</summary>
    public static Fp2<TBase> TwistX => _frobenius[2];

    /// <summary>ξ^((p-1)/2).</summary>
    public static Fp2<TBase> TwistY => _frobenius[3];

    public bool IsOne => C0.C0.SameAs(Fp2<TBase>.One) && C0.C1.IsZero && C0.C2.IsZero && C1.C0.IsZero && C1.C1.IsZero && C1.C2.IsZero;

    public static Fp12<TBase> operator *(in Fp12<TBase> a, in Fp12<TBase> b)
    {
        Fp6<TBase> v0 = a.C0 * b.C0;
        Fp6<TBase> v1 = a.C1 * b.C1;
        return new Fp12<TBase>(v0 + v1.TimesV(), (a.C0 + a.C1) * (b.C0 + b.C1) - v0 - v1);
    }

    public Fp12<TBase> Square()
    {
        Fp6<TBase> product = C0 * C1;
        Fp6<TBase> c0 = (C0 + C1) * (C0 + C1.TimesV()) - product - product.TimesV();
        return new Fp12<TBase>(c0, product + product);
    }

    /// <summary>
    /// A square in the cyclotomic subgroup (Granger, Scott: "Faster Squaring in the Cyclotomic Subgroup of Sixth Degree
    /// Extensions", 2010).
    /// </summary>
    public Fp12<TBase> CyclotomicSquare()
    {
        SquareFp4(C0.C0, C1.C1, out Fp2<TBase> a0, out Fp2<TBase> a1);
        SquareFp4(C1.C0, C0.C2, out Fp2<TBase> b0, out Fp2<TBase> b1);
        SquareFp4(C0.C1, C1.C2, out Fp2<TBase> c0, out Fp2<TBase> c1);
        return new Fp12<TBase>(
            new Fp6<TBase>(ThreeTimesLess(a0, C0.C0), ThreeTimesLess(b0, C0.C1), ThreeTimesLess(c0, C0.C2)),
            new Fp6<TBase>(ThreeTimesMore(c1.TimesXi(), C1.C0), ThreeTimesMore(a1, C1.C1), ThreeTimesMore(b1, C1.C2)));
    }

    /// <summary>The product with c0 + (a + b·v)·w: a line on a twist whose points go to (x·w², y·w³).</summary>
    public Fp12<TBase> TimesLineD(in Fp2<TBase> c0, in Fp2<TBase> a, in Fp2<TBase> b)
    {
        Fp6<TBase> v0 = C0 * c0;
        Fp6<TBase> v1 = C1.TimesSparse(a, b);
        Fp6<TBase> mixed = (C0 + C1).TimesSparse(a + c0, b);
        return new Fp12<TBase>(v0 + v1.TimesV(), mixed - v0 - v1);
    }

    /// <summary>The product with a + b·v + c·v·w: a line on a twist whose points go to (x/w², y/w³).</summary>
    public Fp12<TBase> TimesLineM(in Fp2<TBase> a, in Fp2<TBase> b, in Fp2<TBase> c)
    {
        Fp6<TBase> v0 = C0.TimesSparse(a, b);
        Fp6<TBase> v1 = (C1 * c).TimesV();
        Fp6<TBase> mixed = (C0 + C1).TimesSparse(a, b + c);
        return new Fp12<TBase>(v0 + v1.TimesV(), mixed - v0 - v1);
    }

    /// <summary>The p^6-power; in the cyclotomic subgroup the inverse.</summary>
    public Fp12<TBase> Conjugate() => new(C0, -C1);

    public Fp12<TBase> Inverse()
    {
        Fp6<TBase> norm = (C0.Square() - C1.Square().TimesV()).Inverse();
        return new Fp12<TBase>(C0 * norm, -(C1 * norm));
    }

    /// <summary>The p-power.</summary>
    public Fp12<TBase> Frobenius() => new(
        new Fp6<TBase>(C0.C0.Conjugate(), C0.C1.Conjugate() * _frobenius[2], C0.C2.Conjugate() * _frobenius[4]),
        new Fp6<TBase>(C1.C0.Conjugate() * _frobenius[1], C1.C1.Conjugate() * _frobenius[3], C1.C2.Conjugate() * _frobenius[5]));

    /// <summary>A power in the cyclotomic subgroup; the exponent is not zero.</summary>
    public Fp12<TBase> CyclotomicPower(ulong exponent)
    {
        Fp12<TBase> result = this;
        for (int i = 62 - BitOperations.LeadingZeroCount(exponent); i >= 0; i--)
        {
            result = result.CyclotomicSquare();
            if ((exponent >> i & 1) != 0) result *= this;
        }

        return result;
    }

    /// <summary>To the power (p^6 - 1)(p² + 1), which brings it into the cyclotomic subgroup.</summary>
    public Fp12<TBase> ToCyclotomicSubgroup()
    {
        Fp12<TBase> f = Conjugate() * Inverse();
        return f.Frobenius().Frobenius() * f;
    }

    /// <summary>(a + b·t)² with t² = ξ.</summary>
    private static void SquareFp4(in Fp2<TBase> a, in Fp2<TBase> b, out Fp2<TBase> c0, out Fp2<TBase> c1)
    {
        Fp2<TBase> aa = a.Square();
        Fp2<TBase> bb = b.Square();
        c0 = bb.TimesXi() + aa;
        c1 = (a + b).Square() - aa - bb;
    }

    private static Fp2<TBase> ThreeTimesLess(in Fp2<TBase> t, in Fp2<TBase> z) => (t - z).Double() + t;

    private static Fp2<TBase> ThreeTimesMore(in Fp2<TBase> t, in Fp2<TBase> z) => (t + z).Double() + t;

    private static Fp2<TBase>[] FrobeniusFactors()
    {
        var factors = new Fp2<TBase>[6];
        factors[0] = Fp2<TBase>.One;
        Fp2<TBase> root = TBase.Xi.Power((TBase.Characteristic - 1) / 6);
        for (int i = 1; i < factors.Length; i++) factors[i] = factors[i - 1] * root;
        return factors;
    }
}
