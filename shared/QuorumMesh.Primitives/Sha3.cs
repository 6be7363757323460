using System.Runtime.CompilerServices;

namespace QuorumMesh.Primitives;

/// <summary>SHA-3 of FIPS 202, in its own implementation: the platform's needs a recent OpenSSL.</summary>
public static class Sha3
{
    /// <summary>SHA3-512, 64 bytes.</summary>
    public static byte[] Hash512(ReadOnlySpan<byte> data)
    {
        byte[] output = new byte[PayloadHash.Size];
        KeccakSponge.Hash(data, KeccakSponge.Rate512, KeccakSponge.Sha3Domain, output);
        return output;
    }

    /// <summary>The name of an encrypted payload, as Tessera computes it: SHA3-512 of the ciphertext.</summary>
    [SkipLocalsInit]
    public static PayloadHash HashPayload(ReadOnlySpan<byte> cipherText)
    {
        Span<byte> output = stackalloc byte[PayloadHash.Size];
        // The ciphertext alone: boxes differ from party to party, and the name must not (tessera 3.7).
        KeccakSponge.Hash(cipherText, KeccakSponge.Rate512, KeccakSponge.Sha3Domain, output);
        return new PayloadHash(output);
    }
}
