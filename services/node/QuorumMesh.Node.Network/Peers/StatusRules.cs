using System.Buffers.Binary;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>What two nodes must agree on to exchange a chain.</summary>
internal static class StatusRules
{
    public static EthStatus Own(PeerStatus own, SubProtocol protocol) => new(
        protocol.Version, own.NetworkId, own.TotalDifficulty, own.Head, own.Genesis,
        protocol.HasForkId ? new ForkId(BinaryPrimitives.ReadUInt32BigEndian(own.ForkHash), own.ForkNext) : null);

    /// <exception cref="PeerDisconnectException">The peer's status does not fit.</exception>
    /// <exception cref="FormatException">It is not a Status.</exception>
    public static EthStatus Check(ReadOnlySpan<byte> payload, PeerStatus own, EthStatus sent, SubProtocol protocol)
    {
        var remote = EthStatus.Decode(payload, protocol.HasForkId);
        if (remote.ProtocolVersion != sent.ProtocolVersion)
            throw Mismatch($"protocol version {remote.ProtocolVersion}, not {sent.ProtocolVersion}");
        if (remote.NetworkId != sent.NetworkId)
            throw Mismatch($"network id {remote.NetworkId}, ours is {sent.NetworkId}");
        if (remote.Genesis != sent.Genesis)
            throw Mismatch($"genesis {remote.Genesis}, ours is {sent.Genesis}");
        if (remote.ForkId is { } fork && ForkId.Reject(fork, own.Genesis, own.Forks, own.HeadNumber) is { } why)
            throw Mismatch($"Fork ID rejected - {why}");
        return remote;
    }

    private static PeerDisconnectException Mismatch(string what) =>
        new(DisconnectReason.SubprotocolError, "The peer is of another network: " + what + ".");
}
