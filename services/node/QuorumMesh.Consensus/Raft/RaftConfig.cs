namespace QuorumMesh.Consensus.Raft;

/// <summary>Settings of one member. Times are ticks of the host's clock, sizes are bytes.</summary>
public sealed record RaftConfig
{
    /// <summary>This member's raft id, not 0.</summary>
    public required ulong Id { get; init; }

    /// <summary>Ticks without a leader before an election: drawn from [ElectionTicks, 2 * ElectionTicks).</summary>
    public int ElectionTicks { get; init; } = 6;

    /// <summary>The same of members without pre-vote: GoQuorum's 10 ticks are of 100 ms.</summary>
    public int SlowElectionTicks { get; init; } = 20;

    /// <summary>Ticks between two heartbeats of a leader; less than <see cref="ElectionTicks"/>, or followers campaign in
    /// vain.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>Bytes of entries in one append message (one entry is always sent).</summary>
    public ulong MaxSizePerMessage { get; init; } = 1 << 20;

    /// <summary>Append messages under way to one member.</summary>
    public int MaxInflight { get; init; } = 256;

    /// <summary>
    /// Bytes of entries under way to one member; one append is always let in. A member whose disk is slow holds what it was sent in memory.
    /// </summary>
    public long MaxInflightBytes { get; init; } = 64L << 20;

    /// <summary>Bytes of proposals that a leader holds uncommitted; more are dropped.</summary>
    public ulong MaxUncommittedSize { get; init; } = 256UL << 20;

    /// <summary>Bytes of committed entries in one Ready (one entry is always given).</summary>
    public ulong MaxCommittedSizePerReady { get; init; } = 16UL << 20;

    /// <summary>Pre-vote and check-quorum, while every member has announced them (<see cref="RaftCore.Announce"/>).</summary>
    public bool PreVote { get; init; }

    /// <summary>Last index the application has applied; 0 = nothing past the snapshot.</summary>
    public ulong Applied { get; init; }

    /// <summary>Membership at <see cref="Applied"/>; null = that of the log's snapshot.</summary>
    public RaftConfState? ConfState { get; init; }

    internal void Validate()
    {
        if (Id == 0) throw new ArgumentException("raft id must not be 0");
        if (HeartbeatTicks < 1) throw new ArgumentException("heartbeat ticks must be at least 1");
        if (ElectionTicks <= HeartbeatTicks) throw new ArgumentException("election ticks must be more than heartbeat ticks");
        if (MaxInflightBytes < 1) throw new ArgumentException("max inflight bytes must be at least 1");
        if (MaxInflight < 1) throw new ArgumentException("max inflight must be at least 1");
    }
}
