namespace QuorumMesh.Consensus.Raft;

internal enum RaftProgressState { Probe, Replicate, Snapshot }

/// <summary>What a leader knows of one member's log, and how it may send to it.</summary>
internal sealed class RaftProgress(ulong next, RaftConfig config, bool isLearner)
{
    private readonly Queue<(ulong Last, long Bytes)> _inflight = new();
    private long _inflightBytes;
    private bool _paused;

    // Highest entry known to be the same in the member's log. Grows only within a term; Match < Next always.
    public ulong Match { get; set; }
    public ulong Next { get; private set; } = next;
    public RaftProgressState State { get; private set; } = RaftProgressState.Probe;
    public ulong PendingSnapshot { get; private set; }

    /// <summary>Of the last snapshot sent, until the member has moved on.</summary>
    public byte[]? SnapshotDigest { get; private set; }

    public bool RecentActive { get; set; }

    /// <summary>The leader's tick at which the member last answered.</summary>
    public long HeardAt { get; set; }

    /// <summary>The leader's tick at which the member last got a snapshot unasked.</summary>
    public long OfferedAt { get; set; }

    public bool IsLearner { get; set; } = isLearner;

    // Probe: one append at a time, until the logs meet. Replicate: a bounded window. Snapshot: nothing until it has arrived or
    // failed.
    public bool IsPaused => State switch
    {
        RaftProgressState.Probe => _paused,
        RaftProgressState.Replicate => IsFull,
        _ => true,
    };

    private bool IsFull => _inflight.Count >= config.MaxInflight || _inflightBytes >= config.MaxInflightBytes;

    /// <summary>Appends that are not answered yet.</summary>
    public int InFlight => _inflight.Count;

    public bool NeedsSnapshotAbort => State == RaftProgressState.Snapshot && Match >= PendingSnapshot;

    public void Pause() => _paused = true;

    public void Resume() => _paused = false;

    public void BecomeProbe()
    {
        // A finished snapshot lets the member go on right after it.
        Next = State == RaftProgressState.Snapshot ? Math.Max(Match + 1, PendingSnapshot + 1) : Match + 1;
        Enter(RaftProgressState.Probe);
    }

    public void BecomeReplicate()
    {
        Enter(RaftProgressState.Replicate);
        Next = Match + 1;
    }

    public void BecomeSnapshot(ulong index, byte[] digest)
    {
        Enter(RaftProgressState.Snapshot);
        (PendingSnapshot, SnapshotDigest) = (index, digest);
    }

    public void SnapshotFailed() => PendingSnapshot = 0;

    public void Sent(IReadOnlyList<RaftEntry> entries)
    {
        var (last, bytes) = (entries[^1].Index, 0L);
        foreach (var entry in entries) bytes += entry.Data.Length;
        Next = last + 1;
        _inflight.Enqueue((last, bytes));
        _inflightBytes += bytes;
    }

    public bool MaybeUpdate(ulong index)
    {
        var moved = Match < index;
        if (moved)
        {
            Match = index;
            SnapshotDigest = null;
            _paused = false;
        }
        if (Next < index + 1) Next = index + 1;
        return moved;
    }

    /// <summary>Goes back after a rejection; false when the rejection is out of date.</summary>
    public bool MaybeDecrease(ulong rejected, ulong lastHint)
    {
        if (State == RaftProgressState.Replicate)
        {
            // Acknowledged since: the rejection is of an older append.
            if (rejected <= Match) return false;
            Next = Match + 1;
            return true;
        }
        // Only the append last sent counts while probing.
        if (Next - 1 != rejected) return false;
        // The follower names its last entry, so a short log is reached in one step instead of one entry a round trip (paper
        // section 5.3).
        Next = Math.Max(Match + 1, Math.Min(rejected, lastHint + 1));
        _paused = false;
        return true;
    }

    public void FreeTo(ulong index)
    {
        while (_inflight.TryPeek(out var first) && first.Last <= index) FreeOne();
    }

    public void FreeOneIfFull()
    {
        if (State == RaftProgressState.Replicate && IsFull) FreeOne();
    }

    private void FreeOne() => _inflightBytes -= _inflight.Dequeue().Bytes;

    private void Enter(RaftProgressState state)
    {
        _paused = false;
        PendingSnapshot = 0;
        State = state;
        _inflight.Clear();
        _inflightBytes = 0;
    }
}
