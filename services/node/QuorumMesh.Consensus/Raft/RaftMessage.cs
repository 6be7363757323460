namespace QuorumMesh.Consensus.Raft;

/// <summary>Message kinds; the numbers are those of etcd's raftpb.MessageType.</summary>
public enum RaftMessageType
{
    Hup = 0, Beat = 1, Prop = 2, App = 3, AppResp = 4, Vote = 5, VoteResp = 6, Snap = 7, Heartbeat = 8, HeartbeatResp = 9,
    Unreachable = 10, SnapStatus = 11, CheckQuorum = 12, TransferLeader = 13, TimeoutNow = 14, ReadIndex = 15, ReadIndexResp = 16,
    PreVote = 17, PreVoteResp = 18,
}

/// <summary>One message between members, field for field etcd's raftpb.Message. Treat it and everything it holds as immutable.</summary>
public sealed record RaftMessage
{
    public RaftMessageType Type { get; init; }
    public ulong To { get; init; }
    public ulong From { get; init; }
    /// <summary>Term of the sender; 0 in local messages and forwarded proposals.</summary>
    public ulong Term { get; init; }
    /// <summary>Term of the entry at <see cref="Index"/>.</summary>
    public ulong LogTerm { get; init; }
    public ulong Index { get; init; }
    public IReadOnlyList<RaftEntry> Entries { get; init; } = [];
    public ulong Commit { get; init; }
    public RaftSnapshot? Snapshot { get; init; }
    public bool Reject { get; init; }
    /// <summary>Last index of a follower that rejected an append.</summary>
    public ulong RejectHint { get; init; }
    public byte[]? Context { get; init; }

    /// <summary>True for kinds that only the member itself may step; they are refused when they come from the network.</summary>
    public bool IsLocal => Type is RaftMessageType.Hup or RaftMessageType.Beat or RaftMessageType.Unreachable
        or RaftMessageType.SnapStatus or RaftMessageType.CheckQuorum;

    public override string ToString() =>
        $"{Type} {From:x}->{To:x} term {Term} log {LogTerm}/{Index} entries {Entries.Count} commit {Commit}{(Reject ? " reject " + RejectHint : "")}";
}
