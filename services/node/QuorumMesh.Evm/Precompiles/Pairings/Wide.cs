using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Evm.Precompiles.Pairings;

/// <summary>Steps of arithmetic on numbers of several words. All are free of branches: their conditions would be random.</summary>
internal static class Wide
{
    /// <summary>
    /// The upper word of a product. Math.BigMul leaves the lower one in memory, and reading it back costs more than the second
    /// multiplication here.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong a, ulong b) => Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a, b) : Math.BigMul(a, b, out _);

    /// <summary>a·b + add + carry; the upper word is the new carry. The carry is the last to be known, so it comes in last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong MultiplyAdd(ulong a, ulong b, ulong add, ref ulong carry)
    {
        ulong low = a * b + add;
        ulong high = High(a, b) + (low < add ? 1UL : 0);
        low += carry;
        carry = high + (low < carry ? 1UL : 0);
        return low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ulong a, ulong b, ref ulong carry)
    {
        ulong sum = a + b;
        ulong over = sum < a ? 1UL : 0;
        sum += carry;
        carry = over | (sum < carry ? 1UL : 0);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Subtract(ulong a, ulong b, ref ulong borrow)
    {
        ulong difference = a - b;
        ulong under = a < b ? 1UL : 0;
        ulong result = difference - borrow;
        borrow = under | (difference < borrow ? 1UL : 0);
        return result;
    }

    /// <summary>The first when the mask is all ones, the second when it is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Select(ulong mask, ulong a, ulong b) => b ^ (a ^ b) & mask;
}
