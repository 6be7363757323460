namespace QuorumMesh.Consensus.Raft;

/// <summary>A log in memory; also the index that a log on disk reads from.</summary>
public sealed class MemoryRaftLog : IRaftLog
{
    private readonly List<RaftEntry> _entries = [];
    private int _start; // dropped prefix of _entries, reclaimed in bulk
    private RaftHardState _hardState;
    private RaftSnapshot? _snapshot;
    private ulong _compactedIndex;
    private ulong _compactedTerm;

    /// <summary>The hard state last appended; empty in a fresh log.</summary>
    public RaftHardState HardState => _hardState;
    /// <inheritdoc/>
    public ulong FirstIndex => _compactedIndex + 1;
    /// <inheritdoc/>
    public ulong LastIndex => _compactedIndex + (ulong)(_entries.Count - _start);
    /// <inheritdoc/>
    public RaftSnapshot? Snapshot() => _snapshot;
    /// <inheritdoc/>
    public (RaftHardState HardState, RaftConfState ConfState) InitialState() => (_hardState, _snapshot?.ConfState ?? RaftConfState.Empty);

    /// <inheritdoc/>
    public bool TryTerm(ulong index, out ulong term)
    {
        term = _compactedTerm;
        if (index == _compactedIndex) return true;
        term = 0;
        if (index < _compactedIndex || index > LastIndex) return false;
        term = At(index).Term;
        return true;
    }

    /// <inheritdoc/>
    public IReadOnlyList<RaftEntry> Entries(ulong lo, ulong hi, ulong maxSize)
    {
        if (lo < FirstIndex || hi > LastIndex + 1 || lo > hi)
            throw new ArgumentOutOfRangeException(nameof(lo), $"entries [{lo}, {hi}) asked, [{FirstIndex}, {LastIndex + 1}) held");
        var result = new List<RaftEntry>();
        ulong size = 0;
        for (var i = lo; i < hi; i++)
        {
            var entry = At(i);
            size += (ulong)RaftWire.SizeOf(entry);
            if (size > maxSize && result.Count > 0) break;
            result.Add(entry);
        }
        return result;
    }

    /// <inheritdoc/>
    public void Append(RaftHardState? hardState, IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot)
    {
        if (snapshot is not null) Install(snapshot);
        AppendEntries(entries);
        if (hardState is { } hs) _hardState = hs;
    }

    /// <inheritdoc/>
    public void CreateSnapshot(ulong index, RaftConfState confState, byte[] data)
    {
        // Snapshots only move forward: an older one would give a lagging member a membership that has changed since.
        if (_snapshot is not null && index <= _snapshot.Index) return;
        if (!TryTerm(index, out var term))
            throw new ArgumentOutOfRangeException(nameof(index), $"snapshot at {index} asked, log holds [{FirstIndex}, {LastIndex}]");
        _snapshot = new RaftSnapshot(data, confState, index, term);
    }

    /// <inheritdoc/>
    public void Compact(ulong index)
    {
        if (index <= _compactedIndex) return;
        // What is dropped must be covered by a snapshot, or a member that lags behind it could never catch up.
        if (_snapshot is null || index > _snapshot.Index)
            throw new ArgumentOutOfRangeException(nameof(index),
                $"cannot compact to {index}: the newest snapshot is at {_snapshot?.Index ?? 0}");
        if (!TryTerm(index, out var term))
            throw new ArgumentOutOfRangeException(nameof(index), $"cannot compact to {index}: last index is {LastIndex}");
        var drop = (int)(index - _compactedIndex);
        for (var i = _start; i < _start + drop; i++) _entries[i] = null!;
        _start += drop;
        (_compactedIndex, _compactedTerm) = (index, term);
        // Moved down only when half of the list is dropped: compacting costs O(1) an entry over time.
        if (_start > 1024 && _start > _entries.Count / 2)
        {
            _entries.RemoveRange(0, _start);
            _start = 0;
        }
    }

    /// <summary>Drops all entries; the log goes on after the given position.</summary>
    public void Rebase(ulong index, ulong term)
    {
        _entries.Clear();
        _start = 0;
        (_compactedIndex, _compactedTerm) = (index, term);
    }

    private void Install(RaftSnapshot snapshot)
    {
        if (_snapshot is not null && snapshot.Index <= _snapshot.Index) return;
        _snapshot = snapshot;
        // The same entry at this index and term means the same log up to it (log matching, paper section 5.3): what follows stays
        // valid.
        if (TryTerm(snapshot.Index, out var term) && term == snapshot.Term) return;
        Rebase(snapshot.Index, snapshot.Term);
    }

    private void AppendEntries(IReadOnlyList<RaftEntry> entries)
    {
        foreach (var entry in entries)
        {
            // A resent append may reach below the compacted prefix. That part is committed and cannot differ.
            if (entry.Index <= _compactedIndex) continue;
            if (entry.Index > LastIndex + 1)
                throw new RaftInvariantException($"raft log has a gap: last index {LastIndex}, next entry {entry.Index}");
            var position = _start + (int)(entry.Index - FirstIndex);
            // An entry of a new leader replaces the old one and all that follows it: those were never committed (paper section
            // 5.3).
            if (position < _entries.Count) _entries.RemoveRange(position, _entries.Count - position);
            _entries.Add(entry);
        }
    }

    private RaftEntry At(ulong index) => _entries[_start + (int)(index - FirstIndex)];
}
