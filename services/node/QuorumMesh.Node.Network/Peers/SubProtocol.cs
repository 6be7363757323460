namespace QuorumMesh.Node.Network.Peers;

/// <summary>What this node knows of a sub-protocol version. New versions are new rows here, not new code paths in the peer.</summary>
/// <param name="Length">Size of its message-code space; both sides must use the same, it moves the protocols sorted behind it.</param>
/// <param name="CarriesChain">Speaks the eth messages: Status, transactions, headers, bodies.</param>
/// <param name="HasForkId">Its Status ends in an EIP-2124 fork id.</param>
public sealed record SubProtocol(string Name, int Version, int Length, bool CarriesChain, bool HasForkId)
{
    /// <summary>
    /// GoQuorum 2.3-2.5 in Raft mode give it length 8 (62 and 63 swapped, 2.5:consensus/protocol.go): codes from 0x08 must not be
    /// sent.
    /// </summary>
    public static SubProtocol Eth63 { get; } = new("eth", 63, 17, CarriesChain: true, HasForkId: false);

    public static SubProtocol Eth64 { get; } = new("eth", 64, 17, CarriesChain: true, HasForkId: true);

    public Capability Capability => new(Name, Version);
}
