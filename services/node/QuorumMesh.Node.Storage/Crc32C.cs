using System.Numerics;
using System.Runtime.InteropServices;

namespace QuorumMesh.Node.Storage;

/// <summary>CRC-32C (RFC 3720, B.4) over memory.</summary>
internal static class Crc32C
{
    /// <summary>Goes on from <paramref name="crc"/>, which starts as all ones; the checksum is the complement of the end.</summary>
    public static uint Update(ReadOnlySpan<byte> data, uint crc)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (var b in data[(words.Length * 8)..]) crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
