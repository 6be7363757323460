using System.Buffers.Binary;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks;

internal static class BenchAccount
{
    /// <summary>Spread evenly over the account trie; the same in every run.</summary>
    public static Address At(int index)
    {
        Span<byte> seed = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(seed, index);
        Span<byte> hash = stackalloc byte[32];
        Keccak.Hash(seed, hash);
        return new Address(hash[12..]);
    }
}
