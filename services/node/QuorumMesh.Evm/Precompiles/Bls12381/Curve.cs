using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;
using Fp12 = QuorumMesh.Evm.Precompiles.Pairings.Fp12<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;

namespace QuorumMesh.Evm.Precompiles.Bls12381;

/// <summary>
/// The groups of BLS12-381 and its optimal ate pairing, on the twist y² = x³ + 4ξ. Constants:
/// draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1.
/// </summary>
internal static class Curve
{
    /// <summary>The absolute value of the curve parameter x, which is negative.</summary>
    public const ulong Parameter = 0xd201000000010000;

    /// <summary>The order of both groups.</summary>
    public static readonly UInt256 Order = new(0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48);

    public static readonly AffinePoint<Fp> Generator1 = new(
        Fp.FromHex("17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"),
        Fp.FromHex("08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"));

    public static readonly AffinePoint<Fp2> Generator2 = new(
        new Fp2(
            Fp.FromHex("024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
            Fp.FromHex("13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e")),
        new Fp2(
            Fp.FromHex("0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
            Fp.FromHex("0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be")));

    public static readonly Fp CurveB = Fp.From(4);
    public static readonly Fp2 TwistB = Fp.Xi * CurveB;

    /// <summary>The cube root of one with which (βx, y) is -x² times a point of the first group.</summary>
    private static readonly Fp _beta =
        Fp.FromHex("00000000000000005f19672fdf76ce51ba69c6076a0f77eaddb3a93be6f89688de17d813620a00022e01fffffffefffe");

    private static readonly Fp2 _twistX = Fp12.TwistX.Inverse();
    private static readonly Fp2 _twistY = Fp12.TwistY.Inverse();

    public static bool IsOnCurve(in AffinePoint<Fp> p) => p.IsInfinity || p.Y.Square().SameAs(p.X.Square() * p.X + CurveB);

    public static bool IsOnCurve(in AffinePoint<Fp2> q) => q.IsInfinity || q.Y.Square().SameAs(q.X.Square() * q.X + TwistB);

    /// <summary>
    /// Of a point on the curve. φ(P) = (βx, y) has φ² + φ + 1 = 0; φ(P) = -x²P then gives (x⁴ - x² + 1)P = 0, and that is the
    /// order.
    /// </summary>
    public static bool IsInGroup(in AffinePoint<Fp> p)
    {
        if (p.IsInfinity) return true;
        CurvePoint<Fp> multiple = CurvePoint<Fp>.From(p).TimesSparse(Parameter).TimesSparse(Parameter);
        return (-multiple).SameAs(CurvePoint<Fp>.From(new AffinePoint<Fp>(p.X * _beta, p.Y)));
    }

    /// <summary>
    /// Of a point on the twist. ψ(Q) = xQ = (t - 1)Q gives (p + 1 - t)Q = 0 by ψ² - tψ + p = 0, and the group's order is what p +
    /// 1 - t has in common with the twist's order.
    /// </summary>
    public static bool IsInGroup(in AffinePoint<Fp2> q)
    {
        if (q.IsInfinity) return true;
        CurvePoint<Fp2> multiple = CurvePoint<Fp2>.From(q).TimesSparse(Parameter);
        return (-multiple).SameAs(CurvePoint<Fp2>.From(Frobenius(q)));
    }

    /// <summary>ψ: the p-power of the point that the twist stands for.</summary>
    public static AffinePoint<Fp2> Frobenius(in AffinePoint<Fp2> q) => new(q.X.Conjugate() * _twistX, q.Y.Conjugate() * _twistY);

    /// <summary>Whether the product of the pairings is one. The points are of the right groups.</summary>
    public static bool CheckPairing(ReadOnlySpan<(AffinePoint<Fp> P, AffinePoint<Fp2> Q)> pairs, Func<bool>? stop = null)
    {
        var running = new MillerPoint<Fp>[pairs.Length];
        for (int i = 0; i < pairs.Length; i++) running[i] = new MillerPoint<Fp>(pairs[i].Q);
        Fp12 f = Fp12.One;
        for (int bit = 62; bit >= 0; bit--)
        {
            f = f.Square();
            bool add = (Parameter >> bit & 1) != 0;
            Stopping.Check(stop);
            for (int i = 0; i < pairs.Length; i++)
            {
                if (pairs[i].P.IsInfinity || pairs[i].Q.IsInfinity) continue;
                f = Times(f, running[i].Double(), pairs[i].P);
                if (add) f = Times(f, running[i].Add(pairs[i].Q), pairs[i].P);
            }
        }

        return FinalExponentiation(f.Conjugate()).IsOne;
    }

    private static Fp12 Times(in Fp12 f, in Line<Fp> line, in AffinePoint<Fp> p) =>
        f.TimesLineM(line.Constant, -(line.Slope * p.X), line.Scale * p.Y);

    /// <summary>
    /// To three times the power (p^12 - 1) / r: the hard part is (x-1)²(x+p)(x²+p²-1) + 3 (Hayashida, Hayasaka, Teruya, 2020).
    /// </summary>
    private static Fp12 FinalExponentiation(in Fp12 value)
    {
        Fp12 f = value.ToCyclotomicSubgroup();
        Fp12 t = PowerOfX(f) * f.Conjugate();
        t = PowerOfX(t) * t.Conjugate();
        t = PowerOfX(t) * t.Frobenius();
        t = PowerOfX(PowerOfX(t)) * t.Frobenius().Frobenius() * t.Conjugate();
        return t * f.CyclotomicSquare() * f;
    }

    private static Fp12 PowerOfX(in Fp12 f) => f.CyclotomicPower(Parameter).Conjugate();
}
