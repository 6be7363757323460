
namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>Fp2[v] / (v³ - ξ): C0 + C1·v + C2·v².</summary>
internal readonly struct Fp6<TBase>(Fp2<TBase> c0, Fp2<TBase> c1, Fp2<TBase> c2)
    where TBase : struct, IBaseField<TBase>
{
    public readonly Fp2<TBase> C0 = c0;
    public readonly Fp2<TBase> C1 = c1;
    public readonly Fp2<TBase> C2 = c2;

    public static Fp6<TBase> One => new(Fp2<TBase>.One, Fp2<TBase>.Zero, Fp2<TBase>.Zero);

    public static Fp6<TBase> operator +(in Fp6<TBase> a, in Fp6<TBase> b) => new(a.C0 + b.C0, a.C1 + b.C1, a.C2 + b.C2);

    public static Fp6<TBase> operator -(in Fp6<TBase> a, in Fp6<TBase> b) => new(a.C0 - b.C0, a.C1 - b.C1, a.C2 - b.C2);

    public static Fp6<TBase> operator -(in Fp6<TBase> a) => new(-a.C0, -a.C1, -a.C2);

    public static Fp6<TBase> operator *(in Fp6<TBase> a, in Fp6<TBase> b)
    {
        Fp2<TBase> v0 = a.C0 * b.C0;
        Fp2<TBase> v1 = a.C1 * b.C1;
        Fp2<TBase> v2 = a.C2 * b.C2;
        Fp2<TBase> c0 = ((a.C1 + a.C2) * (b.C1 + b.C2) - v1 - v2).TimesXi() + v0;
        Fp2<TBase> c1 = (a.C0 + a.C1) * (b.C0 + b.C1) - v0 - v1 + v2.TimesXi();
        Fp2<TBase> c2 = (a.C0 + a.C2) * (b.C0 + b.C2) - v0 - v2 + v1;
        return new Fp6<TBase>(c0, c1, c2);
    }

    public static Fp6<TBase> operator *(in Fp6<TBase> a, in Fp2<TBase> b) => new(a.C0 * b, a.C1 * b, a.C2 * b);

    public Fp6<TBase> Square() => this * this;

    /// <summary>The product with b0 + b1·v.</summary>
    public Fp6<TBase> TimesSparse(in Fp2<TBase> b0, in Fp2<TBase> b1)
    {
        Fp2<TBase> v0 = C0 * b0;
        Fp2<TBase> v1 = C1 * b1;
        Fp2<TBase> c1 = (C0 + C1) * (b0 + b1) - v0 - v1;
        return new Fp6<TBase>((C2 * b1).TimesXi() + v0, c1, C2 * b0 + v1);
    }

    public Fp6<TBase> TimesV() => new(C2.TimesXi(), C0, C1);

    public Fp6<TBase> Inverse()
    {
        Fp2<TBase> t0 = C0.Square() - (C1 * C2).TimesXi();
        Fp2<TBase> t1 = C2.Square().TimesXi() - C0 * C1;
        Fp2<TBase> t2 = C1.Square() - C0 * C2;
        Fp2<TBase> norm = (C0 * t0 + (C2 * t1 + C1 * t2).TimesXi()).Inverse();
        return new Fp6<TBase>(t0 * norm, t1 * norm, t2 * norm);
    }
}
