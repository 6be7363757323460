using System.Buffers.Binary;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>Fork identifier of EIP-2124.</summary>
/// <param name="Hash">CRC-32 (IEEE) over the genesis hash and the passed fork blocks.</param>
/// <param name="Next">Block of the next fork known, 0 when there is none.</param>
public readonly record struct ForkId(uint Hash, ulong Next)
{
    /// <summary>The id of a chain at a head (EIP-2124).</summary>
    public static ForkId At(in Hash256 genesis, IEnumerable<ulong> forks, ulong head)
    {
        var crc = Crc32(0, genesis.ToArray());
        foreach (ulong fork in Ordered(forks))
        {
            if (fork > head)
                return new ForkId(crc, fork);
            crc = Extend(crc, fork);
        }
        return new ForkId(crc, 0);
    }

    /// <summary>The checksum in 4 bytes, big endian.</summary>
    public byte[] HashBytes()
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Hash);
        return bytes;
    }

    /// <summary>EIP-2124's rules for a remote fork id. Null when the peer may be on the same chain, else why it cannot be.</summary>
    public static string? Reject(ForkId remote, in Hash256 genesis, IEnumerable<ulong> forks, ulong head)
    {
        var ordered = Ordered(forks);
        var sums = new uint[ordered.Length + 1];
        sums[0] = Crc32(0, genesis.ToArray());
        for (int i = 0; i < ordered.Length; i++)
            sums[i + 1] = Extend(sums[i], ordered[i]);
        int passed = ordered.Count(fork => fork <= head);

        if (sums[passed] == remote.Hash)
        {
            // Same forks so far. A fork the peer expects at a block we have already passed without it makes us incompatible.
            return remote.Next > 0 && head >= remote.Next ? Incompatible : null;
        }
        for (int i = 0; i < passed; i++)
        {
            // The peer is behind: fine when it knows the fork that comes next for it.
            if (sums[i] == remote.Hash)
                return ordered[i] == remote.Next ? null : "remote needs update";
        }
        // The peer is ahead on a fork we know of and have not reached.
        for (int i = passed + 1; i < sums.Length; i++)
            if (sums[i] == remote.Hash)
                return null;
        return Incompatible;
    }

    private const string Incompatible = "local incompatible or needs update";

    private static ulong[] Ordered(IEnumerable<ulong> forks) => [.. forks.Where(fork => fork != 0).Distinct().Order()];

    private static uint Extend(uint crc, ulong fork)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, fork);
        return Crc32(crc, number);
    }

    private static uint Crc32(uint crc, ReadOnlySpan<byte> data)
    {
        crc = ~crc;
        foreach (byte b in data)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
        }
        return ~crc;
    }
}
