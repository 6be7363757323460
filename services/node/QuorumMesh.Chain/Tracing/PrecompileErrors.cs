using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// geth's words for what a precompile refuses: core/vm/contracts.go and crypto/bn256/cloudflare of GoQuorum 2.5 and later; for
/// the precompiles that no GoQuorum has, those of geth 1.14 with its libraries gnark-crypto and go-eth-kzg.
/// </summary>
public static class PrecompileErrors
{
    private const string Kzg = "error verifying kzg proof: ";

    public static string Of(PrecompileFault fault) => fault switch
    {
        PrecompileFault.InputLength => "invalid input length",
        PrecompileFault.FinalFlag => "invalid final flag",
        PrecompileFault.Bn254PairingLength => "bad elliptic curve pairing size",
        PrecompileFault.Bn254CoordinateTooLarge => "bn256: coordinate exceeds modulus",
        PrecompileFault.Bn254CoordinateIsModulus => "bn256: coordinate equals modulus",
        PrecompileFault.Bn254Point => "bn256: malformed point",
        PrecompileFault.BlsPadding => "invalid field element top bytes",
        PrecompileFault.BlsElementTooLarge => "invalid fp.Element encoding",
        PrecompileFault.BlsNotOnCurve => "invalid point: not on curve",
        PrecompileFault.BlsNotInGroup1 => "g1 point is not on correct subgroup",
        PrecompileFault.BlsNotInGroup2 => "g2 point is not on correct subgroup",
        PrecompileFault.KzgVersionedHash => "mismatched versioned hash",
        PrecompileFault.KzgScalar => Kzg + "scalar is not canonical when interpreted as a big integer in big-endian",
        PrecompileFault.KzgUncompressed => Kzg + "short buffer",
        PrecompileFault.KzgInfinity => Kzg + "invalid infinity point encoding",
        PrecompileFault.KzgElementTooLarge => Kzg + "invalid fp.Element encoding",
        PrecompileFault.KzgNotOnCurve => Kzg + "invalid compressed coordinate: square root doesn't exist",
        PrecompileFault.KzgNotInGroup => Kzg + "invalid point: subgroup check failed",
        PrecompileFault.KzgProof => Kzg + "can't verify opening proof",
        _ => "precompile failed",
    };
}
