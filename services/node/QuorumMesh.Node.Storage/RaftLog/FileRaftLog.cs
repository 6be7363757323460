using System.Buffers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>The raft log on disk: a write-ahead log in segments with all live entries also in memory. One thread writes; reads
/// may come from
/// another and never wait for the disk.</summary>
public sealed class FileRaftLog : IRaftLog, IDisposable
{
    /// <summary>Bytes after which a new segment begins. Whole segments are deleted, so this is also what compaction leaves behind
    /// at most.</summary>
    public const long DefaultSegmentSize = 64L << 20;
    private const int MaxIdleBuffer = 8 << 20;

    private readonly IRaftDisk _disk;
    private readonly RaftSnapshotFiles _snapshots;
    private readonly long _segmentSize;
    private readonly Lock _writing = new();
    private readonly Lock _gate = new();
    private readonly MemoryRaftLog _memory;
    private readonly List<RaftLogSegmentInfo> _old;
    private ArrayBufferWriter<byte> _buffer = new(64 * 1024);
    private RaftLogSegment _current;
    private ulong _sequence; // of the last frame written
    private ulong _durable; // of the last frame known flushed
    private Exception? _failure;
    private bool _closed;
    private long _flushTicks;

    /// <summary>Opens the log, repairing a torn tail; creates it when the directory is empty.</summary>
    /// <exception cref="RaftLogDamagedException">Damage that no crash can leave behind.</exception>
    public FileRaftLog(IRaftDisk disk, long segmentSize = DefaultSegmentSize)
    {
        (_disk, _segmentSize) = (disk, segmentSize);
        _snapshots = new RaftSnapshotFiles(disk);
        var recovery = RaftLogRecovery.Run(disk, _snapshots);
        (_memory, _old, _sequence) = (recovery.Log, recovery.Segments, recovery.Sequence);
        TruncatedBytes = recovery.TruncatedBytes;
        _current = null!;
        recovery.Flush();
        // Always a new segment: the repaired tail is never appended to.
        Roll();
    }

    /// <summary>Bytes of a torn tail that opening cut off.</summary>
    public long TruncatedBytes { get; }

    /// <inheritdoc/>
    public TimeSpan FlushTime => TimeSpan.FromTicks(Volatile.Read(ref _flushTicks));

    public RaftHardState HardState { get { lock (_gate) return _memory.HardState; } }
    /// <inheritdoc/>
    public ulong FirstIndex { get { lock (_gate) return _memory.FirstIndex; } }
    /// <inheritdoc/>
    public ulong LastIndex { get { lock (_gate) return _memory.LastIndex; } }

    /// <inheritdoc/>
    public (RaftHardState HardState, RaftConfState ConfState) InitialState()
    {
        lock (_gate) return _memory.InitialState();
    }

    /// <inheritdoc/>
    public bool TryTerm(ulong index, out ulong term)
    {
        lock (_gate) return _memory.TryTerm(index, out term);
    }

    /// <inheritdoc/>
    public IReadOnlyList<RaftEntry> Entries(ulong lo, ulong hi, ulong maxSize)
    {
        lock (_gate) return _memory.Entries(lo, hi, maxSize);
    }

    /// <inheritdoc/>
    public RaftSnapshot? Snapshot()
    {
        lock (_gate) return _memory.Snapshot();
    }

    /// <inheritdoc/>
    public void Append(RaftHardState? hardState, IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot)
    {
        lock (_writing) Guarded(() => Write(hardState, entries, snapshot));
    }

    /// <inheritdoc/>
    public void CreateSnapshot(ulong index, RaftConfState confState, byte[] data)
    {
        lock (_writing) Guarded(() =>
        {
            RaftSnapshot? created;
            lock (_gate)
            {
                if (_memory.Snapshot() is { } held && index <= held.Index) return;
                if (!_memory.TryTerm(index, out var term))
                    throw new ArgumentOutOfRangeException(nameof(index),
                        $"snapshot at {index} asked, log holds [{_memory.FirstIndex}, {_memory.LastIndex}]");
                created = new RaftSnapshot(data, confState, index, term);
            }
            // The file is durable before memory knows of it: compaction goes by memory, and must never drop entries for a
            // snapshot that a crash takes away.
            _snapshots.Save(created);
            lock (_gate) _memory.CreateSnapshot(index, confState, data);
        });
    }

    /// <inheritdoc/>
    public void Compact(ulong index)
    {
        lock (_writing) Guarded(() =>
        {
            // Memory first: it refuses to pass the newest snapshot, and tells which segments hold nothing that is live.
            lock (_gate) _memory.Compact(index);
            DropSegments();
            _snapshots.DropOld();
        });
    }

    /// <summary>Flushes, and notes behind the last record that it is flushed: damage to it is then no torn tail.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            if (_closed) return;
            _closed = true;
            try
            {
                if (_failure is null) Close();
            }
            catch (IOException e)
            {
                _failure = e; // all that was reported durable is: only the note is missing
            }
            finally
            {
                _current.Dispose();
            }
        }
    }

    private void Close()
    {
        _current.Sync();
        _durable = _sequence;
        BeginFrame();
        RaftLogPayload.Add(_buffer, _memory.HardState);
        _current.Write(Frame(), ++_sequence, _durable);
        _current.Sync();
    }

    private void Write(RaftHardState? hardState, IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot)
    {
        if (hardState is null && entries.Count == 0 && snapshot is null) return;
        CheckFollows(entries, snapshot);
        // The snapshot's file comes first: a mark in the log without its file would be damage.
        if (snapshot is not null) _snapshots.Save(snapshot);
        var previous = HardState;
        // The rule of RaftReady.MustSync: entries, term and vote are promises to others. A commit index is learnt again and costs
        // no flush.
        var mustSync = entries.Count > 0 || snapshot is not null
            || (hardState is { } hs && (hs.Term != previous.Term || hs.Vote != previous.Vote));
        BeginFrame();
        if (hardState is { } state) RaftLogPayload.Add(_buffer, state);
        if (snapshot is not null) RaftLogPayload.Add(_buffer, RaftLogItem.SnapshotMark, snapshot.Index, snapshot.Term);
        foreach (var entry in entries) RaftLogPayload.Add(_buffer, entry);
        _current.Write(Frame(), ++_sequence, _durable);
        if (mustSync)
        {
            var began = Stopwatch.GetTimestamp();
            _current.Sync();
            _durable = _sequence;
            Volatile.Write(ref _flushTicks, Stopwatch.GetElapsedTime(began).Ticks);
        }
        if (entries.Count > 0) _current.MaxIndex = Math.Max(_current.MaxIndex, entries[^1].Index);
        // After the flush: what readers see is on disk.
        lock (_gate) _memory.Append(hardState, entries, snapshot);
        if (_current.Length >= _segmentSize) Roll();
    }

    private void CheckFollows(IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot)
    {
        var last = Math.Max(_memory.LastIndex, snapshot?.Index ?? 0);
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Index > last + 1 || (i > 0 && entries[i].Index != entries[i - 1].Index + 1))
                throw new ArgumentException($"entry {entries[i].Index} does not follow the log, which ends at {last}");
            last = entries[i].Index;
        }
    }

    private void Roll()
    {
        // The next segment must not become durable before the end of this one.
        if (_current is not null && _durable < _sequence)
        {
            _current.Sync();
            _durable = _sequence;
        }
        var number = Math.Max(_current?.Number ?? 0, _old.Count > 0 ? _old[^1].Number : 0) + 1;
        BeginFrame();
        RaftLogPayload.Add(_buffer, _memory.HardState);
        _memory.TryTerm(_memory.LastIndex, out var term);
        // Hard state and end of the log stand again at the start of each segment. So older ones can be deleted whole, and a lost
        // end of the one before is noticed.
        RaftLogPayload.Add(_buffer, RaftLogItem.Base, _memory.LastIndex, term);
        var next = RaftLogSegment.Create(_disk, number, ++_sequence, Frame());
        _durable = _sequence;
        if (_current is not null)
        {
            _old.Add(new RaftLogSegmentInfo(_current.Name, _current.Number, _current.MaxIndex));
            _current.Dispose();
        }
        _current = next;
    }

    /// <summary>Oldest first, and only whole files: what stays is always a run of segments.</summary>
    private void DropSegments()
    {
        while (_old.Count > 0 && _old[0].MaxIndex < _memory.FirstIndex)
        {
            _disk.Delete(_old[0].Name);
            _disk.SyncDirectory(); // each on its own: a later file must never be gone before an earlier one
            _old.RemoveAt(0);
        }
    }

    private void BeginFrame()
    {
        if (_buffer.Capacity > MaxIdleBuffer) _buffer = new ArrayBufferWriter<byte>(64 * 1024);
        _buffer.ResetWrittenCount();
        _buffer.GetSpan(RaftLogFrame.HeaderSize);
        _buffer.Advance(RaftLogFrame.HeaderSize);
    }

    private Span<byte> Frame() => MemoryMarshal.AsMemory(_buffer.WrittenMemory).Span;

    private void Guarded(Action action)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_failure is not null) throw new IOException("the raft log failed earlier and takes no more writes: restart the node", _failure);
        try
        {
            action();
        }
        catch (Exception e) when (e is not ArgumentException)
        {
            // After a failed write or flush nobody knows what is on disk: only a new recovery can tell.
            _failure = e;
            throw;
        }
    }
}
