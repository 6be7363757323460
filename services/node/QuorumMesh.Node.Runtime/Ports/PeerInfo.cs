using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>A connected peer, as <c>admin_peers</c> shows it.</summary>
/// <param name="NodeId">128 lower-case hex digits.</param>
/// <param name="Name">Client name of its Hello.</param>
/// <param name="Caps">As <c>eth/63</c>.</param>
/// <param name="TotalDifficulty">Of its Status, or of the last new block that it sent.</param>
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
    Hash256 Head)
{
    /// <summary>The sub-protocol that carries the chain: <c>eth</c>, or <c>istanbul</c> in its versions 64 and 99.</summary>
    public string Protocol { get; init; } = "eth";

    /// <summary>It gets in beyond the bound on peers.</summary>
    public bool Trusted { get; init; }
}
