using System.Numerics;

namespace QuorumMesh.Evm.Bn254;

/// <summary>Fp[u] / (u² + 1).</summary>
internal readonly struct Fp2(Fp re, Fp im) : IField<Fp2>
{
    public readonly Fp Re = re;
    public readonly Fp Im = im;

    public static Fp2 Zero => default;

    public static Fp2 One => new(Fp.One, Fp.Zero);

    /// <summary>ξ = 9 + u, of which w is the sixth root.</summary>
    public static Fp2 Xi { get; } = new(Fp.From(9), Fp.One);

    public bool IsZero => Re.IsZero && Im.IsZero;

    public static Fp2 operator +(in Fp2 a, in Fp2 b) => new(a.Re + b.Re, a.Im + b.Im);

    public static Fp2 operator -(in Fp2 a, in Fp2 b) => new(a.Re - b.Re, a.Im - b.Im);

    public static Fp2 operator -(in Fp2 a) => new(-a.Re, -a.Im);

    public static Fp2 operator *(in Fp2 a, in Fp2 b)
    {
        Fp re = a.Re * b.Re;
        Fp im = a.Im * b.Im;
        return new Fp2(re - im, (a.Re + a.Im) * (b.Re + b.Im) - re - im);
    }

    public static Fp2 operator *(in Fp2 a, in Fp b) => new(a.Re * b, a.Im * b);

    public Fp2 Square() => new((Re + Im) * (Re - Im), (Re * Im).Double());

    public Fp2 Double() => this + this;

    public Fp2 Conjugate() => new(Re, -Im);

    public Fp2 TimesXi()
    {
        Fp re8 = Re.Double().Double().Double();
        Fp im8 = Im.Double().Double().Double();
        return new Fp2(re8 + Re - Im, im8 + Im + Re);
    }

    public Fp2 Inverse()
    {
        Fp norm = (Re.Square() + Im.Square()).Inverse();
        return new Fp2(Re * norm, -Im * norm);
    }

    public Fp2 Power(BigInteger exponent)
    {
        Fp2 result = One;
        for (long i = exponent.GetBitLength() - 1; i >= 0; i--)
        {
            result = result.Square();
            if (!(exponent >> (int)i).IsEven) result *= this;
        }

        return result;
    }

    public bool SameAs(in Fp2 other) => Re.SameAs(other.Re) && Im.SameAs(other.Im);
}
