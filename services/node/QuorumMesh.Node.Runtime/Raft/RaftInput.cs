using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What a Raft member hears: from the transport, and from operators.</summary>
public abstract record RaftInput : ConsensusInput
{
    private RaftInput() { }

    /// <param name="Value">Of whomever: the driver examines it.</param>
    public sealed record Message(RaftMessage Value) : RaftInput;

    /// <summary>A stream to the member broke.</summary>
    public sealed record PeerLost(ulong Id) : RaftInput;

    /// <summary>A message to the member was dropped or could not be sent.</summary>
    public sealed record Unreachable(ulong Id) : RaftInput;

    public sealed record SnapshotReported(ulong Id, bool Delivered) : RaftInput;

    /// <summary>A member says that this node was removed from the cluster.</summary>
    public sealed record Removed(ulong By) : RaftInput;

    /// <summary>A sender that the applied membership does not name is configured, or a known member vouches for it.</summary>
    public sealed record Introduced(ulong Id) : RaftInput;

    /// <summary>A connection to a member was made, and it said what it knows.</summary>
    public sealed record Announced(ulong Id, bool PreVote) : RaftInput;

    /// <summary>
    /// An operator asks for a change. Answered once it is committed, or when it is not within <see cref="RaftChanges.WaitMs"/>; or refused
    /// with a <see cref="RaftMembershipException"/>. Asked for again, it is the same change.
    /// </summary>
    public sealed record ChangeMembership(RaftMembershipRequest Request, Reply<RaftChangeOutcome> Answer) : RaftInput;

    /// <summary>An operator asks why there is no block.</summary>
    public sealed record Explain(Reply<RaftReport> Answer) : RaftInput;

    /// <summary>
    /// Another member is to lead: <paramref name="Target"/>, or whoever can at once. Answered with the id that leads, or refused with a
    /// <see cref="RaftMembershipException"/>, within <see cref="RaftHandover.WaitMs"/>.
    /// </summary>
    public sealed record TransferLeadership(ulong? Target, Reply<ulong> Answer) : RaftInput;
}
