using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>What the parts of one member's connection report.</summary>
internal interface IRaftPeerEvents
{
    /// <summary>A message on a stream from the member.</summary>
    void Received(ulong peer, RaftMessage message);

    void StreamOpened(ulong peer, bool announcesPreVote);
    void StreamLost(ulong peer);
    void Unreachable(ulong peer);
    void SnapshotSent(ulong peer, bool ok);

    /// <summary>The member says that this one was removed.</summary>
    void RemovedFromCluster(ulong peer);
}
