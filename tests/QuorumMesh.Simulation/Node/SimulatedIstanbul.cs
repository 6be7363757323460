using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Node;

/// <summary>One life's end of the consensus network.</summary>
internal sealed class SimulatedIstanbul(BftNode node, BftNodeNetwork network) : IIstanbulNetwork
{
    private IIstanbulHandler? _handler;

    public IReadOnlyList<IstanbulPeer> IstanbulPeers => [.. network.Validators.Where(n => n != node && n.IsUp).Select(Peer)];

    public static IstanbulPeer Peer(BftNode node) => new(node.NodeId, node.Address, 100);

    public void HearIstanbul(IIstanbulHandler handler) => _handler = handler;

    public void SendIstanbul(int code, ReadOnlyMemory<byte> message, IReadOnlyCollection<Address> targets, bool resend = false) =>
        network.Send(node, code, message.ToArray(), targets);

    public void Receive(IstanbulPeer from, int code, byte[] payload) => _handler?.OnIstanbul(new IstanbulMessage(from, code, payload));

    public void PeersChanged() => _handler?.OnIstanbulPeersChanged();
}
