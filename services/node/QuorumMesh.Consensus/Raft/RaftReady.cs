namespace QuorumMesh.Consensus.Raft;

/// <summary>What the host has to do, in this order: persist HardState, Entries and Snapshot (flushed when
/// <see cref="MustSync"/>), send Messages,
/// hand an incoming Snapshot to the application, apply CommittedEntries (calling ApplyConfChange for membership entries), then
/// Advance.</summary>
public sealed record RaftReady
{
    /// <summary>Set when leader or role changed.</summary>
    public RaftSoftState? SoftState { get; init; }
    /// <summary>Set when it changed.</summary>
    public RaftHardState? HardState { get; init; }
    /// <summary>To be persisted before <see cref="Messages"/> leave. They replace what the log holds from the first one's index
    /// on.</summary>
    public IReadOnlyList<RaftEntry> Entries { get; init; } = [];
    /// <summary>Received from the leader: replaces the application's state.</summary>
    public RaftSnapshot? Snapshot { get; init; }
    /// <summary>To be applied in order, after <see cref="Entries"/> are persisted: in a cluster of one they may be the
    /// same.</summary>
    public IReadOnlyList<RaftEntry> CommittedEntries { get; init; } = [];
    /// <summary>Votes and acknowledgements among them are promises about the log: none may leave before the flush.</summary>
    public IReadOnlyList<RaftMessage> Messages { get; init; } = [];
    /// <summary>False only when nothing but the commit index changed.</summary>
    public bool MustSync { get; init; }
}
