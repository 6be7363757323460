namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>A request to a peer got no usable answer; another peer may have one.</summary>
public sealed class PeerRequestException(string message) : Exception(message);
