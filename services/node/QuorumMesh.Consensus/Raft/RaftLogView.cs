namespace QuorumMesh.Consensus.Raft;

/// <summary>The whole log: the stable part in storage and the tail that the host has not persisted yet.</summary>
internal sealed class RaftLogView
{
    private readonly IRaftStorage _storage;
    private readonly List<RaftEntry> _tail = [];
    private ulong _offset; // index of _tail[0]
    private RaftSnapshot? _incoming;

    public RaftLogView(IRaftStorage storage)
    {
        _storage = storage;
        _offset = storage.LastIndex + 1;
        // The compacted prefix was committed and applied, or it could not have been dropped.
        Committed = Applied = storage.FirstIndex - 1;
    }

    public ulong Committed { get; private set; }
    public ulong Applied { get; private set; }
    public RaftSnapshot? Incoming => _incoming;
    public ulong FirstIndex => _incoming is null ? _storage.FirstIndex : _incoming.Index + 1;
    public ulong LastIndex => _tail.Count > 0 ? _offset + (ulong)_tail.Count - 1 : _incoming?.Index ?? _storage.LastIndex;
    public ulong LastTerm => TermOrZero(LastIndex);
    public bool HasUnstable => _tail.Count > 0;
    // Applied to Committed is what the application has still to do; entries in the tail may be among them, Ready persists them
    // first.
    public bool HasNextCommitted => Committed > Applied && Committed >= FirstIndex;

    public IReadOnlyList<RaftEntry> Unstable() => _tail.Count == 0 ? [] : _tail.ToArray();

    public bool TryTerm(ulong index, out ulong term)
    {
        term = 0;
        if (index + 1 < FirstIndex || index > LastIndex) return false;
        if (index >= _offset && index - _offset < (ulong)_tail.Count)
        {
            term = _tail[(int)(index - _offset)].Term;
            return true;
        }
        if (_incoming is null) return _storage.TryTerm(index, out term);
        if (index != _incoming.Index) return false;
        term = _incoming.Term;
        return true;
    }

    public ulong TermOrZero(ulong index) => TryTerm(index, out var term) ? term : 0;

    public bool Matches(ulong index, ulong term) => TryTerm(index, out var own) && own == term;

    /// <summary>Section 5.4.1: the later last term wins, then the longer log.</summary>
    public bool IsUpToDate(ulong index, ulong term) => term > LastTerm || (term == LastTerm && index >= LastIndex);

    /// <summary>Entries in [lo, hi); false when part of the range is compacted away.</summary>
    public bool TrySlice(ulong lo, ulong hi, ulong maxSize, out IReadOnlyList<RaftEntry> entries)
    {
        entries = [];
        if (lo < FirstIndex) return false;
        // At least one entry is given, whatever its size: a block larger than the limit must still get through.
        hi = Math.Min(hi, LastIndex + 1);
        if (lo >= hi) return true;
        var result = new List<RaftEntry>();
        ulong size = 0;
        if (lo < _offset)
        {
            var stableEnd = Math.Min(hi, _offset);
            var stable = _storage.Entries(lo, stableEnd, maxSize);
            result.AddRange(stable);
            foreach (var entry in stable) size += (ulong)RaftWire.SizeOf(entry);
            if (lo + (ulong)stable.Count < stableEnd) hi = stableEnd; // cut by size
        }
        for (var i = Math.Max(lo, _offset); i < hi; i++)
        {
            var entry = _tail[(int)(i - _offset)];
            size += (ulong)RaftWire.SizeOf(entry);
            if (size > maxSize && result.Count > 0) break;
            result.Add(entry);
        }
        entries = result;
        return true;
    }

    public IReadOnlyList<RaftEntry> NextCommitted(ulong maxSize)
    {
        if (!HasNextCommitted) return [];
        TrySlice(Math.Max(Applied + 1, FirstIndex), Committed + 1, maxSize, out var entries);
        return entries;
    }

    public RaftSnapshot? Snapshot() => _incoming ?? _storage.Snapshot();

    /// <summary>A follower's append: last new index when the previous entry matches, null when it does not.</summary>
    public ulong? MaybeAppend(ulong index, ulong logTerm, ulong leaderCommit, IReadOnlyList<RaftEntry> entries)
    {
        if (!Matches(index, logTerm)) return null;
        var lastNew = index + (ulong)entries.Count;
        var conflict = 0;
        // Entries that are there already stay: a late, shorter append must not cut off what a newer one brought and this member
        // has acknowledged (paper section 5.3, "if an existing entry conflicts").
        while (conflict < entries.Count && Matches(entries[conflict].Index, entries[conflict].Term)) conflict++;
        if (conflict < entries.Count)
        {
            if (entries[conflict].Index <= Committed)
                throw new RaftInvariantException(
                    $"entry {entries[conflict].Index} conflicts with a committed entry (committed {Committed})");
            Append(entries.Skip(conflict));
        }
        // No further than this append proves: past it the log may differ from the leader's.
        CommitTo(Math.Min(leaderCommit, lastNew));
        return lastNew;
    }

    public void Append(IEnumerable<RaftEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Index <= Committed)
                throw new RaftInvariantException($"append at {entry.Index} is not past the committed index {Committed}");
            // A conflict inside the persisted part: the tail begins there anew, and storage cuts its own copy when the tail is
            // persisted.
            if (entry.Index < _offset)
            {
                _offset = entry.Index;
                _tail.Clear();
            }
            var position = (int)(entry.Index - _offset);
            if (position > _tail.Count) throw new RaftInvariantException($"append at {entry.Index} leaves a gap after {LastIndex}");
            if (position < _tail.Count) _tail.RemoveRange(position, _tail.Count - position);
            _tail.Add(entry);
        }
    }

    public bool MaybeCommit(ulong index, ulong term)
    {
        // Of the current term only, see RaftCore.MaybeCommit.
        if (index <= Committed || TermOrZero(index) != term) return false;
        CommitTo(index);
        return true;
    }

    public void CommitTo(ulong index)
    {
        if (index <= Committed) return;
        if (index > LastIndex)
            throw new RaftInvariantException(
                $"commit index {index} is past the last index {LastIndex}: this member's raft log was lost or cut; "
                + "remove it from the cluster and let it join again under a new id");
        Committed = index;
    }

    public void AppliedTo(ulong index)
    {
        if (index < Applied || index > Committed)
            throw new RaftInvariantException($"applied index {index} is not in [{Applied}, {Committed}]");
        Applied = index;
    }

    public void StableTo(ulong index, ulong term)
    {
        if (_tail.Count == 0 || index < _offset || index >= _offset + (ulong)_tail.Count) return;
        if (_tail[(int)(index - _offset)].Term != term) return; // replaced meanwhile
        _tail.RemoveRange(0, (int)(index - _offset) + 1);
        _offset = index + 1;
    }

    public void SnapshotStable(ulong index)
    {
        if (_incoming is not null && _incoming.Index == index) _incoming = null;
    }

    public void Restore(RaftSnapshot snapshot)
    {
        // All before it is replaced, also a longer tail: it did not match, or the snapshot would not have been taken as news.
        Committed = snapshot.Index;
        _incoming = snapshot;
        _tail.Clear();
        _offset = snapshot.Index + 1;
    }
}
