using System.Numerics;
using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Evm.Precompiles.Bn254;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>Fp[u] / (u² + 1).</summary>
internal readonly struct Fp2<TBase>(TBase re, TBase im) : IField<Fp2<TBase>>
    where TBase : struct, IBaseField<TBase>
{
    public readonly TBase Re = re;
    public readonly TBase Im = im;

    public static Fp2<TBase> Zero => default;

    public static Fp2<TBase> One => new(TBase.One, TBase.Zero);

    public bool IsZero => Re.IsZero && Im.IsZero;

    public static Fp2<TBase> operator +(in Fp2<TBase> a, in Fp2<TBase> b) => new(a.Re + b.Re, a.Im + b.Im);

    public static Fp2<TBase> operator -(in Fp2<TBase> a, in Fp2<TBase> b) => new(a.Re - b.Re, a.Im - b.Im);

    public static Fp2<TBase> operator -(in Fp2<TBase> a) => new(-a.Re, -a.Im);

    public static Fp2<TBase> operator *(in Fp2<TBase> a, in Fp2<TBase> b)
    {
        TBase minus = -a.Im;
        return new Fp2<TBase>(TBase.SumOfProducts(a.Re, b.Re, minus, b.Im), TBase.SumOfProducts(a.Re, b.Im, a.Im, b.Re));
    }

    public static Fp2<TBase> operator *(in Fp2<TBase> a, in TBase b) => new(a.Re * b, a.Im * b);

    public Fp2<TBase> Square() => new((Re + Im) * (Re - Im), (Re * Im).Double());

    public Fp2<TBase> Double() => new(Re.Double(), Im.Double());

    /// <summary>The p-power.</summary>
    public Fp2<TBase> Conjugate() => new(Re, -Im);

    public Fp2<TBase> TimesXi() => TBase.TimesXi(this);

    public Fp2<TBase> Inverse()
    {
        TBase norm = (Re.Square() + Im.Square()).Inverse();
        return new Fp2<TBase>(Re * norm, -(Im * norm));
    }

    public Fp2<TBase> Power(BigInteger exponent)
    {
        Fp2<TBase> result = One;
        for (long i = exponent.GetBitLength() - 1; i >= 0; i--)
        {
            result = result.Square();
            if (!(exponent >> (int)i).IsEven) result *= this;
        }

        return result;
    }

    public bool SameAs(in Fp2<TBase> other) => Re.SameAs(other.Re) && Im.SameAs(other.Im);
}
