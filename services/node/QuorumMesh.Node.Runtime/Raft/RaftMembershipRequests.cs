using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Turns an operator's request into a proposal, with the checks and texts of GoQuorum's raft/handler.go.</summary>
internal static class RaftMembershipRequests
{
    public const string NotAMember = "node not part of raft cluster. operations not allowed";

    /// <exception cref="RaftMembershipException">The request cannot be proposed.</exception>
    /// <returns>Null when there is nothing to change: one that is no member is removed (GoQuorum answers the same).</returns>
    public static RaftConfChange? Change(RaftMembershipRequest request, RaftMembership membership, RaftCore core)
    {
        if (!core.IsMember) throw new RaftMembershipException(NotAMember);
        return request switch
        {
            RaftMembershipRequest.Add add => Add(add, membership, core),
            RaftMembershipRequest.Promote promote => Promote(promote.Id, membership, core),
            RaftMembershipRequest.Remove remove => Remove(remove.Id, core),
            _ => throw new ArgumentOutOfRangeException(nameof(request)),
        };
    }

    private static RaftConfChange Add(RaftMembershipRequest.Add add, RaftMembership membership, RaftCore core)
    {
        if (core.IsLearner) throw new RaftMembershipException("learner node can't add peer or learner");
        if (add.Node.RaftPort == 0) throw new RaftMembershipException($"enodeId is missing raftport querystring parameter: {add.Node}");
        foreach (var member in membership.Addresses) CheckFree(add.Node, member);
        var id = NextId(membership, core);
        var address = new RaftAddress(id, add.Node.PublicKey, add.Node.Host, add.Node.Port, add.Node.RaftPort);
        return new RaftConfChange(0, add.AsLearner ? RaftConfChangeType.AddLearnerNode : RaftConfChangeType.AddNode, id, address.Encode());
    }

    private static void CheckFree(Enode node, RaftAddress member)
    {
        var id = Hex.ToHex(Keccak.Hash(member.NodeId).ToArray(), prefix: false);
        if (Convert.ToHexStringLower(member.NodeId) == node.NodeId)
            throw new RaftMembershipException($"node with this enode has already been added to the cluster: {id}");
        if (member.Host != node.Host) return;
        var existing = $"existing node {id} with raft ID {member.RaftId} is already using";
        if (member.P2pPort == node.Port) throw new RaftMembershipException($"{existing} eth p2p at {node.Host}:{node.Port}");
        if (member.RaftPort == node.RaftPort) throw new RaftMembershipException($"{existing} raft at {node.Host}:{node.RaftPort}");
    }

    /// <summary>Ids that were removed are never used again.</summary>
    private static ulong NextId(RaftMembership membership, RaftCore core)
    {
        var last = membership.Addresses.Select(a => a.RaftId).Concat(membership.Removed).Append(core.Id).Max();
        return last < ushort.MaxValue ? last + 1 : throw new RaftMembershipException("every raft id has been used");
    }

    private static RaftConfChange Promote(ulong id, RaftMembership membership, RaftCore core)
    {
        if (core.IsLearner) throw new RaftMembershipException("learner node can't promote to peer");
        if (!core.ConfState.Learners.Contains(id))
            throw new RaftMembershipException($"{id} is not a learner. only learner can be promoted to peer");
        return new RaftConfChange(0, RaftConfChangeType.AddNode, id, membership.Find(id)?.Encode() ?? []);
    }

    private static RaftConfChange? Remove(ulong id, RaftCore core)
    {
        if (core.IsLearner && id != core.Id) throw new RaftMembershipException("learner node can't remove other peer");
        return core.HasMember(id) ? new RaftConfChange(0, RaftConfChangeType.RemoveNode, id, []) : null;
    }
}
