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
    /// <param name="lists">Who is permitted beside being a member.</param>
    public static void Follow(IPeerNetwork peers, IReadOnlyList<RaftAddress> members, string ownNodeId, PeerLists lists)
    {
        if (members.Count == 0) return;
        var ids = members.Select(m => Convert.ToHexStringLower(m.NodeId)).ToHashSet();
        lists.Restrict(ids.Contains);
        foreach (var member in members)
            if (Convert.ToHexStringLower(member.NodeId) is var id && id != ownNodeId)
                peers.AddStaticPeer(new Enode(id, member.Host, member.P2pPort, member.RaftPort));
    }
}
