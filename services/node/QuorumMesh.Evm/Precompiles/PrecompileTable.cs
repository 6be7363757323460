using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>Which precompiles a fork has.</summary>
public static class PrecompileTable
{
    private static readonly Precompile?[] _frontier = [null, new EcRecoverPrecompile(), new Sha256Precompile(), new Ripemd160Precompile(),
        new IdentityPrecompile()];

    // In turn EIP-198, EIP-196 (both), EIP-197.
    private static readonly Precompile?[] _byzantium =
        [.. _frontier, new ModExpPrecompile(ModExpRules.Byzantium), new Bn254AddPrecompile(500), new Bn254MulPrecompile(40000),
            new Bn254PairingPrecompile(100000, 80000)];

    // EIP-1108 lowers the prices of alt_bn128; EIP-152.
    private static readonly Precompile?[] _istanbul =
        [.. _frontier, new ModExpPrecompile(ModExpRules.Byzantium), new Bn254AddPrecompile(150), new Bn254MulPrecompile(6000),
            new Bn254PairingPrecompile(45000, 34000), new Blake2FPrecompile()];

    // EIP-2565.
    private static readonly Precompile?[] _berlin = [.. _istanbul[..5], new ModExpPrecompile(ModExpRules.Berlin), .. _istanbul[6..]];

    // EIP-4844.
    private static readonly Precompile?[] _cancun = [.. _berlin, new PointEvaluationPrecompile()];

    // EIP-2537.
    private static readonly Precompile?[] _prague =
    [
        .. _cancun, new BlsG1AddPrecompile(), new BlsG1MultiScalarPrecompile(), new BlsG2AddPrecompile(), new BlsG2MultiScalarPrecompile(),
        new BlsPairingPrecompile(), new BlsMapToG1Precompile(), new BlsMapToG2Precompile(),
    ];

    /// <summary>With a gap of nulls up to 0x100.</summary>
    private static readonly Precompile?[] _osaka =
        [.. _prague[..5], new ModExpPrecompile(ModExpRules.Osaka), .. _prague[6..], .. new Precompile?[0x100 - _prague.Length],
            new P256VerifyPrecompile()];

    private static readonly Address[][] _addresses = [.. Enum.GetValues<Fork>().Select(ListAddresses)];

    /// <summary>All of a fork's precompiles; they are warm from Berlin on.</summary>
    public static IReadOnlyList<Address> Addresses(Fork fork) => _addresses[(int)fork];

    public static Address AddressOf(int number) => Address.FromWord(new UInt256((ulong)number));

    /// <summary>
    /// Why a call with this input to a fork's precompile fails with <see cref="EvmStatus.PrecompileFailure"/>; None where it does
    /// not, or where no precompile is.
    /// </summary>
    public static PrecompileFault Explain(Fork fork, in Address address, ReadOnlySpan<byte> input)
    {
        UInt256 word = address.ToWord();
        Precompile?[] table = For(fork);
        return word.IsUInt64 && word.U0 < (ulong)table.Length && table[(int)word.U0] is { } precompile ? precompile.Explain(input)
            : PrecompileFault.None;
    }

    /// <summary>By number; null where there is none.</summary>
    internal static Precompile?[] For(Fork fork) => fork switch
    {
        >= Fork.Osaka => _osaka,
        >= Fork.Prague => _prague,
        >= Fork.Cancun => _cancun,
        >= Fork.Berlin => _berlin,
        >= Fork.Istanbul => _istanbul,
        >= Fork.Byzantium => _byzantium,
        _ => _frontier,
    };

    private static Address[] ListAddresses(Fork fork)
    {
        Precompile?[] table = For(fork);
        return [.. Enumerable.Range(0, table.Length).Where(number => table[number] is not null).Select(AddressOf)];
    }
}
