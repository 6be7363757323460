using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Filters;

internal static class RpcIds
{
    /// <summary>Random, 128 bits, without leading zeros, as geth gives them.</summary>
    public static string New() => UInt256.FromBigEndian(RandomNumberGenerator.GetBytes(16)).ToHexString();
}
