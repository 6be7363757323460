using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Tests;

internal sealed class SilentTransport : IRaftTransport
{
#pragma warning disable CS0067
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

    public List<RaftMessage> Sent { get; } = [];
    public List<ulong> Introduced { get; } = [];

    public void Receive(RaftMessage message) => MessageReceived?.Invoke(message);

    public void Report(ulong peer, bool delivered) => SnapshotReported?.Invoke(peer, delivered);

    public void AddPeer(RaftAddress member)
    {
    }

    public void Introduce(RaftAddress member) => Introduced.Add(member.RaftId);

    public void PublishMembers(byte[] members)
    {
    }

    public void RemovePeer(ulong id)
    {
    }

    public void Send(IReadOnlyList<RaftMessage> messages) => Sent.AddRange(messages);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
