using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>Signs with the node key, which also names the node on the p2p network.</summary>
public interface INodeSigner
{
    /// <summary>Uncompressed public key X‖Y, 64 bytes: the enode id.</summary>
    byte[] PublicKey { get; }

    /// <summary>The account of the node key.</summary>
    Address Address { get; }

    /// <summary>r‖s‖recovery id, 65 bytes.</summary>
    byte[] Sign(in Hash256 hash);
}
