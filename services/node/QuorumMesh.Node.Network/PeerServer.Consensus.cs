using Microsoft.Extensions.Logging;
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
        if (!IstanbulWire.TryWrap(code, message, out var payload))
        {
            // Never an exception: this is the loop's turn, which a message must not end.
            NetworkMetrics.ConsensusDropped.Add(1);
            _logger.LogWarning("A consensus message of {Bytes} bytes (code {Code}) is more than peers take: not sent", message.Length, code);
            return;
        }
        var digest = IstanbulHub.Digest(message);
        foreach (var peer in _registry.Active)
            if (peer.Istanbul is { } istanbul && targets.Contains(istanbul.Address))
                peer.EnqueueConsensus(code, payload, digest, resend);
    }
}
