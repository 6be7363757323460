
namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>
/// A line through points of a twist, scaled by a factor of Fp2 that the final exponentiation removes: Scale·(y - y0 - slope·(x -
/// x0)).
/// </summary>
internal readonly struct Line<TBase>(Fp2<TBase> constant, Fp2<TBase> slope, Fp2<TBase> scale)
    where TBase : struct, IBaseField<TBase>
{
    /// <summary>Scale·(slope·x0 - y0).</summary>
    public readonly Fp2<TBase> Constant = constant;

    /// <summary>Scale·slope.</summary>
    public readonly Fp2<TBase> Slope = slope;

    public readonly Fp2<TBase> Scale = scale;
}

/// <summary>
/// The running point of a Miller loop, in Jacobian coordinates. It is of a large prime order, so it meets neither infinity nor ±
/// the point added.
/// </summary>
internal struct MillerPoint<TBase>(AffinePoint<Fp2<TBase>> start)
    where TBase : struct, IBaseField<TBase>
{
    private Fp2<TBase> _x = start.X;
    private Fp2<TBase> _y = start.Y;
    private Fp2<TBase> _z = Fp2<TBase>.One;

    /// <summary>Doubles the point and gives the tangent there.</summary>
    public Line<TBase> Double()
    {
        Fp2<TBase> xx = _x.Square();
        Fp2<TBase> yy = _y.Square();
        Fp2<TBase> zz = _z.Square();
        Fp2<TBase> e = xx.Double() + xx;
        Fp2<TBase> s = (_x * yy).Double().Double();
        Fp2<TBase> x = e.Square() - s.Double();
        Fp2<TBase> y = e * (s - x) - yy.Square().Double().Double().Double();
        Fp2<TBase> z = (_y * _z).Double();
        var line = new Line<TBase>(e * _x - yy.Double(), e * zz, z * zz);
        _x = x;
        _y = y;
        _z = z;
        return line;
    }

    /// <summary>Adds a point and gives the line through both.</summary>
    public Line<TBase> Add(in AffinePoint<Fp2<TBase>> q)
    {
        Fp2<TBase> zz = _z.Square();
        Fp2<TBase> h = q.X * zz - _x;
        Fp2<TBase> r = q.Y * zz * _z - _y;
        Fp2<TBase> z = _z * h;
        Fp2<TBase> hh = h.Square();
        Fp2<TBase> hhh = hh * h;
        Fp2<TBase> v = _x * hh;
        Fp2<TBase> x = r.Square() - hhh - v.Double();
        _y = r * (v - x) - _y * hhh;
        _x = x;
        _z = z;
        return new Line<TBase>(r * q.X - q.Y * z, r, z);
    }
}
