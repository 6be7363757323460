using System.Security.Cryptography;
using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Evm.Precompiles.Pairings;
using QuorumMesh.Primitives;
using Fp2 = QuorumMesh.Evm.Precompiles.Pairings.Fp2<QuorumMesh.Evm.Precompiles.Bls12381.Fp>;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// 0x0a: verifies a KZG proof that a blob's polynomial has the value y at z (EIP-4844). Input: versioned hash, z, y, commitment,
/// proof.
/// </summary>
internal sealed class PointEvaluationPrecompile : Precompile
{
    private const int InputSize = 192;
    private const byte HashVersion = 1;
    private const ulong ElementsPerBlob = 4096;

    /// <summary>
    /// τ times the second generator: the second G2 power of the KZG ceremony's trusted setup (ethereum/consensus-specs,
    /// trusted_setup_4096.json, g2_monomial[1], decompressed).
    /// </summary>
    private static readonly AffinePoint<Fp2> _tau = new(
        new Fp2(
            Fp.FromHex("185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"),
            Fp.FromHex("15bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72")),
        new Fp2(
            Fp.FromHex("014353bdb96b626dd7d5ee8599d1fca2131569490e28de18e82451a496a9c9794ce26d105941f383ee689bfbbb832a99"),
            Fp.FromHex("1666c54b0a32529503432fcae0181b4bef79de09fc63671fda5ed1ba9bfa07899495346f3d7ac9cd23048ef30d0a154f")));

    public override ulong Gas(ReadOnlySpan<byte> input) => 50000;

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        if (input.Length != InputSize) return null;
        ReadOnlySpan<byte> commitment = input.Slice(96, Fp.Size);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(commitment, hash);
        hash[0] = HashVersion;
        UInt256 z = UInt256.FromBigEndian(input.Slice(32, 32));
        UInt256 y = UInt256.FromBigEndian(input.Slice(64, 32));
        if (!hash.SequenceEqual(input[..32]) || z >= Curve.Order || y >= Curve.Order) return null;
        if (!BlsEncoding.TryReadCompressed(commitment, out AffinePoint<Fp> c)
            || !BlsEncoding.TryReadCompressed(input[(96 + Fp.Size)..], out AffinePoint<Fp> proof)) return null;
        if (!Verify(c, z, y, proof)) return null;
        byte[] output = new byte[64];
        // EIP-4844: FIELD_ELEMENTS_PER_BLOB and BLS_MODULUS, whatever the input.
        new UInt256(ElementsPerBlob).WriteBigEndian(output);
        Curve.Order.WriteBigEndian(output.AsSpan(32));
        return output;
    }

    /// <summary>In the order of geth's library: value and point, commitment, proof.</summary>
    public override PrecompileFault Explain(ReadOnlySpan<byte> input)
    {
        if (input.Length != InputSize) return PrecompileFault.InputLength;
        ReadOnlySpan<byte> commitment = input.Slice(96, Fp.Size);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(commitment, hash);
        hash[0] = HashVersion;
        if (!hash.SequenceEqual(input[..32])) return PrecompileFault.KzgVersionedHash;
        UInt256 z = UInt256.FromBigEndian(input.Slice(32, 32));
        UInt256 y = UInt256.FromBigEndian(input.Slice(64, 32));
        if (z >= Curve.Order || y >= Curve.Order) return PrecompileFault.KzgScalar;
        PrecompileFault fault = BlsEncoding.ExplainCompressed(commitment);
        if (fault == PrecompileFault.None) fault = BlsEncoding.ExplainCompressed(input[(96 + Fp.Size)..]);
        if (fault != PrecompileFault.None) return fault;
        return Run(input) is null ? PrecompileFault.KzgProof : PrecompileFault.None;
    }

    /// <summary>
    /// e(C - yG1, G2) = e(proof, (τ - z)G2), with z moved to the first group: e(C - yG1 + z·proof, G2)·e(-proof, τG2) = 1.
    /// </summary>
    private static bool Verify(in AffinePoint<Fp> commitment, in UInt256 z, in UInt256 y, in AffinePoint<Fp> proof)
    {
        CurvePoint<Fp> left = CurvePoint<Fp>.From(proof).Times(z) + (-CurvePoint<Fp>.From(Curve.Generator1).Times(y)) + commitment;
        return Curve.CheckPairing([(left.ToAffine(), Curve.Generator2), (new AffinePoint<Fp>(proof.X, -proof.Y), _tau)]);
    }
}
