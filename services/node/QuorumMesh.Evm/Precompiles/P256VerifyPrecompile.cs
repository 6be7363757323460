using System.Security.Cryptography;
using QuorumMesh.Evm.Precompiles.Bls12381;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// 0x100: verifies an ECDSA signature on secp256r1 (EIP-7951). Input: hash, r, s, x, y. Gives one as a word, or nothing; it never
/// fails.
/// </summary>
internal sealed class P256VerifyPrecompile : Precompile
{
    private const int InputSize = 160;

    // The curve of FIPS 186-4, D.1.2.3: y² = x³ - 3x + b.
    private static readonly UInt256 _p = new(0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001);
    private static readonly UInt256 _order = new(0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000);
    private static readonly UInt256 _b = new(0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7);

    public override ulong Gas(ReadOnlySpan<byte> input) => 6900;

    public override byte[] Run(ReadOnlySpan<byte> input)
    {
        if (input.Length != InputSize || !IsScalar(input.Slice(32, 32)) || !IsScalar(input.Slice(64, 32))
            || !IsPoint(input[96..])) return [];
        using ECDsa key = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = input.Slice(96, 32).ToArray(), Y = input.Slice(128, 32).ToArray() },
        });
        if (!key.VerifyHash(input[..32], input.Slice(32, 64), DSASignatureFormat.IeeeP1363FixedFieldConcatenation)) return [];
        byte[] output = new byte[32];
        output[31] = 1;
        return output;
    }

    private static bool IsScalar(ReadOnlySpan<byte> data)
    {
        UInt256 value = UInt256.FromBigEndian(data);
        return !value.IsZero && value < _order;
    }

    /// <summary>On the curve; (0, 0), which stands for infinity, is not.</summary>
    private static bool IsPoint(ReadOnlySpan<byte> data)
    {
        UInt256 x = UInt256.FromBigEndian(data[..32]);
        UInt256 y = UInt256.FromBigEndian(data[32..]);
        if (x >= _p || y >= _p) return false;
        UInt256.MulMod(y, y, _p, out UInt256 left);
        UInt256.MulMod(x, x, _p, out UInt256 right);
        UInt256.AddMod(right, _p - 3, _p, out right);
        UInt256.MulMod(right, x, _p, out right);
        UInt256.AddMod(right, _b, _p, out right);
        return left == right;
    }
}
