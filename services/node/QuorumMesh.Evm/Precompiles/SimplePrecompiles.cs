using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>0x01: the address that signed a hash; empty for an invalid signature.</summary>
internal sealed class EcRecoverPrecompile : Precompile
{
    // Prices of the four: Yellow Paper, appendix E.
    public override ulong Gas(ReadOnlySpan<byte> input) => 3000;

    public override byte[] Run(ReadOnlySpan<byte> input)
    {
        Span<byte> data = stackalloc byte[128];
        CopyPadded(input, 0, data);
        UInt256 v = UInt256.FromBigEndian(data.Slice(32, 32));
        UInt256 r = UInt256.FromBigEndian(data.Slice(64, 32));
        UInt256 s = UInt256.FromBigEndian(data.Slice(96, 32));
        // A high s is taken: EIP-2 forbids it in transactions alone.
        if (!v.IsUInt64 || v.U0 is not (27 or 28) || !InRange(r) || !InRange(s)) return [];
        if (!Secp256k1.TryRecoverAddress(data[..32], data.Slice(64, 64), (int)v.U0 - 27, out Address signer)) return [];
        byte[] output = new byte[32];
        signer.CopyTo(output.AsSpan(12));
        return output;
    }

    private static bool InRange(in UInt256 value) => !value.IsZero && value < Secp256k1.Order;
}

/// <summary>0x02.</summary>
internal sealed class Sha256Precompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => Linear(input.Length, 60, 12);

    public override byte[] Run(ReadOnlySpan<byte> input) => SHA256.HashData(input);
}

/// <summary>0x03.</summary>
internal sealed class Ripemd160Precompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => Linear(input.Length, 600, 120);

    public override byte[] Run(ReadOnlySpan<byte> input)
    {
        byte[] output = new byte[32];
        Ripemd160.Hash(input, output.AsSpan(12));
        return output;
    }
}

/// <summary>0x04: gives its input back.</summary>
internal sealed class IdentityPrecompile : Precompile
{
    public override ulong Gas(ReadOnlySpan<byte> input) => Linear(input.Length, 15, 3);

    public override byte[] Run(ReadOnlySpan<byte> input) => input.ToArray();
}
