namespace QuorumMesh.Evm.Bn254;

/// <summary>Fp2[v] / (v³ - ξ): C0 + C1·v + C2·v².</summary>
internal readonly struct Fp6(Fp2 c0, Fp2 c1, Fp2 c2)
{
    public readonly Fp2 C0 = c0;
    public readonly Fp2 C1 = c1;
    public readonly Fp2 C2 = c2;

    public static Fp6 One => new(Fp2.One, Fp2.Zero, Fp2.Zero);

    public static Fp6 operator +(in Fp6 a, in Fp6 b) => new(a.C0 + b.C0, a.C1 + b.C1, a.C2 + b.C2);

    public static Fp6 operator -(in Fp6 a, in Fp6 b) => new(a.C0 - b.C0, a.C1 - b.C1, a.C2 - b.C2);

    public static Fp6 operator -(in Fp6 a) => new(-a.C0, -a.C1, -a.C2);

    public static Fp6 operator *(in Fp6 a, in Fp6 b)
    {
        Fp2 v0 = a.C0 * b.C0;
        Fp2 v1 = a.C1 * b.C1;
        Fp2 v2 = a.C2 * b.C2;
        Fp2 c0 = ((a.C1 + a.C2) * (b.C1 + b.C2) - v1 - v2).TimesXi() + v0;
        Fp2 c1 = (a.C0 + a.C1) * (b.C0 + b.C1) - v0 - v1 + v2.TimesXi();
        Fp2 c2 = (a.C0 + a.C2) * (b.C0 + b.C2) - v0 - v2 + v1;
        return new Fp6(c0, c1, c2);
    }

    public static Fp6 operator *(in Fp6 a, in Fp2 b) => new(a.C0 * b, a.C1 * b, a.C2 * b);

    public Fp6 Square() => this * this;

    /// <summary>The product with b0 + b1·v.</summary>
    public Fp6 TimesSparse(in Fp2 b0, in Fp2 b1)
    {
        Fp2 v0 = C0 * b0;
        Fp2 v1 = C1 * b1;
        Fp2 c1 = (C0 + C1) * (b0 + b1) - v0 - v1;
        return new Fp6((C2 * b1).TimesXi() + v0, c1, C2 * b0 + v1);
    }

    public Fp6 TimesV() => new(C2.TimesXi(), C0, C1);

    public Fp6 Inverse()
    {
        Fp2 t0 = C0.Square() - (C1 * C2).TimesXi();
        Fp2 t1 = C2.Square().TimesXi() - C0 * C1;
        Fp2 t2 = C1.Square() - C0 * C2;
        Fp2 norm = (C0 * t0 + (C2 * t1 + C1 * t2).TimesXi()).Inverse();
        return new Fp6(t0 * norm, t1 * norm, t2 * norm);
    }
}
