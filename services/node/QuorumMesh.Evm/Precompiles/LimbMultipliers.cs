namespace QuorumMesh.Evm.Precompiles;

/// <summary>
/// Multiplies numbers of a fixed count of 64-bit limbs, least significant first, by some modulus. The result overlaps neither
/// operand.
/// </summary>
internal unsafe interface ILimbMultiplier
{
    void Multiply(ulong* result, ulong* a, ulong* b);
}

/// <summary>Montgomery's product a · b · 2^(-64 · limbs) for an odd modulus.</summary>
internal readonly unsafe struct MontgomeryMultiplier : ILimbMultiplier
{
    private readonly ulong* _modulus;
    private readonly int _limbs;
    private readonly ulong _inverse;

    public MontgomeryMultiplier(ulong* modulus, int limbs)
    {
        _modulus = modulus;
        _limbs = limbs;
        // Newton: an odd number is its own inverse in three bits.
        ulong inverse = modulus[0];
        for (int right = 3; right < 64; right *= 2) inverse *= 2 - modulus[0] * inverse;
        _inverse = 0 - inverse;
    }

    public void Multiply(ulong* result, ulong* a, ulong* b)
    {
        int limbs = _limbs;
        ulong* m = _modulus;
        if (limbs == 1)
        {
            *result = MultiplyOne(*a, *b, *m);
            return;
        }

        for (int i = 0; i < limbs; i++) result[i] = 0;
        ulong top = 0;
        for (int i = 0; i < limbs; i++)
        {
            ulong digit = b[i];
            ulong high = Math.BigMul(a[0], digit, out ulong low);
            low += result[0];
            ulong carry = high + (low < result[0] ? 1UL : 0);
            ulong factor = low * _inverse;
            high = Math.BigMul(m[0], factor, out ulong reduced);
            ulong carryReduced = high + (reduced + low < low ? 1UL : 0);
            for (int j = 1; j < limbs; j++)
            {
                high = Math.BigMul(a[j], digit, out low);
                low += result[j];
                high += low < result[j] ? 1UL : 0;
                low += carry;
                carry = high + (low < carry ? 1UL : 0);
                high = Math.BigMul(m[j], factor, out reduced);
                low += reduced;
                high += low < reduced ? 1UL : 0;
                low += carryReduced;
                carryReduced = high + (low < carryReduced ? 1UL : 0);
                result[j - 1] = low;
            }

            top += carry;
            ulong overflow = top < carry ? 1UL : 0;
            top += carryReduced;
            overflow += top < carryReduced ? 1UL : 0;
            result[limbs - 1] = top;
            top = overflow;
        }

        if (top != 0 || !IsBelow(result, m, limbs)) Subtract(result, m, limbs);
    }

    private ulong MultiplyOne(ulong a, ulong b, ulong m)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        // The low halves cancel, and carry unless they are zero.
        ulong sum = high + (low == 0 ? 0UL : 1);
        ulong result = sum + Math.BigMul(m, low * _inverse, out _);
        return result < sum || result >= m ? result - m : result;
    }

    private static bool IsBelow(ulong* a, ulong* b, int limbs)
    {
        for (int i = limbs - 1; i >= 0; i--)
            if (a[i] != b[i])
                return a[i] < b[i];
        return false;
    }

    private static void Subtract(ulong* a, ulong* b, int limbs)
    {
        ulong borrow = 0;
        for (int i = 0; i < limbs; i++)
        {
            ulong first = a[i] - b[i];
            ulong second = first - borrow;
            borrow = (a[i] < b[i] ? 1UL : 0) | (first < borrow ? 1UL : 0);
            a[i] = second;
        }
    }
}

/// <summary>The product's low limbs: modulo 2^(64 · limbs).</summary>
internal readonly unsafe struct TruncatingMultiplier(int limbs) : ILimbMultiplier
{
    public void Multiply(ulong* result, ulong* a, ulong* b)
    {
        if (limbs == 1)
        {
            *result = *a * *b;
            return;
        }

        for (int i = 0; i < limbs; i++) result[i] = 0;
        for (int i = 0; i < limbs; i++)
        {
            ulong digit = b[i];
            ulong carry = 0;
            for (int j = 0; j < limbs - i; j++)
            {
                ulong high = Math.BigMul(a[j], digit, out ulong low);
                low += result[i + j];
                high += low < result[i + j] ? 1UL : 0;
                low += carry;
                carry = high + (low < carry ? 1UL : 0);
                result[i + j] = low;
            }
        }
    }
}
