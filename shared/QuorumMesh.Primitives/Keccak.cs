using System.Runtime.CompilerServices;

namespace QuorumMesh.Primitives;

/// <summary>The original Keccak with Ethereum's padding, not FIPS 202's SHA-3 (see <see cref="Sha3"/>).</summary>
public static class Keccak
{
    /// <summary>Keccak-256.</summary>
    [SkipLocalsInit]
    public static Hash256 Hash(ReadOnlySpan<byte> data)
    {
        Span<byte> output = stackalloc byte[Hash256.Size];
        KeccakSponge.Hash(data, KeccakSponge.Rate256, KeccakSponge.KeccakDomain, output);
        return new Hash256(output);
    }

    /// <summary>Keccak-256 into the first 32 bytes of the output.</summary>
    /// <exception cref="ArgumentException">The output is shorter than 32 bytes.</exception>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> output)
    {
        if (output.Length < Hash256.Size) throw new ArgumentException("The output must hold 32 bytes.", nameof(output));
        KeccakSponge.Hash(data, KeccakSponge.Rate256, KeccakSponge.KeccakDomain, output[..Hash256.Size]);
    }

    /// <summary>Keccak-512, 64 bytes.</summary>
    public static byte[] Hash512(ReadOnlySpan<byte> data)
    {
        byte[] output = new byte[64];
        KeccakSponge.Hash(data, KeccakSponge.Rate512, KeccakSponge.KeccakDomain, output);
        return output;
    }
}
