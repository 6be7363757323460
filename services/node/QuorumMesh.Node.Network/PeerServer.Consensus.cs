using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network;

public sealed partial class PeerServer
{
    /// <inheritdoc/>
    public IReadOnlyList<IstanbulPeer> IstanbulPeers => [.. _registry.Active.Select(peer => peer.Istanbul).OfType<IstanbulPeer>()];

    /// <inheritdoc/>
    public void HearIstanbul(IIstanbulHandler handler) => _istanbul.Hear(handler);

    /// <inheritdoc/>
    public void SendIstanbul(int code, ReadOnlyMemory<byte> message, IReadOnlyCollection<Address> targets, bool resend = false)
    {
        var payload = IstanbulWire.Wrap(code, message);
        var digest = IstanbulHub.Digest(message);
        foreach (var peer in _registry.Active)
            if (peer.Istanbul is { } istanbul && targets.Contains(istanbul.Address))
                peer.EnqueueConsensus(code, payload, digest, resend);
    }
}
