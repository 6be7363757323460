namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What an operator asks of the membership (GoQuorum raft/api.go).</summary>
public abstract record RaftMembershipRequest
{
    private RaftMembershipRequest() { }

    /// <summary>A new member, under the next free id.</summary>
    public sealed record Add(Enode Node, bool AsLearner) : RaftMembershipRequest;

    /// <summary>A learner becomes a voter.</summary>
    public sealed record Promote(ulong Id) : RaftMembershipRequest;

    public sealed record Remove(ulong Id) : RaftMembershipRequest;
}

/// <summary>A change of the membership that is not proposed; the message is GoQuorum's where it has one.</summary>
public sealed class RaftMembershipException(string message) : Exception(message);
