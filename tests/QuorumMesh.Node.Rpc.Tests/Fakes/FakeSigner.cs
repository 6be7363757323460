using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>A node key that no method signs with.</summary>
internal sealed class FakeSigner(byte[] key) : INodeSigner
{
    public byte[] PublicKey { get; } = Secp256k1.PublicKey(key);

    public Address Address => Secp256k1.AddressOf(PublicKey);

    public byte[] Sign(in Hash256 hash) => throw new NotSupportedException("no method signs with the node key");
}
