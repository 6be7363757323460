using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>What the server asks its transport.</summary>
internal interface IRaftServerHost
{
    bool IsRemoved(ulong id);
    RaftHttpPeer? Peer(ulong id);

    /// <summary>The applied membership, empty while there is none.</summary>
    byte[] Members { get; }

    /// <summary>A sender that is no peer, or one at another address: this member may be behind, and asks those it knows.</summary>
    void Unknown(ulong id);

    void Posted(RaftMessage message);
    void Refused(RaftMessage message, string reason);
}
