using System.Security.Cryptography;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network;

/// <summary>
/// The secp256k1 key that is this node's identity on devp2p and seals its blocks. Gives away the public key, signatures and
/// shared secrets, never itself; it lies in a pinned buffer that is zeroed.
/// </summary>
public sealed class NodeKey : INodeSigner, IDisposable
{
    private readonly byte[] _private;

    /// <exception cref="ArgumentException">Not 32 bytes, zero, or not below the group order.</exception>
    public NodeKey(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != 32 || !Secp256k1.IsValidPrivateKey(privateKey))
            throw new ArgumentException("The node key must be 32 bytes, above zero and below the order of secp256k1: create a new one.",
                nameof(privateKey));
        _private = GC.AllocateArray<byte>(32, pinned: true);
        privateKey.CopyTo(_private);
        PublicKey = Secp256k1.PublicKey(privateKey);
        Address = Secp256k1.AddressOf(PublicKey);
        NodeId = Hex.ToHex(PublicKey, prefix: false);
    }

    /// <summary>64 bytes X‖Y.</summary>
    public byte[] PublicKey { get; }

    /// <summary>The account of the key: an IBFT validator's address.</summary>
    public Address Address { get; }

    /// <summary>128 lower-case hex digits.</summary>
    public string NodeId { get; }

    /// <summary>A new key from the system's random source.</summary>
    public static NodeKey Generate()
    {
        Span<byte> key = stackalloc byte[32];
        try
        {
            do
                RandomNumberGenerator.Fill(key);
            while (!Secp256k1.IsValidPrivateKey(key));
            return new NodeKey(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <inheritdoc/>
    public byte[] Sign(in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return Secp256k1.Sign(_private, bytes);
    }

    /// <summary>X coordinate of the shared point; false when the other key is not a point of the curve.</summary>
    internal bool TryEcdh(ReadOnlySpan<byte> otherPublic, Span<byte> x32) => Secp256k1.TryEcdh(_private, otherPublic, x32);

    public void Dispose() => CryptographicOperations.ZeroMemory(_private);

    public override string ToString() => NodeId;
}
