namespace QuorumMesh.Consensus.Raft;

/// <summary>The stable part of the log, as the core reads it. Only the host writes it, between Ready and Advance.</summary>
public interface IRaftStorage
{
    /// <summary>Hard state and the membership of the last snapshot; both empty in a fresh log.</summary>
    (RaftHardState HardState, RaftConfState ConfState) InitialState();

    /// <summary>Index of the first entry that may still be read: one past the compacted prefix. 1 in a fresh log.</summary>
    ulong FirstIndex { get; }

    /// <summary>Index of the last entry, FirstIndex - 1 when there is none.</summary>
    ulong LastIndex { get; }

    /// <summary>Term of an entry in [FirstIndex - 1, LastIndex]; false outside of it.</summary>
    bool TryTerm(ulong index, out ulong term);

    /// <summary>Entries in [lo, hi), cut when their wire size passes <paramref name="maxSize"/> bytes but never to none.
    /// Throws <see cref="ArgumentOutOfRangeException"/> when the range is not held.</summary>
    IReadOnlyList<RaftEntry> Entries(ulong lo, ulong hi, ulong maxSize);

    /// <summary>The newest snapshot, null when there is none.</summary>
    RaftSnapshot? Snapshot();
}

/// <summary>A log the host also writes.</summary>
public interface IRaftLog : IRaftStorage
{
    /// <summary>Persists all parts of one Ready and returns when they are on stable storage (one flush). Entries at or past the first given
    /// index are replaced. A snapshot replaces the log unless the log already holds its entry.</summary>
    void Append(RaftHardState? hardState, IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot);

    /// <summary>How long the last flush took; zero where it is not measured. May be read from any thread.</summary>
    TimeSpan FlushTime => TimeSpan.Zero;

    /// <summary>Records a snapshot of the application at an applied index that the log holds. Does not drop entries.</summary>
    void CreateSnapshot(ulong index, RaftConfState confState, byte[] data);

    /// <summary>Drops entries up to and including <paramref name="index"/>, which must not pass the newest snapshot.</summary>
    void Compact(ulong index);
}
