using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>
/// The p2p network follows the Raft membership: members are dialled, who was removed is dialled no more, and nobody else gets in (GoQuorum
/// rejects peers outside the cluster).
/// </summary>
/// <param name="lists">Who is permitted beside being a member.</param>
internal sealed class PeerMembers(IPeerNetwork peers, string ownNodeId, PeerLists lists)
{
    private HashSet<string> _members = [];

    /// <summary>The applied membership, whenever it has changed.</summary>
    public void Follow(IReadOnlyList<RaftAddress> members)
    {
        if (members.Count == 0) return;
        var ids = members.Select(m => Convert.ToHexStringLower(m.NodeId)).ToHashSet();
        lists.Restrict(ids.Contains);
        foreach (var removed in _members.Where(id => !ids.Contains(id))) peers.RemovePeer(removed);
        _members = ids;
        foreach (var member in members)
            if (Convert.ToHexStringLower(member.NodeId) is var id && id != ownNodeId)
                peers.AddStaticPeer(new Enode(id, member.Host, member.P2pPort, member.RaftPort));
    }
}
