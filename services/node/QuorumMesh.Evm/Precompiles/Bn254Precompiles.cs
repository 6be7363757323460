using QuorumMesh.Evm.Precompiles.Bn254;
using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bn254.Fp>;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>0x06: point addition on alt_bn128 (EIP-196).</summary>
internal sealed class Bn254AddPrecompile(ulong price) : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => price;

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        Span<byte> data = stackalloc byte[128];
        CopyPadded(input, 0, data);
        if (!Bn254Encoding.TryReadPoint(data[..64], out AffinePoint<Fp> a)
            || !Bn254Encoding.TryReadPoint(data[64..], out AffinePoint<Fp> b)) return null;
        return Bn254Encoding.Write((CurvePoint<Fp>.From(a) + CurvePoint<Fp>.From(b)).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        Span<byte> data = stackalloc byte[128];
        CopyPadded(input, 0, data);
        PrecompileFault first = Bn254Encoding.ExplainPoint(data[..64]);
        return first != PrecompileFault.None ? first : Bn254Encoding.ExplainPoint(data[64..]);
    }
}

/// <summary>0x07: scalar multiplication on alt_bn128 (EIP-196).</summary>
internal sealed class Bn254MulPrecompile(ulong price) : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => price;

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        Span<byte> data = stackalloc byte[96];
        CopyPadded(input, 0, data);
        if (!Bn254Encoding.TryReadPoint(data[..64], out AffinePoint<Fp> a)) return null;
        // Any 256 bits are a scalar, also above the order (EIP-196).
        return Bn254Encoding.Write(CurvePoint<Fp>.From(a).Times(UInt256.FromBigEndian(data[64..])).ToAffine());
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        Span<byte> data = stackalloc byte[64];
        CopyPadded(input, 0, data);
        return Bn254Encoding.ExplainPoint(data);
    }
}

/// <summary>0x08: pairing check on alt_bn128 (EIP-197).</summary>
internal sealed class Bn254PairingPrecompile(ulong constant, ulong perPair) : Precompile
{
    private const int PairSize = 192;

    public override ulong Gas(ReadOnlySpan<byte> input) => constant + perPair * (ulong)(input.Length / PairSize);

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        // No pair at all is fine: the empty product is one (EIP-197).
        if (input.Length % PairSize != 0) return null;
        var pairs = new (AffinePoint<Fp>, AffinePoint<Fp2>)[input.Length / PairSize];
        for (int i = 0; i < pairs.Length; i++)
        {
            Stopping.Check(stop);
            ReadOnlySpan<byte> pair = input.Slice(i * PairSize, PairSize);
            if (!Bn254Encoding.TryReadPoint(pair[..64], out AffinePoint<Fp> p)
                || !Bn254Encoding.TryReadTwistPoint(pair[64..], out AffinePoint<Fp2> q)) return null;
            pairs[i] = (p, q);
        }

        byte[] output = new byte[32];
        output[31] = Pairing.Check(pairs, stop) ? (byte)1 : (byte)0;
        return output;
    }

    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length % PairSize != 0) return PrecompileFault.Bn254PairingLength;
        for (; input.Length > 0; input = input[PairSize..])
        {
            PrecompileFault fault = Bn254Encoding.ExplainPoint(input[..64]);
            if (fault == PrecompileFault.None) fault = Bn254Encoding.ExplainTwistPoint(input[64..PairSize]);
            if (fault != PrecompileFault.None) return fault;
        }

        return PrecompileFault.None;
    }
}

internal static class Bn254Encoding
{
    public static bool TryReadPoint(ReadOnlySpan<byte> data, out AffinePoint<Fp> point)
    {
        point = default;
        if (!Fp.TryRead(data[..32], out Fp x) || !Fp.TryRead(data[32..], out Fp y)) return false;
        point = new AffinePoint<Fp>(x, y);
        return Pairing.IsOnCurve(point);
    }

    /// <summary>Each coordinate has its imaginary part first.</summary>
    public static bool TryReadTwistPoint(ReadOnlySpan<byte> data, out AffinePoint<Fp2> point)
    {
        point = default;
        if (!Fp.TryRead(data[..32], out Fp xi) || !Fp.TryRead(data[32..64], out Fp xr)) return false;
        if (!Fp.TryRead(data[64..96], out Fp yi) || !Fp.TryRead(data[96..], out Fp yr)) return false;
        point = new AffinePoint<Fp2>(new Fp2(xr, xi), new Fp2(yr, yi));
        return Pairing.IsInGroup2(point);
    }

    public static PrecompileFault ExplainPoint(ReadOnlySpan<byte> data) =>
        ExplainCoordinates(data) is var fault && fault != PrecompileFault.None ? fault : TryReadPoint(data, out _) ? PrecompileFault.None
            : PrecompileFault.Bn254Point;

    public static PrecompileFault ExplainTwistPoint(ReadOnlySpan<byte> data) =>
        ExplainCoordinates(data) is var fault && fault != PrecompileFault.None ? fault : TryReadTwistPoint(data, out _)
            ? PrecompileFault.None : PrecompileFault.Bn254Point;

    /// <summary>geth tells a coordinate that is the modulus from larger ones (crypto/bn256/cloudflare/gfp.go).</summary>
    private static PrecompileFault ExplainCoordinates(ReadOnlySpan<byte> data)
    {
        for (; data.Length > 0; data = data[32..])
        {
            UInt256 word = UInt256.FromBigEndian(data[..32]);
            if (word >= Fp.Modulus)
                return word == Fp.Modulus ? PrecompileFault.Bn254CoordinateIsModulus : PrecompileFault.Bn254CoordinateTooLarge;
        }

        return PrecompileFault.None;
    }

    public static byte[] Write(in AffinePoint<Fp> point)
    {
        byte[] output = new byte[64];
        point.X.Write(output);
        point.Y.Write(output.AsSpan(32));
        return output;
    }
}
