using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Which membership changes count. The rule for committed ones rests on the log alone, so that every node decides alike.</summary>
internal static class RaftMembershipRules
{
    /// <summary>The change in an entry, or why there is none to apply.</summary>
    public static (RaftConfChange? Change, string Why) Read(RaftEntry entry, RaftMembership membership)
    {
        try
        {
            var change = RaftWire.DecodeConfChange(entry.Data);
            return Refuse(change, membership) is { } why ? (null, why) : (change, "");
        }
        catch (FormatException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>Why a leader does not take a change into the log; null when it does.</summary>
    public static string? RefuseProposal(RaftEntry entry, RaftMembership membership, RaftConfState members)
    {
        var (change, why) = Read(entry, membership);
        if (change is null) return why;
        var (isVoter, isLearner) = (members.Voters.Contains(change.NodeId), members.Learners.Contains(change.NodeId));
        return change.Type switch
        {
            RaftConfChangeType.AddNode when isVoter => $"{change.NodeId} is a voter already",
            RaftConfChangeType.AddLearnerNode when isVoter || isLearner => $"{change.NodeId} is a member already",
            RaftConfChangeType.RemoveNode when !isVoter && !isLearner => $"{change.NodeId} is no member",
            _ => null,
        };
    }

    /// <exception cref="FormatException">The address makes no URL for Raft, or no enode for the p2p network.</exception>
    public static void CheckReachable(RaftAddress address)
    {
        _ = new Enode(Convert.ToHexStringLower(address.NodeId), address.Host, address.P2pPort, address.RaftPort);
        _ = address.RaftUrl;
    }

    /// <exception cref="FormatException">The address is none that can be reached.</exception>
    private static string? Refuse(RaftConfChange change, RaftMembership membership)
    {
        if (change.NodeId is 0 or > ushort.MaxValue) return $"raft id {change.NodeId} is not in 1..65535";
        if (change.Type == RaftConfChangeType.UpdateNode) return "an address cannot be changed: remove the member and add it again";
        if (change.Type == RaftConfChangeType.RemoveNode) return null;
        if (membership.IsRemoved(change.NodeId)) return $"raft id {change.NodeId} was removed and is never used again";
        if (change.Context.Length == 0) return membership.Find(change.NodeId) is null ? $"member {change.NodeId} has no address" : null;
        var address = RaftAddress.Decode(change.Context);
        CheckReachable(address);
        return address.RaftId == change.NodeId ? null : $"member {change.NodeId} is added with the address of {address.RaftId}";
    }
}
