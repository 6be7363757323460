namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>A peer that this node is to be connected to, and how that stands.</summary>
/// <param name="Enode">Where it is dialled.</param>
/// <param name="IsConnected">There is a connection past Status, by either side's dial.</param>
/// <param name="Obstacle">Why not, in plain words; null when it is connected.</param>
public sealed record ConfiguredPeer(Enode Enode, bool IsConnected, string? Obstacle);
