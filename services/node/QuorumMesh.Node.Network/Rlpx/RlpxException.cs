namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>The other side broke a rule of the transport: nothing more can be read from this connection.</summary>
public sealed class RlpxException(string message) : Exception(message);
