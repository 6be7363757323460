using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Evm.Precompiles.Pairings;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// EIP-2537's forms: 64 bytes for an element, the first 16 of them zero; infinity is all zeros. Readers give only points of the
/// curve.
/// </summary>
internal static class BlsEncoding
{
    public const int ElementSize = 64;
    public const int Point1Size = 128;
    public const int Point2Size = 256;

    private const int Padding = ElementSize - Fp.Size;
    private const int CompressedFlag = 0x80;
    private const int InfinityFlag = 0x40;
    private const int SignFlag = 0x20;

    public static bool TryRead(ReadOnlySpan<byte> data, out Fp value)
    {
        value = default;
        return !data[..Padding].ContainsAnyExcept((byte)0) && Fp.TryRead(data[Padding..ElementSize], out value);
    }

    public static bool TryRead(ReadOnlySpan<byte> data, out Fp2 value)
    {
        value = default;
        if (!TryRead(data, out Fp re) || !TryRead(data[ElementSize..], out Fp im)) return false;
        value = new Fp2(re, im);
        return true;
    }

    public static bool TryRead(ReadOnlySpan<byte> data, out AffinePoint<Fp> point)
    {
        point = default;
        if (!TryRead(data, out Fp x) || !TryRead(data[ElementSize..], out Fp y)) return false;
        point = new AffinePoint<Fp>(x, y);
        return Curve.IsOnCurve(point);
    }

    public static bool TryRead(ReadOnlySpan<byte> data, out AffinePoint<Fp2> point)
    {
        point = default;
        if (!TryRead(data, out Fp2 x) || !TryRead(data[(2 * ElementSize)..], out Fp2 y)) return false;
        point = new AffinePoint<Fp2>(x, y);
        return Curve.IsOnCurve(point);
    }

    /// <summary>Of field elements one after another.</summary>
    public static PrecompileFault ExplainElements(ReadOnlySpan<byte> data)
    {
        for (; data.Length > 0; data = data[ElementSize..])
        {
            if (data[..Padding].ContainsAnyExcept((byte)0)) return PrecompileFault.BlsPadding;
            if (!Fp.TryRead(data[Padding..ElementSize], out _)) return PrecompileFault.BlsElementTooLarge;
        }

        return PrecompileFault.None;
    }

    public static PrecompileFault ExplainPoint1(ReadOnlySpan<byte> data, out AffinePoint<Fp> point)
    {
        point = default;
        PrecompileFault fault = ExplainElements(data);
        return fault != PrecompileFault.None || TryRead(data, out point) ? fault : PrecompileFault.BlsNotOnCurve;
    }

    public static PrecompileFault ExplainPoint2(ReadOnlySpan<byte> data, out AffinePoint<Fp2> point)
    {
        point = default;
        PrecompileFault fault = ExplainElements(data);
        return fault != PrecompileFault.None || TryRead(data, out point) ? fault : PrecompileFault.BlsNotOnCurve;
    }

    /// <summary>Of a point as <see cref="TryReadCompressed"/> reads it.</summary>
    public static PrecompileFault ExplainCompressed(ReadOnlySpan<byte> data)
    {
        if (TryReadCompressed(data, out _)) return PrecompileFault.None;
        byte flags = data[0];
        if ((flags & CompressedFlag) == 0) return PrecompileFault.KzgUncompressed;
        if ((flags & InfinityFlag) != 0) return PrecompileFault.KzgInfinity;
        Span<byte> plain = stackalloc byte[Fp.Size];
        data[..Fp.Size].CopyTo(plain);
        plain[0] &= 0x1f;
        if (!Fp.TryRead(plain, out Fp x)) return PrecompileFault.KzgElementTooLarge;
        return (x.Square() * x + Curve.CurveB).TrySquareRoot(out _) ? PrecompileFault.KzgNotInGroup : PrecompileFault.KzgNotOnCurve;
    }

    /// <summary>A compressed point of the first group in 48 bytes, as Zcash has it; false also outside the subgroup.</summary>
    public static bool TryReadCompressed(ReadOnlySpan<byte> data, out AffinePoint<Fp> point)
    {
        point = default;
        byte flags = data[0];
        if ((flags & CompressedFlag) == 0) return false;
        Span<byte> plain = stackalloc byte[Fp.Size];
        data[..Fp.Size].CopyTo(plain);
        plain[0] &= 0x1f;
        if ((flags & InfinityFlag) != 0) return (flags & SignFlag) == 0 && !plain.ContainsAnyExcept((byte)0);
        if (!Fp.TryRead(plain, out Fp x) || !(x.Square() * x + Curve.CurveB).TrySquareRoot(out Fp y)) return false;
        point = new AffinePoint<Fp>(x, y.IsUpperHalf == ((flags & SignFlag) != 0) ? y : -y);
        return Curve.IsInGroup(point);
    }

    public static byte[] Write(in AffinePoint<Fp> point)
    {
        byte[] output = new byte[Point1Size];
        point.X.Write(output.AsSpan(Padding));
        point.Y.Write(output.AsSpan(ElementSize + Padding));
        return output;
    }

    public static byte[] Write(in AffinePoint<Fp2> point)
    {
        byte[] output = new byte[Point2Size];
        point.X.Re.Write(output.AsSpan(Padding));
        point.X.Im.Write(output.AsSpan(ElementSize + Padding));
        point.Y.Re.Write(output.AsSpan(2 * ElementSize + Padding));
        point.Y.Im.Write(output.AsSpan(3 * ElementSize + Padding));
        return output;
    }

    /// <summary>The price of a sum of multiples; the last discount stands for all longer inputs.</summary>
    public static ulong MultiScalarGas(int count, ulong price, ushort[] discounts) =>
        count == 0 ? 0 : (ulong)count * price * discounts[Math.Min(count, discounts.Length) - 1] / 1000;
}
