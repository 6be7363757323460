using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>A connected peer, as <c>admin_peers</c> shows it.</summary>
/// <param name="NodeId">128 lower-case hex digits.</param>
/// <param name="Name">Client name of its Hello.</param>
/// <param name="Caps">As <c>eth/63</c>.</param>
/// <param name="TotalDifficulty">Of its Status, not kept up to date.</param>
public sealed record PeerInfo(
    string NodeId,
    string Name,
    IReadOnlyList<string> Caps,
    string LocalAddress,
    string RemoteAddress,
    bool Inbound,
    bool Static,
    int EthVersion,
    UInt256 TotalDifficulty,
    Hash256 Head);
