namespace QuorumMesh.Consensus.Raft;

/// <summary>Why a message of the network had no effect.</summary>
public enum RaftRefusal
{
    /// <summary>It was taken.</summary>
    None,

    /// <summary>A kind that no other member sends, or parts that do not fit each other.</summary>
    Malformed,

    /// <summary>The sender is neither a member nor one that was introduced.</summary>
    UnknownSender,

    /// <summary>Proposals and answers are taken from members alone.</summary>
    NotAMember,

    /// <summary>Only the leader may tell a member to campaign.</summary>
    NotTheLeader,

    /// <summary>The term is more than <see cref="RaftCore.MaxJump"/> past the own one.</summary>
    TermJump,

    /// <summary>An index is more than <see cref="RaftCore.MaxJump"/> past the end of the own log.</summary>
    IndexJump,

    /// <summary>The leader counts on entries that this log does not hold: it was lost or cut.</summary>
    PastLog,

    /// <summary>It contradicts what is committed here.</summary>
    Conflict,

    /// <summary>Two different snapshots of one index.</summary>
    DoubtfulSnapshot,

    /// <summary>A proposal that the application's rules do not let into the log.</summary>
    BadProposal,

    /// <summary>The sender was removed from the cluster.</summary>
    RemovedSender,
}
