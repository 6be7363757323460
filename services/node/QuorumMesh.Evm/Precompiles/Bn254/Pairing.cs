using System.Numerics;
using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;
using Fp12 = QuorumMesh.Evm.Precompiles.Pairings.Fp12<QuorumMesh.Evm.Precompiles.Bn254.Fp>;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bn254.Fp>;

namespace QuorumMesh.Evm.Precompiles.Bn254;

/// <summary>The optimal ate pairing of alt_bn128 (Vercauteren, 2008) on the twist y² = x³ + 3/ξ.</summary>
internal static class Pairing
{
    /// <summary>The curve parameter x.</summary>
    private const ulong Parameter = 4965661367192848881;

    private static readonly BigInteger _loop = 6 * new BigInteger(Parameter) + 2;
    private static readonly UInt256 _traceLessOne = UInt256.FromBigInteger(6 * BigInteger.Pow(Parameter, 2));
    private static readonly Fp _curveB = Fp.From(3);
    private static readonly Fp2 _twistB = new Fp2(Fp.From(3), Fp.Zero) * Fp.Xi.Inverse();
    private static readonly Fp2 _twistXSquared = Fp12.TwistX * Fp12.TwistX.Conjugate();

    public static bool IsOnCurve(in AffinePoint<Fp> p) => p.IsInfinity || p.Y.Square().SameAs(p.X.Square() * p.X + _curveB);

    /// <summary>
    /// On the twist and in the subgroup of the right order. The test is ψ(Q) = (t - 1)·Q with the trace t = 6x² + 1: from ψ² -
    /// t·ψ + p = 0 then follows (p + 1 - t)·Q = 0, and p + 1 - t is the order; and ψ multiplies the subgroup by p, which is t - 1
    /// modulo the order.
    /// </summary>
    public static bool IsInGroup2(in AffinePoint<Fp2> q)
    {
        if (q.IsInfinity) return true;
        return q.Y.Square().SameAs(q.X.Square() * q.X + _twistB)
            && CurvePoint<Fp2>.From(q).Times(_traceLessOne).SameAs(CurvePoint<Fp2>.From(Frobenius(q)));
    }

    /// <summary>Whether the product of the pairings is one.</summary>
    public static bool Check(ReadOnlySpan<(AffinePoint<Fp> P, AffinePoint<Fp2> Q)> pairs, Func<bool>? stop = null)
    {
        var running = new MillerPoint<Fp>[pairs.Length];
        for (int i = 0; i < pairs.Length; i++) running[i] = new MillerPoint<Fp>(pairs[i].Q);
        Fp12 f = Fp12.One;
        for (int bit = (int)_loop.GetBitLength() - 2; bit >= 0; bit--)
        {
            f = f.Square();
            bool add = !(_loop >> bit).IsEven;
            Stopping.Check(stop);
            for (int i = 0; i < pairs.Length; i++)
            {
                if (IsTrivial(pairs[i])) continue;
                f = Times(f, running[i].Double(), pairs[i].P);
                if (add) f = Times(f, running[i].Add(pairs[i].Q), pairs[i].P);
            }
        }

        for (int i = 0; i < pairs.Length; i++)
        {
            if (IsTrivial(pairs[i])) continue;
            AffinePoint<Fp2> q = pairs[i].Q;
            f = Times(f, running[i].Add(Frobenius(q)), pairs[i].P);
            // Minus the p²-power of q: its y is negated twice.
            f = Times(f, running[i].Add(new AffinePoint<Fp2>(q.X * _twistXSquared, q.Y)), pairs[i].P);
        }

        return FinalExponentiation(f).IsOne;
    }

    private static bool IsTrivial(in (AffinePoint<Fp> P, AffinePoint<Fp2> Q) pair) => pair.P.IsInfinity || pair.Q.IsInfinity;

    /// <summary>ψ: the p-power of the point that the twist stands for.</summary>
    private static AffinePoint<Fp2> Frobenius(in AffinePoint<Fp2> q) => new(q.X.Conjugate() * Fp12.TwistX, q.Y.Conjugate() * Fp12.TwistY);

    private static Fp12 Times(in Fp12 f, in Line<Fp> line, in AffinePoint<Fp> p) =>
        f.TimesLineD(line.Scale * p.Y, -(line.Slope * p.X), line.Constant);

    /// <summary>To the power (p^12 - 1) / r; the hard part after Scott et al., "On the final exponentiation" (2009).</summary>
    private static Fp12 FinalExponentiation(in Fp12 value)
    {
        Fp12 f = value.ToCyclotomicSubgroup();
        Fp12 fx = f.CyclotomicPower(Parameter);
        Fp12 fx2 = fx.CyclotomicPower(Parameter);
        Fp12 fx3 = fx2.CyclotomicPower(Parameter);
        Fp12 p1 = f.Frobenius();
        Fp12 p2 = p1.Frobenius();
        Fp12 y0 = p1 * p2 * p2.Frobenius();
        Fp12 y1 = f.Conjugate();
        Fp12 y2 = fx2.Frobenius().Frobenius();
        Fp12 y3 = fx.Frobenius().Conjugate();
        Fp12 y4 = (fx * fx2.Frobenius()).Conjugate();
        Fp12 y5 = fx2.Conjugate();
        Fp12 y6 = (fx3 * fx3.Frobenius()).Conjugate();
        Fp12 t0 = y6.CyclotomicSquare() * y4 * y5;
        Fp12 t1 = y3 * y5 * t0;
        t0 *= y2;
        t1 = (t1.CyclotomicSquare() * t0).CyclotomicSquare();
        t0 = t1 * y1;
        t1 *= y0;
        return t0.CyclotomicSquare() * t1;
    }
}
