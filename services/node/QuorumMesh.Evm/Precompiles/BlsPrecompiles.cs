using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>0x0b: addition in the first group's curve (EIP-2537). Points need not be of the subgroup.</summary>
internal sealed class BlsG1AddPrecompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => 375;

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        if (input.Length != 2 * BlsEncoding.Point1Size) return null;
        if (!BlsEncoding.TryRead(input, out AffinePoint<Fp> a)
            || !BlsEncoding.TryRead(input[BlsEncoding.Point1Size..], out AffinePoint<Fp> b)) return null;
        return BlsEncoding.Write((CurvePoint<Fp>.From(a) + b).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length != 2 * BlsEncoding.Point1Size) return PrecompileFault.InputLength;
        PrecompileFault first = BlsEncoding.ExplainPoint1(input[..BlsEncoding.Point1Size], out _);
        return first != PrecompileFault.None ? first : BlsEncoding.ExplainPoint1(input[BlsEncoding.Point1Size..], out _);
    }
}

/// <summary>0x0c: a sum of multiples in the first group (EIP-2537).</summary>
internal sealed class BlsG1MultiScalarPrecompile : Precompile
{
    private const int PairSize = BlsEncoding.Point1Size + 32;

    // EIP-2537's table for G1, in thousandths, by the number of pairs.
    private static readonly ushort[] _discounts =
    [
        1000, 949, 848, 797, 764, 750, 738, 728, 719, 712, 705, 698, 692, 687, 682, 677, 673, 669, 665, 661,
        658, 654, 651, 648, 645, 642, 640, 637, 635, 632, 630, 627, 625, 623, 621, 619, 617, 615, 613, 611,
        609, 608, 606, 604, 603, 601, 599, 598, 596, 595, 593, 592, 591, 589, 588, 586, 585, 584, 582, 581,
        580, 579, 577, 576, 575, 574, 573, 572, 570, 569, 568, 567, 566, 565, 564, 563, 562, 561, 560, 559,
        558, 557, 556, 555, 554, 553, 552, 551, 550, 549, 548, 547, 547, 546, 545, 544, 543, 542, 541, 540,
        540, 539, 538, 537, 536, 536, 535, 534, 533, 532, 532, 531, 530, 529, 528, 528, 527, 526, 525, 525,
        524, 523, 522, 522, 521, 520, 520, 519,
    ];

    public override ulong Gas(ReadOnlySpan<byte> input) => BlsEncoding.MultiScalarGas(input.Length / PairSize, 12000, _discounts);

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return null;
        var points = new AffinePoint<Fp>[input.Length / PairSize];
        var scalars = new UInt256[points.Length];
        for (int i = 0; i < points.Length; i++)
        {
            Stopping.Check(stop);
            ReadOnlySpan<byte> pair = input.Slice(i * PairSize, PairSize);
            // EIP-2537 checks the subgroup in multiples and pairings, and not in additions.
            if (!BlsEncoding.TryRead(pair, out points[i]) || !Curve.IsInGroup(points[i])) return null;
            scalars[i] = UInt256.FromBigEndian(pair[BlsEncoding.Point1Size..]);
        }

        return BlsEncoding.Write(MultiScalar.Sum<Fp>(points, scalars, stop).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return PrecompileFault.InputLength;
        for (; input.Length > 0; input = input[PairSize..])
        {
            PrecompileFault fault = BlsEncoding.ExplainPoint1(input[..BlsEncoding.Point1Size], out AffinePoint<Fp> point);
            if (fault != PrecompileFault.None) return fault;
            if (!Curve.IsInGroup(point)) return PrecompileFault.BlsNotInGroup1;
        }

        return PrecompileFault.None;
    }
}

/// <summary>0x0d: addition on the twist (EIP-2537). Points need not be of the subgroup.</summary>
internal sealed class BlsG2AddPrecompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => 600;

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        if (input.Length != 2 * BlsEncoding.Point2Size) return null;
        if (!BlsEncoding.TryRead(input, out AffinePoint<Fp2> a)
            || !BlsEncoding.TryRead(input[BlsEncoding.Point2Size..], out AffinePoint<Fp2> b)) return null;
        return BlsEncoding.Write((CurvePoint<Fp2>.From(a) + b).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length != 2 * BlsEncoding.Point2Size) return PrecompileFault.InputLength;
        PrecompileFault first = BlsEncoding.ExplainPoint2(input[..BlsEncoding.Point2Size], out _);
        return first != PrecompileFault.None ? first : BlsEncoding.ExplainPoint2(input[BlsEncoding.Point2Size..], out _);
    }
}

/// <summary>0x0e: a sum of multiples in the second group (EIP-2537).</summary>
internal sealed class BlsG2MultiScalarPrecompile : Precompile
{
    private const int PairSize = BlsEncoding.Point2Size + 32;

    // EIP-2537's table for G2.
    private static readonly ushort[] _discounts =
    [
        1000, 1000, 923, 884, 855, 832, 812, 796, 782, 770, 759, 749, 740, 732, 724, 717, 711, 704, 699, 693,
        688, 683, 679, 674, 670, 666, 663, 659, 655, 652, 649, 646, 643, 640, 637, 634, 632, 629, 627, 624,
        622, 620, 618, 615, 613, 611, 609, 607, 606, 604, 602, 600, 598, 597, 595, 593, 592, 590, 589, 587,
        586, 584, 583, 582, 580, 579, 578, 576, 575, 574, 573, 571, 570, 569, 568, 567, 566, 565, 563, 562,
        561, 560, 559, 558, 557, 556, 555, 554, 553, 552, 552, 551, 550, 549, 548, 547, 546, 545, 545, 544,
        543, 542, 541, 541, 540, 539, 538, 537, 537, 536, 535, 535, 534, 533, 532, 532, 531, 530, 530, 529,
        528, 528, 527, 526, 526, 525, 524, 524,
    ];

    public override ulong Gas(ReadOnlySpan<byte> input) => BlsEncoding.MultiScalarGas(input.Length / PairSize, 22500, _discounts);

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return null;
        var points = new AffinePoint<Fp2>[input.Length / PairSize];
        var scalars = new UInt256[points.Length];
        for (int i = 0; i < points.Length; i++)
        {
            Stopping.Check(stop);
            ReadOnlySpan<byte> pair = input.Slice(i * PairSize, PairSize);
            if (!BlsEncoding.TryRead(pair, out points[i]) || !Curve.IsInGroup(points[i])) return null;
            scalars[i] = UInt256.FromBigEndian(pair[BlsEncoding.Point2Size..]);
        }

        return BlsEncoding.Write(MultiScalar.Sum<Fp2>(points, scalars, stop).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return PrecompileFault.InputLength;
        for (; input.Length > 0; input = input[PairSize..])
        {
            PrecompileFault fault = BlsEncoding.ExplainPoint2(input[..BlsEncoding.Point2Size], out AffinePoint<Fp2> point);
            if (fault != PrecompileFault.None) return fault;
            if (!Curve.IsInGroup(point)) return PrecompileFault.BlsNotInGroup2;
        }

        return PrecompileFault.None;
    }
}

/// <summary>0x0f: pairing check (EIP-2537).</summary>
internal sealed class BlsPairingPrecompile : Precompile
{
    private const int PairSize = BlsEncoding.Point1Size + BlsEncoding.Point2Size;

    public override ulong Gas(ReadOnlySpan<byte> input) => 37700 + 32600 * (ulong)(input.Length / PairSize);

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return null;
        var pairs = new (AffinePoint<Fp> P, AffinePoint<Fp2> Q)[input.Length / PairSize];
        for (int i = 0; i < pairs.Length; i++)
        {
            Stopping.Check(stop);
            ReadOnlySpan<byte> pair = input.Slice(i * PairSize, PairSize);
            if (!BlsEncoding.TryRead(pair, out pairs[i].P) || !BlsEncoding.TryRead(pair[BlsEncoding.Point1Size..], out pairs[i].Q))
                return null;
            if (!Curve.IsInGroup(pairs[i].P) || !Curve.IsInGroup(pairs[i].Q)) return null;
        }

        byte[] output = new byte[32];
        output[31] = Curve.CheckPairing(pairs, stop) ? (byte)1 : (byte)0;
        return output;
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length == 0 || input.Length % PairSize != 0) return PrecompileFault.InputLength;
        for (; input.Length > 0; input = input[PairSize..])
        {
            PrecompileFault fault = BlsEncoding.ExplainPoint1(input[..BlsEncoding.Point1Size], out AffinePoint<Fp> p);
            if (fault != PrecompileFault.None) return fault;
            fault = BlsEncoding.ExplainPoint2(input[BlsEncoding.Point1Size..PairSize], out AffinePoint<Fp2> q);
            if (fault != PrecompileFault.None) return fault;
            if (!Curve.IsInGroup(p)) return PrecompileFault.BlsNotInGroup1;
            if (!Curve.IsInGroup(q)) return PrecompileFault.BlsNotInGroup2;
        }

        return PrecompileFault.None;
    }
}

/// <summary>0x10: a field element to a point of the first group (EIP-2537).</summary>
internal sealed class BlsMapToG1Precompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => 5500;

    public override byte[]? Run(ReadOnlySpan<byte> input) =>
        input.Length == BlsEncoding.ElementSize && BlsEncoding.TryRead(input, out Fp u) ? BlsEncoding.Write(MapToCurve.ToGroup1(u)) : null;

    public override PrecompileFault Explain(ReadOnlySpan<byte> input) =>
        input.Length == BlsEncoding.ElementSize ? BlsEncoding.ExplainElements(input) : PrecompileFault.InputLength;
}

/// <summary>0x11: an element of the quadratic extension to a point of the second group (EIP-2537).</summary>
internal sealed class BlsMapToG2Precompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => 23800;

    public override byte[]? Run(ReadOnlySpan<byte> input) =>
        input.Length == 2 * BlsEncoding.ElementSize && BlsEncoding.TryRead(input, out Fp2 u)
            ? BlsEncoding.Write(MapToCurve.ToGroup2(u)) : null;

    public override PrecompileFault Explain(ReadOnlySpan<byte> input) =>
        input.Length == 2 * BlsEncoding.ElementSize ? BlsEncoding.ExplainElements(input) : PrecompileFault.InputLength;
}
