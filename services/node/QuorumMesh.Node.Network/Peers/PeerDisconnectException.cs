namespace QuorumMesh.Node.Network.Peers;

/// <summary>A connection ends for a reason that devp2p has a code for.</summary>
/// <param name="remote">True when the other side said so.</param>
internal sealed class PeerDisconnectException(DisconnectReason reason, string message, bool remote = false) : Exception(message)
{
    public DisconnectReason Reason { get; } = reason;

    public bool Remote { get; } = remote;

    public static PeerDisconnectException FromRemote(DisconnectReason reason) =>
        new(reason, $"The peer disconnected: {reason} (0x{(int)reason:x2}).", remote: true);
}
