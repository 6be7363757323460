using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>The sponge over Keccak-f[1600], in one call and without allocation.</summary>
internal static class KeccakSponge
{
    public const int Lanes = 25;
    public const int Rate256 = 136;
    public const int Rate512 = 72;

    /// <summary>Domain byte of the original Keccak, which Ethereum uses.</summary>
    public const byte KeccakDomain = 0x01;

    /// <summary>Domain byte of FIPS 202's SHA-3.</summary>
    public const byte Sha3Domain = 0x06;

    /// <summary>The output is at most one block long.</summary>
    [SkipLocalsInit]
    public static void Hash(ReadOnlySpan<byte> data, int rate, byte domain, Span<byte> output)
    {
        Span<ulong> lanes = stackalloc ulong[Lanes];
        lanes.Clear();
        while (data.Length >= rate)
        {
            Absorb(lanes, data[..rate]);
            KeccakPermutation.Permute(lanes);
            data = data[rate..];
        }

        AbsorbBytes(lanes, 0, data);
        Pad(lanes, data.Length, rate, domain);
        KeccakPermutation.Permute(lanes);
        MemoryMarshal.AsBytes(lanes)[..output.Length].CopyTo(output);
    }

    public static void Pad(Span<ulong> lanes, int filled, int rate, byte domain)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(lanes);
        // pad10*1 (FIPS 202, 5.1). Both ends may fall on one byte, hence XOR.
        bytes[filled] ^= domain;
        bytes[rate - 1] ^= 0x80;
    }

    /// <summary>Mixes a whole number of lanes in.</summary>
    public static void Absorb(Span<ulong> lanes, ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(block);
        for (int i = 0; i < words.Length && i < lanes.Length; i++) lanes[i] ^= words[i];
    }

    public static void AbsorbBytes(Span<ulong> lanes, int offset, ReadOnlySpan<byte> data)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(lanes);
        int i = 0;
        if ((offset & 7) == 0)
        {
            int whole = data.Length & ~7;
            Absorb(lanes[(offset >> 3)..], data[..whole]);
            i = whole;
        }

        for (; i < data.Length; i++) bytes[offset + i] ^= data[i];
    }
}
