using System.Numerics;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>The generations of MODEXP.</summary>
internal enum ModExpRules
{
    /// <summary>EIP-198.</summary>
    Byzantium,

    /// <summary>The prices of EIP-2565.</summary>
    Berlin,

    /// <summary>The bounds of EIP-7823 and the prices of EIP-7883.</summary>
    Osaka,
}

/// <summary>0x05: modular exponentiation (EIP-198).</summary>
internal sealed class ModExpPrecompile(ModExpRules rules) : Precompile
{
    /// <summary>Bytes of each operand (EIP-7823).</summary>
    private const uint OsakaLimit = 1024;

    private const int HeaderSize = 96;

    // A larger base or modulus costs more than 10^13 gas under either price, a longer exponent more than 10^9: beyond any block.
    private const ulong LargestOperand = 1 << 26;
    private const ulong LongestExponent = 1 << 30;

    // Beyond it BigInteger's way of multiplying large numbers is the better one.
    private const int LargestLimbModulus = 1024;

    // Bytes; a single multiplication takes milliseconds from here on.
    private const int LargeModulus = 16 << 10;

    public override ulong Gas(ReadOnlySpan<byte> input)
    {
        ReadLengths(input, out UInt256 baseLength, out UInt256 exponentLength, out UInt256 modulusLength);
        if (rules == ModExpRules.Osaka && IsBeyondOsaka(baseLength, exponentLength, modulusLength)) return ulong.MaxValue;
        BigInteger larger = (baseLength > modulusLength ? baseLength : modulusLength).ToBigInteger();
        BigInteger words = (larger + 7) / 8;
        BigInteger perByte = rules == ModExpRules.Osaka ? 16 : 8;
        BigInteger iterations = BigInteger.Max(AdjustedExponentLength(input, baseLength, exponentLength, perByte), BigInteger.One);
        BigInteger price = rules switch
        {
            ModExpRules.Osaka => BigInteger.Max(500, (larger > 32 ? 2 * words * words : 16) * iterations),
            ModExpRules.Berlin => BigInteger.Max(200, words * words * iterations / 3),
            _ => Complexity(larger) * iterations / 20,
        };
        return price > ulong.MaxValue ? ulong.MaxValue : (ulong)price;
    }

    public override byte[]? Run(ReadOnlySpan<byte> input) => Run(input, null);

    public override byte[]? Run(ReadOnlySpan<byte> input, Func<bool>? stop)
    {
        ReadLengths(input, out UInt256 baseLength, out UInt256 exponentLength, out UInt256 modulusLength);
        if (rules == ModExpRules.Osaka && IsBeyondOsaka(baseLength, exponentLength, modulusLength)) return null;
        if (modulusLength.IsZero) return [];
        if (baseLength > LargestOperand || modulusLength > LargestOperand || exponentLength > LongestExponent) return null;
        int b = (int)baseLength, e = (int)exponentLength, m = (int)modulusLength;
        BigInteger modulus = Operand(input, HeaderSize + b + e, m);
        byte[] output = new byte[m];
        if (modulus.IsZero || modulus.IsOne) return output;
        BigInteger value = Power(Operand(input, HeaderSize, b), input.Slice(HeaderSize + b, e), modulus, stop);
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        if (!value.IsZero) bytes.CopyTo(output, m - bytes.Length);
        return output;
    }

    private static bool IsBeyondOsaka(in UInt256 baseLength, in UInt256 exponentLength, in UInt256 modulusLength) =>
        baseLength > OsakaLimit || exponentLength > OsakaLimit || modulusLength > OsakaLimit;

    // The modulus comes after the exponent: where it is not zero, the input has all of the exponent.
    private static BigInteger Power(BigInteger value, ReadOnlySpan<byte> exponent, BigInteger modulus, Func<bool>? stop)
    {
        int size = modulus.GetByteCount(isUnsigned: true);
        if (size <= LargestLimbModulus) return ModularPower.Compute(value, exponent, modulus, stop);
        if (stop is null) return BigInteger.ModPow(value, new BigInteger(exponent, isUnsigned: true, isBigEndian: true), modulus);
        return PowerInParts(value, exponent, modulus, size > LargeModulus ? 1 : 4, stop);
    }

    /// <summary>The exponent some bytes at a time, from its head, with a look at <paramref name="stop"/> between them.</summary>
    private static BigInteger PowerInParts(BigInteger value, ReadOnlySpan<byte> exponent, BigInteger modulus, int atOnce, Func<bool> stop)
    {
        BigInteger result = BigInteger.One;
        for (exponent = exponent.TrimStart((byte)0); exponent.Length > 0; exponent = exponent[Math.Min(atOnce, exponent.Length)..])
        {
            Stopping.Check(stop);
            ReadOnlySpan<byte> part = exponent[..Math.Min(atOnce, exponent.Length)];
            if (!result.IsOne) result = BigInteger.ModPow(result, BigInteger.One << 8 * part.Length, modulus);
            result = result * BigInteger.ModPow(value, new BigInteger(part, isUnsigned: true, isBigEndian: true), modulus) % modulus;
        }

        return result;
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

    private static BigInteger AdjustedExponentLength(ReadOnlySpan<byte> input, in UInt256 baseLength, in UInt256 exponentLength,
        in BigInteger perByte)
    {
        int headLength = exponentLength.IsUInt64 && exponentLength.U0 < 32 ? (int)exponentLength.U0 : 32;
        Span<byte> head = stackalloc byte[headLength];
        head.Clear();
        if (baseLength.IsUInt64 && baseLength.U0 < int.MaxValue - HeaderSize) CopyPadded(input, HeaderSize + (int)baseLength.U0, head);
        int topBit = Math.Max(0, UInt256.FromBigEndian(head).BitLength - 1);
        BigInteger beyond = exponentLength.ToBigInteger() - 32;
        return beyond.Sign > 0 ? perByte * beyond + topBit : topBit;
    }

    // EIP-198's mult_complexity.
    private static BigInteger Complexity(BigInteger x)
    {
        if (x <= 64) return x * x;
        if (x <= 1024) return x * x / 4 + 96 * x - 3072;
        return x * x / 16 + 480 * x - 199680;
    }
}
