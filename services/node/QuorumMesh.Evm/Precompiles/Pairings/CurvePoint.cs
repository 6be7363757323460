using System.Numerics;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>An affine point; the default value is infinity.</summary>
internal readonly record struct AffinePoint<T>(T X, T Y)
    where T : struct, IField<T>
{
    /// <summary>(0, 0), which is on neither curve, stands for infinity.</summary>
    public bool IsInfinity => X.IsZero && Y.IsZero;
}

/// <summary>A point of y² = x³ + b in Jacobian coordinates (x = X/Z², y = Y/Z³); Z = 0 is infinity.</summary>
internal readonly struct CurvePoint<T>(T x, T y, T z)
    where T : struct, IField<T>
{
    private readonly T _x = x;
    private readonly T _y = y;
    private readonly T _z = z;

    public bool IsInfinity => _z.IsZero;

    public static CurvePoint<T> From(in AffinePoint<T> p) => p.IsInfinity ? default : new CurvePoint<T>(p.X, p.Y, T.One);

    public AffinePoint<T> ToAffine()
    {
        if (IsInfinity) return default;
        T inverse = _z.Inverse();
        T square = inverse.Square();
        return new AffinePoint<T>(_x * square, _y * square * inverse);
    }

    public CurvePoint<T> Double()
    {
        if (IsInfinity) return this;
        T a = _x.Square();
        T b = _y.Square();
        T c = b.Square();
        T d = (_x + b).Square() - a - c;
        d += d;
        T e = a + a + a;
        T x = e.Square() - d - d;
        T c2 = c + c;
        T c4 = c2 + c2;
        T y = e * (d - x) - c4 - c4;
        T z = _y * _z;
        return new CurvePoint<T>(x, y, z + z);
    }

    public static CurvePoint<T> operator +(in CurvePoint<T> p, in CurvePoint<T> q)
    {
        if (p.IsInfinity) return q;
        if (q.IsInfinity) return p;
        T pz = p._z.Square();
        T qz = q._z.Square();
        T u1 = p._x * qz;
        T u2 = q._x * pz;
        T s1 = p._y * qz * q._z;
        T s2 = q._y * pz * p._z;
        T h = u2 - u1;
        T r = s2 - s1;
        if (h.IsZero) return r.IsZero ? p.Double() : default;
        T h2 = h.Square();
        T h3 = h2 * h;
        T v = u1 * h2;
        T x = r.Square() - h3 - v - v;
        T y = r * (v - x) - s1 * h3;
        return new CurvePoint<T>(x, y, h * p._z * q._z);
    }

    public static CurvePoint<T> operator -(in CurvePoint<T> p) => new(p._x, -p._y, p._z);

    /// <summary>The sum with an affine point.</summary>
    public static CurvePoint<T> operator +(in CurvePoint<T> p, in AffinePoint<T> q)
    {
        if (q.IsInfinity) return p;
        if (p.IsInfinity) return From(q);
        T pz = p._z.Square();
        T h = q.X * pz - p._x;
        T r = q.Y * pz * p._z - p._y;
        if (h.IsZero) return r.IsZero ? p.Double() : default;
        T h2 = h.Square();
        T h3 = h2 * h;
        T v = p._x * h2;
        T x = r.Square() - h3 - v.Double();
        return new CurvePoint<T>(x, r * (v - x) - p._y * h3, h * p._z);
    }

    /// <summary>By windows of four bits.</summary>
    public CurvePoint<T> Times(in UInt256 scalar)
    {
        if (scalar.IsZero || IsInfinity) return default;
        var multiples = new CurvePoint<T>[16];
        multiples[1] = this;
        for (int i = 2; i < multiples.Length; i++) multiples[i] = (i & 1) == 0 ? multiples[i / 2].Double() : multiples[i - 1] + this;
        CurvePoint<T> result = default;
        for (int i = (scalar.BitLength - 1) / 4; i >= 0; i--)
        {
            result = result.Double().Double().Double().Double();
            int digit = (int)(Limb(scalar, i / 16) >> 4 * (i % 16) & 15);
            if (digit != 0) result += multiples[digit];
        }

        return result;
    }

    /// <summary>Bit by bit, for scalars with few ones.</summary>
    public CurvePoint<T> TimesSparse(ulong scalar)
    {
        CurvePoint<T> result = default;
        for (int i = 63 - BitOperations.LeadingZeroCount(scalar); i >= 0; i--)
        {
            result = result.Double();
            if ((scalar >> i & 1) != 0) result += this;
        }

        return result;
    }

    public bool SameAs(in CurvePoint<T> other)
    {
        if (IsInfinity || other.IsInfinity) return IsInfinity && other.IsInfinity;
        T a = _z.Square();
        T b = other._z.Square();
        return (_x * b).SameAs(other._x * a) && (_y * b * other._z).SameAs(other._y * a * _z);
    }

    private static ulong Limb(in UInt256 value, int index) => index switch { 0 => value.U0, 1 => value.U1, 2 => value.U2, _ => value.U3 };
}
