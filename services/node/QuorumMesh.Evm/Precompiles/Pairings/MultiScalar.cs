using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>Sums of multiples by Pippenger's buckets with signed digits.</summary>
internal static class MultiScalar
{
    public static CurvePoint<T> Sum<T>(ReadOnlySpan<AffinePoint<T>> points, ReadOnlySpan<UInt256> scalars,
        Func<bool>? stop = null)
        where T : struct, IField<T>
    {
        // Below this count the buckets cost more than they save.
        if (points.Length < 6) return SumOneByOne(points, scalars);
        int width = points.Length switch { < 16 => 4, < 64 => 5, < 200 => 6, < 1000 => 8, < 5000 => 9, _ => 11 };
        int windows = 256 / width + 1;
        var digits = new short[points.Length * windows];
        for (int i = 0; i < points.Length; i++) Split(scalars[i], width, digits.AsSpan(i * windows, windows));
        var buckets = new CurvePoint<T>[1 << width - 1];
        CurvePoint<T> result = default;
        for (int window = windows - 1; window >= 0; window--)
        {
            Stopping.Check(stop);
            for (int i = 0; i < width; i++) result = result.Double();
            Array.Clear(buckets);
            for (int i = 0; i < points.Length; i++)
            {
                int digit = digits[i * windows + window];
                if (digit > 0) buckets[digit - 1] += points[i];
                else if (digit < 0) buckets[-digit - 1] += new AffinePoint<T>(points[i].X, -points[i].Y);
            }

            CurvePoint<T> running = default;
            for (int i = buckets.Length - 1; i >= 0; i--)
            {
                running += buckets[i];
                result += running;
            }
        }

        return result;
    }

    private static CurvePoint<T> SumOneByOne<T>(ReadOnlySpan<AffinePoint<T>> points, ReadOnlySpan<UInt256> scalars)
        where T : struct, IField<T>
    {
        CurvePoint<T> result = default;
        for (int i = 0; i < points.Length; i++) result += CurvePoint<T>.From(points[i]).Times(scalars[i]);
        return result;
    }

    /// <summary>Digits from -2^(width-1) to 2^(width-1), the lowest first.</summary>
    private static void Split(in UInt256 scalar, int width, Span<short> digits)
    {
        ReadOnlySpan<ulong> limbs = [scalar.U0, scalar.U1, scalar.U2, scalar.U3, 0];
        int carry = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            int bit = i * width;
            int limb = bit / 64, shift = bit % 64;
            ulong value = limb < 4 ? limbs[limb] >> shift : 0;
            if (shift > 64 - width && limb < 4) value |= limbs[limb + 1] << 64 - shift;
            int digit = (int)(value & (1UL << width) - 1) + carry;
            carry = digit > 1 << width - 1 ? 1 : 0;
            digits[i] = (short)(digit - (carry << width));
        }
    }
}
