using QuorumMesh.Evm.Precompiles.Pairings;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;

namespace QuorumMesh.Evm.Precompiles.Bls12381;

/// <summary>
/// Maps field elements to the groups: simplified SWU on an isogenous curve, the isogeny, the cofactor (RFC 9380, sections 6.6.3,
/// 8.8.1, 8.8.2).
/// </summary>
internal static class MapToCurve
{
    private static readonly Fp _a1 =
        Fp.FromHex("00144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d");
    private static readonly Fp _b1 =
        Fp.FromHex("12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0");
    private static readonly Fp _z1 = Fp.From(11);
    private static readonly Fp2 _a2 = new(Fp.Zero, Fp.From(240));
    private static readonly Fp2 _b2 = new(Fp.From(1012), Fp.From(1012));
    private static readonly Fp2 _z2 = new(-Fp.From(2), -Fp.One);

    private delegate bool Root<T>(in T value, out T root);

    public static AffinePoint<Fp> ToGroup1(in Fp u)
    {
        AffinePoint<Fp> p = Swu(u, _a1, _b1, _z1, (in Fp a, out Fp root) => a.TrySquareRoot(out root), a => a.IsOdd);
        CurvePoint<Fp> point = Isogeny(
            p, IsogenyConstants.G1XNumerator, IsogenyConstants.G1XDenominator, IsogenyConstants.G1YNumerator,
            IsogenyConstants.G1YDenominator);
        // The effective cofactor is 1 - x.
        return (point.TimesSparse(Curve.Parameter) + point).ToAffine();
    }

    public static AffinePoint<Fp2> ToGroup2(in Fp2 u)
    {
        AffinePoint<Fp2> p = Swu(u, _a2, _b2, _z2, Fp2Roots.TrySquareRoot, a => Fp2Roots.IsOdd(a));
        CurvePoint<Fp2> point = Isogeny(
            p, IsogenyConstants.G2XNumerator, IsogenyConstants.G2XDenominator, IsogenyConstants.G2YNumerator,
            IsogenyConstants.G2YDenominator);
        return ClearCofactor(point).ToAffine();
    }

    /// <summary>(x² - x - 1)P + (x - 1)ψ(P) + ψ²(2P) (Budroni and Pintore, 2017; RFC 9380, appendix G.3).</summary>
    private static CurvePoint<Fp2> ClearCofactor(in CurvePoint<Fp2> p)
    {
        CurvePoint<Fp2> t1 = -p.TimesSparse(Curve.Parameter);
        CurvePoint<Fp2> t2 = Psi(p);
        CurvePoint<Fp2> last = Psi(Psi(p.Double()));
        CurvePoint<Fp2> first = -(t1 + t2).TimesSparse(Curve.Parameter);
        return first + (-t1) + (-p) + (-t2) + last;
    }

    private static CurvePoint<Fp2> Psi(in CurvePoint<Fp2> p) => CurvePoint<Fp2>.From(Curve.Frobenius(p.ToAffine()));

    private static AffinePoint<T> Swu<T>(in T u, in T a, in T b, in T z, Root<T> root, Func<T, bool> isOdd)
        where T : struct, IField<T>
    {
        T zu2 = z * u.Square();
        T sum = zu2.Square() + zu2;
        T x = sum.IsZero ? b * (z * a).Inverse() : -(b * a.Inverse()) * (T.One + sum.Inverse());
        if (!root((x.Square() + a) * x + b, out T y))
        {
            x = zu2 * x;
            root((x.Square() + a) * x + b, out y);
        }

        return new AffinePoint<T>(x, isOdd(u) == isOdd(y) ? y : -y);
    }

    /// <summary>The image (xNum/xDen, y·yNum/yDen), in Jacobian coordinates with Z = xDen·yDen.</summary>
    private static CurvePoint<T> Isogeny<T>(in AffinePoint<T> p, T[] xNumerator, T[] xDenominator, T[] yNumerator, T[] yDenominator)
        where T : struct, IField<T>
    {
        T xDen = Evaluate(xDenominator, p.X);
        T yDen = Evaluate(yDenominator, p.X);
        T yDen2 = yDen.Square();
        T x = Evaluate(xNumerator, p.X) * xDen * yDen2;
        T y = p.Y * Evaluate(yNumerator, p.X) * yDen2 * xDen.Square() * xDen;
        return new CurvePoint<T>(x, y, xDen * yDen);
    }

    private static T Evaluate<T>(T[] coefficients, in T x)
        where T : struct, IField<T>
    {
        T result = coefficients[^1];
        for (int i = coefficients.Length - 2; i >= 0; i--) result = result * x + coefficients[i];
        return result;
    }
}
