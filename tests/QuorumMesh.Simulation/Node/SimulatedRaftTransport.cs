using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Simulation.Node;

/// <summary>One life's end of the Raft network.</summary>
internal sealed class SimulatedRaftTransport(Action<IReadOnlyList<RaftMessage>> send) : IRaftTransport
{
#pragma warning disable CS0067 // who is configured, vouched for or removed stays as it is
    public event Action<RaftMessage>? MessageReceived;
    public event Action<ulong>? PeerActive;
    public event Action<ulong>? PeerLost;
    public event Action<ulong>? Unreachable;
    public event Action<ulong, bool>? SnapshotReported;
    public event Action<ulong>? PeerIntroduced;
    public event Action<ulong, bool>? PeerAnnounced;
    public event Action<ulong, string, string>? MessageRefused;
    public event Action<ulong>? RemovedFromCluster;
#pragma warning restore CS0067

    public void Receive(RaftMessage message) => MessageReceived?.Invoke(message);

    public void Lose(ulong peer) => PeerLost?.Invoke(peer);

    public void Miss(ulong peer) => Unreachable?.Invoke(peer);

    public void Report(ulong peer, bool delivered) => SnapshotReported?.Invoke(peer, delivered);

    public void Meet(ulong peer, bool preVote) => PeerAnnounced?.Invoke(peer, preVote);

    public void AddPeer(RaftAddress member)
    {
    }

    public void Introduce(RaftAddress member)
    {
    }

    public void PublishMembers(byte[] members)
    {
    }

    public void RemovePeer(ulong id)
    {
    }

    public void Send(IReadOnlyList<RaftMessage> messages) => send(messages);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
