using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>
/// In Raft's place on a chain whose engine this version cannot run: a core without members, which never leads or commits. Such a node serves the
/// blocks that were imported and brings their private side on.
/// </summary>
internal sealed class NoConsensus : IRaftTransport
{
    public const string Explanation = "this is an IBFT chain: this version imports and serves it and brings its private state on, "
        + "but neither follows its network, validates nor sends transactions; stop the node and use 'quorummesh-node import FILE' to add blocks";

    public const ushort Id = 1;

#pragma warning disable CS0067 // nothing is ever heard
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

    public MemoryRaftLog Log { get; } = new();

    public RaftCore CreateCore() => new(new RaftConfig { Id = Id }, Log, static _ => 0);

    public void AddPeer(ulong id, Uri url)
    {
    }

    public void Introduce(ulong id, Uri url)
    {
    }

    public void PublishMembers(byte[] members)
    {
    }

    public void RemovePeer(ulong id)
    {
    }

    public void Send(IReadOnlyList<RaftMessage> messages)
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
