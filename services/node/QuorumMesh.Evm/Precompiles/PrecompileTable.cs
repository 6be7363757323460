using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>Which precompiles a fork has.</summary>
public static class PrecompileTable
{
    private static readonly Precompile?[] _frontier = [null, new EcRecoverPrecompile(), new Sha256Precompile(), new Ripemd160Precompile(), new IdentityPrecompile()];

    private static readonly Precompile?[] _byzantium =
        [.. _frontier, new ModExpPrecompile(repriced: false), new Bn254AddPrecompile(500), new Bn254MulPrecompile(40000), new Bn254PairingPrecompile(100000, 80000)];

    private static readonly Precompile?[] _istanbul =
        [.. _frontier, new ModExpPrecompile(repriced: false), new Bn254AddPrecompile(150), new Bn254MulPrecompile(6000), new Bn254PairingPrecompile(45000, 34000), new Blake2FPrecompile()];

    private static readonly Precompile?[] _berlin = [.. _istanbul[..5], new ModExpPrecompile(repriced: true), .. _istanbul[6..]];

    private static readonly Precompile?[] _cancun = [.. _berlin, new PointEvaluationPrecompile()];

    /// <summary>Precompile addresses are 0x01 to this number; all are warm from Berlin on.</summary>
    public static int HighestAddress(Fork fork) => For(fork).Length - 1;

    public static Address AddressOf(int number) => Address.FromWord(new UInt256((ulong)number));

    internal static Precompile?[] For(Fork fork) => fork switch
    {
        >= Fork.Cancun => _cancun,
        >= Fork.Berlin => _berlin,
        >= Fork.Istanbul => _istanbul,
        >= Fork.Byzantium => _byzantium,
        _ => _frontier,
    };
}
