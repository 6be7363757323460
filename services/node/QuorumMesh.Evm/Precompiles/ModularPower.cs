using System.Numerics;
using System.Runtime.InteropServices;

namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// Modular exponentiation on 64-bit limbs, least significant first. An even modulus is split into its odd part and a power of two
/// (Garner).
/// </summary>
internal static unsafe class ModularPower
{
    /// <summary>Bits of exponent from which a table of the first 15 powers pays.</summary>
    private const int TableFrom = 48;
    private const int TableSize = 16;

    /// <summary>Four bits each; with the longest modulus some 100 ms.</summary>
    private const int DigitsAtOnce = 512;

    /// <summary>value^exponent mod modulus.</summary>
    /// <param name="exponent">Big-endian.</param>
    /// <param name="modulus">Above 1.</param>
    public static BigInteger Compute(BigInteger value, ReadOnlySpan<byte> exponent, BigInteger modulus, Func<bool>? stop = null)
    {
        exponent = exponent.TrimStart((byte)0);
        if (exponent.IsEmpty) return BigInteger.One;
        value %= modulus;
        if (value.IsZero || value.IsOne) return value;
        int twos = (int)BigInteger.TrailingZeroCount(modulus);
        if (twos == 0) return ModuloOdd(value, exponent, modulus, stop);
        BigInteger low = ModuloPowerOfTwo(value, exponent, twos, stop);
        BigInteger odd = modulus >> twos;
        if (odd.IsOne) return low;
        BigInteger high = ModuloOdd(value % odd, exponent, odd, stop);
        BigInteger mask = (BigInteger.One << twos) - 1;
        return high + odd * ((low - high) * InverseModuloPowerOfTwo(odd, twos) & mask);
    }

    private static BigInteger ModuloOdd(BigInteger value, ReadOnlySpan<byte> exponent, BigInteger modulus, Func<bool>? stop)
    {
        if (value.IsZero) return value;
        int limbs = LimbsOf(modulus);
        ulong[] m = ToLimbs(modulus, limbs);
        ulong[] v = ToLimbs((value << 64 * limbs) % modulus, limbs);
        fixed (ulong* mp = m)
        {
            var field = new MontgomeryMultiplier(mp, limbs);
            Raise(field, v, exponent, limbs, stop);
            var one = new ulong[limbs];
            one[0] = 1;
            var result = new ulong[limbs];
            fixed (ulong* vp = v, op = one, rp = result) field.Multiply(rp, vp, op);
            return FromLimbs(result);
        }
    }

    private static BigInteger ModuloPowerOfTwo(BigInteger value, ReadOnlySpan<byte> exponent, int bits, Func<bool>? stop)
    {
        BigInteger mask = (BigInteger.One << bits) - 1;
        int limbs = bits + 63 >> 6;
        ulong[] v = ToLimbs(value & mask, limbs);
        Raise(new TruncatingMultiplier(limbs), v, exponent, limbs, stop);
        return FromLimbs(v) & mask;
    }

    /// <summary>Newton: each step doubles the bits that are right, of which an odd number itself has three.</summary>
    private static BigInteger InverseModuloPowerOfTwo(BigInteger odd, int bits)
    {
        BigInteger inverse = odd & 7;
        for (int right = 3; right < bits;)
        {
            right = Math.Min(2 * right, bits);
            inverse = inverse * (2 - odd * inverse) & (BigInteger.One << right) - 1;
        }

        return inverse;
    }

    /// <summary>Replaces the value by its power.</summary>
    private static void Raise<T>(T field, ulong[] value, ReadOnlySpan<byte> exponent, int limbs, Func<bool>? stop)
        where T : struct, ILimbMultiplier
    {
        int bits = 8 * exponent.Length - BitOperations.LeadingZeroCount((uint)exponent[0]) + 24;
        ulong[] space = new ulong[(2 + TableSize) * limbs];
        fixed (ulong* v = value, s = space)
        {
            ulong* power = bits < TableFrom ? ByBits(field, v, s, exponent, bits, limbs) : ByTable(field, v, s, exponent, limbs, stop);
            new Span<ulong>(power, limbs).CopyTo(value);
        }
    }

    private static ulong* ByBits<T>(T field, ulong* value, ulong* space, ReadOnlySpan<byte> exponent, int bits, int limbs)
        where T : struct, ILimbMultiplier
    {
        ulong* power = space, other = space + limbs;
        new Span<ulong>(value, limbs).CopyTo(new Span<ulong>(power, limbs));
        for (int i = bits - 2; i >= 0; i--)
        {
            Step(field, ref power, ref other, power);
            if ((exponent[exponent.Length - 1 - (i >> 3)] >> (i & 7) & 1) != 0) Step(field, ref power, ref other, value);
        }

        return power;
    }

    private static ulong* ByTable<T>(T field, ulong* value, ulong* space, ReadOnlySpan<byte> exponent, int limbs, Func<bool>? stop)
        where T : struct, ILimbMultiplier
    {
        ulong* power = space, other = space + limbs, table = space + 2 * limbs;
        new Span<ulong>(value, limbs).CopyTo(new Span<ulong>(table + limbs, limbs));
        for (int i = 2; i < TableSize; i++) field.Multiply(table + i * limbs, table + (i - 1) * limbs, value);
        bool started = false;
        for (int i = 0; i < 2 * exponent.Length; i++)
        {
            if (i % DigitsAtOnce == 0) Stopping.Check(stop);
            int digit = (i & 1) == 0 ? exponent[i >> 1] >> 4 : exponent[i >> 1] & 15;
            if (!started)
            {
                if (digit == 0) continue;
                new Span<ulong>(table + digit * limbs, limbs).CopyTo(new Span<ulong>(power, limbs));
                started = true;
                continue;
            }

            for (int square = 0; square < 4; square++) Step(field, ref power, ref other, power);
            if (digit != 0) Step(field, ref power, ref other, table + digit * limbs);
        }

        return power;
    }

    private static void Step<T>(T field, ref ulong* power, ref ulong* other, ulong* by)
        where T : struct, ILimbMultiplier
    {
        ulong* result = other;
        field.Multiply(result, power, by);
        other = power;
        power = result;
    }

    private static int LimbsOf(BigInteger value) => (int)(value.GetBitLength() + 63 >> 6);

    private static ulong[] ToLimbs(BigInteger value, int limbs)
    {
        var result = new ulong[limbs];
        value.TryWriteBytes(MemoryMarshal.AsBytes(result.AsSpan()), out _, isUnsigned: true);
        return result;
    }

    private static BigInteger FromLimbs(ulong[] limbs) => new(MemoryMarshal.AsBytes(limbs.AsSpan()), isUnsigned: true);
}
