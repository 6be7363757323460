using System.Numerics;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Bn254;

/// <summary>The optimal ate pairing of alt_bn128 (Vercauteren, 2008) on the twist y² = x³ + 3/ξ.</summary>
internal static class Pairing
{
    /// <summary>The curve parameter x.</summary>
    private const ulong Parameter = 4965661367192848881;

    /// <summary>The order of both groups.</summary>
    public static readonly UInt256 Order = new(0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029);

    private static readonly BigInteger _loop = 6 * new BigInteger(Parameter) + 2;
    private static readonly Fp _curveB = Fp.From(3);
    private static readonly Fp2 _twistB = new Fp2(Fp.From(3), Fp.Zero) * Fp2.Xi.Inverse();
    private static readonly Fp2 _twistXSquared = Fp12.TwistX * Fp12.TwistX.Conjugate();

    public static bool IsOnCurve(in AffinePoint<Fp> p) => p.IsInfinity || p.Y.Square().SameAs(p.X.Square() * p.X + _curveB);

    /// <summary>On the twist and in the subgroup of the right order.</summary>
    public static bool IsInGroup2(in AffinePoint<Fp2> q) =>
        q.IsInfinity || q.Y.Square().SameAs(q.X.Square() * q.X + _twistB) && CurvePoint<Fp2>.From(q).Times(Order).IsInfinity;

    /// <summary>Whether the product of the pairings is one.</summary>
    public static bool Check(IReadOnlyList<(AffinePoint<Fp> P, AffinePoint<Fp2> Q)> pairs)
    {
        Fp12 product = Fp12.One;
        foreach ((AffinePoint<Fp> p, AffinePoint<Fp2> q) in pairs)
            if (!p.IsInfinity && !q.IsInfinity)
                product *= MillerLoop(p, q);
        return FinalExponentiation(product).IsOne;
    }

    private static Fp12 MillerLoop(in AffinePoint<Fp> p, in AffinePoint<Fp2> q)
    {
        Fp12 f = Fp12.One;
        AffinePoint<Fp2> t = q;
        for (int i = (int)_loop.GetBitLength() - 2; i >= 0; i--)
        {
            Fp2 xx = t.X.Square();
            Fp2 slope = (xx + xx + xx) * t.Y.Double().Inverse();
            f = Step(f.Square(), p, ref t, t.X, slope);
            if (!(_loop >> i).IsEven) f = AddStep(f, p, ref t, q);
        }

        var q1 = new AffinePoint<Fp2>(q.X.Conjugate() * Fp12.TwistX, q.Y.Conjugate() * Fp12.TwistY);
        f = AddStep(f, p, ref t, q1);
        // Minus the p²-power of q: its y is negated twice.
        var q2 = new AffinePoint<Fp2>(q.X * _twistXSquared, q.Y);
        return AddStep(f, p, ref t, q2);
    }

    private static Fp12 AddStep(in Fp12 f, in AffinePoint<Fp> p, ref AffinePoint<Fp2> t, in AffinePoint<Fp2> q)
    {
        // For points of the right order t never equals ±q inside the loop, except that the last sum may be infinity, whose line is vertical
        // and vanishes in the final exponentiation.
        Fp2 run = q.X - t.X;
        if (run.IsZero) return f;
        Fp2 slope = (q.Y - t.Y) * run.Inverse();
        return Step(f, p, ref t, q.X, slope);
    }

    /// <summary>Multiplies by the line through t with the given slope, at p, and moves t to the third intersection, mirrored.</summary>
    private static Fp12 Step(in Fp12 f, in AffinePoint<Fp> p, ref AffinePoint<Fp2> t, in Fp2 otherX, in Fp2 slope)
    {
        Fp12 next = f.TimesLine(p.Y, -(slope * p.X), slope * t.X - t.Y);
        Fp2 x = slope.Square() - t.X - otherX;
        t = new AffinePoint<Fp2>(x, slope * (t.X - x) - t.Y);
        return next;
    }

    /// <summary>To the power (p^12 - 1) / r; the hard part after Scott et al., "On the final exponentiation" (2009).</summary>
    private static Fp12 FinalExponentiation(in Fp12 value)
    {
        Fp12 f = value.Conjugate() * value.Inverse();
        f = f.Frobenius().Frobenius() * f;
        Fp12 fx = f.Power(Parameter);
        Fp12 fx2 = fx.Power(Parameter);
        Fp12 fx3 = fx2.Power(Parameter);
        Fp12 p1 = f.Frobenius();
        Fp12 p2 = p1.Frobenius();
        Fp12 y0 = p1 * p2 * p2.Frobenius();
        Fp12 y1 = f.Conjugate();
        Fp12 y2 = fx2.Frobenius().Frobenius();
        Fp12 y3 = fx.Frobenius().Conjugate();
        Fp12 y4 = (fx * fx2.Frobenius()).Conjugate();
        Fp12 y5 = fx2.Conjugate();
        Fp12 y6 = (fx3 * fx3.Frobenius()).Conjugate();
        Fp12 t0 = y6.Square() * y4 * y5;
        Fp12 t1 = y3 * y5 * t0;
        t0 *= y2;
        t1 = (t1.Square() * t0).Square();
        t0 = t1 * y1;
        t1 *= y0;
        return t0.Square() * t1;
    }
}
