using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node;

/// <summary>
/// The p2p network follows the Raft membership: members are dialled, nobody else gets in (GoQuorum rejects peers outside the
/// cluster).
/// </summary>
internal static class PeerMembers
{
    /// <param name="permissionedIn">With --permissioned: the data directory whose permissioned-nodes.json must list a peer as well.</param>
    public static void Follow(IPeerNetwork peers, IReadOnlyList<RaftAddress> members, string ownNodeId, DataDirectory? permissionedIn)
    {
        if (members.Count == 0) return;
        var ids = members.Select(m => Convert.ToHexStringLower(m.NodeId)).ToHashSet();
        peers.SetAllowed(id => ids.Contains(id)
            && (permissionedIn is null || StaticNodes.Read(permissionedIn, StaticNodes.PermissionedFileName).Any(e => e.NodeId == id)));
        foreach (var member in members)
            if (Convert.ToHexStringLower(member.NodeId) is var id && id != ownNodeId)
                peers.AddStaticPeer(new Enode(id, member.Host, member.P2pPort, member.RaftPort));
    }
}
