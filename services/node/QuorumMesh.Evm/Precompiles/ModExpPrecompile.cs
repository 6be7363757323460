using System.Numerics;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>0x05: modular exponentiation (EIP-198), from Berlin on with the prices of EIP-2565.</summary>
internal sealed class ModExpPrecompile(bool repriced) : Precompile
{
    private const int HeaderSize = 96;

    // A larger base or modulus costs more than 10^13 gas under either price, a longer exponent more than 10^9: beyond any block.
    private const ulong LargestOperand = 1 << 26;
    private const ulong LongestExponent = 1 << 30;

    public override ulong Gas(ReadOnlySpan<byte> input)
    {
        ReadLengths(input, out UInt256 baseLength, out UInt256 exponentLength, out UInt256 modulusLength);
        BigInteger larger = (baseLength > modulusLength ? baseLength : modulusLength).ToBigInteger();
        BigInteger iterations = BigInteger.Max(AdjustedExponentLength(input, baseLength, exponentLength), BigInteger.One);
        BigInteger price;
        if (repriced)
        {
            BigInteger words = (larger + 7) / 8;
            price = BigInteger.Max(200, words * words * iterations / 3);
        }
        else
        {
            price = Complexity(larger) * iterations / 20;
        }

        return price > ulong.MaxValue ? ulong.MaxValue : (ulong)price;
    }

    public override byte[]? Run(ReadOnlySpan<byte> input)
    {
        ReadLengths(input, out UInt256 baseLength, out UInt256 exponentLength, out UInt256 modulusLength);
        if (modulusLength.IsZero) return [];
        if (baseLength > LargestOperand || modulusLength > LargestOperand || exponentLength > LongestExponent) return null;
        int b = (int)baseLength, e = (int)exponentLength, m = (int)modulusLength;
        BigInteger modulus = Operand(input, HeaderSize + b + e, m);
        byte[] output = new byte[m];
        if (modulus.IsZero || modulus.IsOne) return output;
        BigInteger value = Power(Operand(input, HeaderSize, b), input, HeaderSize + b, e, modulus);
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        if (!value.IsZero) bytes.CopyTo(output, m - bytes.Length);
        return output;
    }

    /// <summary>The part of the exponent that is not in the input is zero: it is squared away instead of being built.</summary>
    private static BigInteger Power(BigInteger value, ReadOnlySpan<byte> input, int offset, int length, BigInteger modulus)
    {
        int present = Math.Clamp(input.Length - offset, 0, length);
        if (present == 0) return BigInteger.One;
        value = BigInteger.ModPow(value, Operand(input, offset, present), modulus);
        for (long i = 8L * (length - present); i > 0 && !value.IsZero && !value.IsOne; i--) value = value * value % modulus;
        return value;
    }

    private static void ReadLengths(ReadOnlySpan<byte> input, out UInt256 baseLength, out UInt256 exponentLength, out UInt256 modulusLength)
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        CopyPadded(input, 0, header);
        baseLength = UInt256.FromBigEndian(header[..32]);
        exponentLength = UInt256.FromBigEndian(header[32..64]);
        modulusLength = UInt256.FromBigEndian(header[64..]);
    }

    private static BigInteger Operand(ReadOnlySpan<byte> input, int offset, int length)
    {
        byte[] bytes = new byte[length];
        CopyPadded(input, offset, bytes);
        return new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
    }

    private static BigInteger AdjustedExponentLength(ReadOnlySpan<byte> input, in UInt256 baseLength, in UInt256 exponentLength)
    {
        int headLength = exponentLength.IsUInt64 && exponentLength.U0 < 32 ? (int)exponentLength.U0 : 32;
        Span<byte> head = stackalloc byte[headLength];
        head.Clear();
        if (baseLength.IsUInt64 && baseLength.U0 < int.MaxValue - HeaderSize) CopyPadded(input, HeaderSize + (int)baseLength.U0, head);
        int topBit = Math.Max(0, UInt256.FromBigEndian(head).BitLength - 1);
        BigInteger beyond = exponentLength.ToBigInteger() - 32;
        return beyond.Sign > 0 ? 8 * beyond + topBit : topBit;
    }

    private static BigInteger Complexity(BigInteger x)
    {
        if (x <= 64) return x * x;
        if (x <= 1024) return x * x / 4 + 96 * x - 3072;
        return x * x / 16 + 480 * x - 199680;
    }
}
