namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// Why a precompile failed on its input: the first thing that geth finds. <see cref="PrecompileTable.Explain"/> finds it for
/// whoever asks; no run does.
/// </summary>
public enum PrecompileFault
{
    None,
    InputLength,

    /// <summary>BLAKE2F's last byte is neither 0 nor 1.</summary>
    FinalFlag,

    /// <summary>Not a whole number of pairs of alt_bn128 points.</summary>
    Bn254PairingLength,
    Bn254CoordinateTooLarge,
    Bn254CoordinateIsModulus,

    /// <summary>Not on the curve, or of the twist but outside its group.</summary>
    Bn254Point,

    /// <summary>The 16 bytes before a field element of BLS12-381 are not zero.</summary>
    BlsPadding,
    BlsElementTooLarge,
    BlsNotOnCurve,
    BlsNotInGroup1,
    BlsNotInGroup2,

    /// <summary>Not the hash of the commitment.</summary>
    KzgVersionedHash,

    /// <summary>Point or value is not below the group's order.</summary>
    KzgScalar,

    /// <summary>A commitment or proof without the flag of the compressed form.</summary>
    KzgUncompressed,
    KzgInfinity,
    KzgElementTooLarge,
    KzgNotOnCurve,
    KzgNotInGroup,
    KzgProof,
}
