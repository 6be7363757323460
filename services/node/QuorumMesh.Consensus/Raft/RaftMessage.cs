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
    /// <summary>Raft id of the receiver.</summary>
    public ulong To { get; init; }
    /// <summary>Raft id that the sender claims; the transport vouches for it on streams alone.</summary>
    public ulong From { get; init; }
    /// <summary>Term of the sender; 0 in local messages and forwarded proposals.</summary>
    public ulong Term { get; init; }
    /// <summary>Term of the entry at <see cref="Index"/>.</summary>
    public ulong LogTerm { get; init; }
    /// <summary>In an append the entry before the first sent one, in an answer the last one held or rejected, in a vote request
    /// the candidate's last.</summary>
    public ulong Index { get; init; }
    /// <summary>Consecutive from <see cref="Index"/> + 1 in an append; index and term are 0 in a proposal.</summary>
    public IReadOnlyList<RaftEntry> Entries { get; init; } = [];
    /// <summary>The leader's commit index; in a heartbeat at most what the receiver is known to hold.</summary>
    public ulong Commit { get; init; }
    /// <summary>Set in snapshot messages alone.</summary>
    public RaftSnapshot? Snapshot { get; init; }
    /// <summary>The answer is a no.</summary>
    public bool Reject { get; init; }
    /// <summary>Last index of a follower that rejected an append.</summary>
    public ulong RejectHint { get; init; }
    /// <summary>In a vote request etcd's mark of a transfer; in our heartbeats the digest of the snapshot last sent, which the
    /// answer repeats.</summary>
    public byte[]? Context { get; init; }

    /// <summary>True for kinds that only the member itself may step; they are refused when they come from the network.</summary>
    public bool IsLocal => Type is RaftMessageType.Hup or RaftMessageType.Beat or RaftMessageType.Unreachable
        or RaftMessageType.SnapStatus or RaftMessageType.CheckQuorum;

    public override string ToString() =>
        $"{Type} {From:x}->{To:x} term {Term} log {LogTerm}/{Index} entries {Entries.Count} commit "
            + $"{Commit}{(Reject ? " reject " + RejectHint : "")}";
}
