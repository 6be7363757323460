using System.Net;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>Settings of discovery v4.</summary>
public sealed record DiscoveryOptions
{
    /// <summary>Who is asked first; those without an address, or without discovery, are passed over.</summary>
    public IReadOnlyList<Enode> Bootnodes { get; init; } = [];

    /// <summary>Where nodes are kept over a restart; null keeps none.</summary>
    public string? StorePath { get; init; }

    /// <summary>Connections that this node opens to found nodes: no more while there are so many peers.</summary>
    public int MaxPeers { get; init; } = 25;

    /// <summary>Between two looks at whether a found node is to be dialled.</summary>
    public TimeSpan DialInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A node that was dialled is not dialled again for so long.</summary>
    public TimeSpan RedialAfter { get; init; } = TimeSpan.FromSeconds(30);
}
