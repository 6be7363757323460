namespace QuorumMesh.Consensus.Raft;

/// <summary>What must be on disk before any message that rests on it is sent.</summary>
public readonly record struct RaftHardState(ulong Term, ulong Vote, ulong Commit)
{
    /// <summary>True in a log that nothing was written to.</summary>
    public bool IsEmpty => this == default;
}

/// <summary>The numbers are those of etcd's StateType.</summary>
public enum RaftRole { Follower = 0, Candidate = 1, Leader = 2, PreCandidate = 3 }

/// <summary>Volatile state. <paramref name="Leader"/> is 0 when no leader is known.</summary>
public readonly record struct RaftSoftState(ulong Leader, RaftRole Role);
