using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>What the server asks its transport.</summary>
internal interface IRaftServerHost
{
    bool IsRemoved(ulong id);
    RaftHttpPeer? Peer(ulong id);
    void AddRemote(ulong id, string urls);
    void Received(RaftMessage message);
}
