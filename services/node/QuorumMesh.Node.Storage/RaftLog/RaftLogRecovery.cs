using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>A finished segment: no longer written, deleted once all its entries are compacted away.</summary>
internal readonly record struct RaftLogSegmentInfo(string Name, ulong Number, ulong MaxIndex);

/// <summary>
/// Reads a log directory back into memory and cuts a torn tail off. Only frames that no flush covered may be missing: of those
/// none but the last can hold more than a moved commit index, and the last was not reported durable. A frame says which frames
/// had been flushed when it was written, and a segment begins with what the log held then, so that a loss of anything else is
/// seen and refused. What cannot be told from a torn tail is damage to the very last frame while nothing was written behind it.
/// </summary>
internal sealed class RaftLogRecovery
{
    private const string Advice = RaftLogDamagedException.Advice;
    private readonly IRaftDisk _disk;

    private string? _shortSegment; // ends before the one behind it begins

    private RaftLogRecovery(IRaftDisk disk) => _disk = disk;

    public MemoryRaftLog Log { get; } = new();
    public List<RaftLogSegmentInfo> Segments { get; } = [];
    public ulong Sequence { get; private set; }
    public long TruncatedBytes { get; private set; }

    public static RaftLogRecovery Run(IRaftDisk disk, RaftSnapshotFiles snapshots)
    {
        var recovery = new RaftLogRecovery(disk);
        var names = recovery.Segmented();
        for (var i = 0; i < names.Count; i++)
            recovery.Replay(names[i].Name, names[i].Number, isFirst: i == 0, isLast: i == names.Count - 1);
        // Last: the newest snapshot's file may be ahead of the log, since it is written first.
        recovery.TakeSnapshot(snapshots.Newest());
        return recovery;
    }

    private List<(string Name, ulong Number)> Segmented()
    {
        var result = new List<(string, ulong)>();
        foreach (var name in _disk.List())
        {
            if (name.EndsWith(".tmp", StringComparison.Ordinal)) _disk.Delete(name); // a creation that did not finish
            else if (RaftLogSegment.IsSegment(name, out var number)) result.Add((name, number));
            else if (name.EndsWith(".wal", StringComparison.Ordinal))
                throw new RaftLogDamagedException($"{name} is a write-ahead log of GoQuorum, which cannot be taken over: "
                    + "start this node with an empty raft directory and a new raft id (raft_addPeer, --raftjoinexisting)");
        }
        result.Sort();
        return result;
    }

    private void Replay(string name, ulong number, bool isFirst, bool isLast)
    {
        var data = _disk.ReadAll(name);
        var (salt, first) = RaftLogSegment.ReadHeader(name, data);
        if (!isFirst && first <= Sequence)
            throw new RaftLogDamagedException($"raft log file {name} does not follow the one before it: {Advice}");
        // Its first frame repeats what must not be missing, and Apply compares.
        if (!isFirst && first > Sequence + 1) _shortSegment ??= Segments[^1].Name;
        Sequence = first - 1;
        var offset = RaftLogSegment.HeaderSize;
        ulong maxIndex = 0;
        do
        {
            while (offset < data.Length && RaftLogFrame.TryRead(data, offset, salt, Sequence + 1, out var payload))
            {
                Apply(payload, isFirst, ref maxIndex);
                Sequence++;
                offset += RaftLogFrame.HeaderSize + payload.Length;
            }
        }
        while (offset < data.Length && TryPassHole(name, data, ref offset, salt));
        if (Sequence < first)
            throw new RaftLogDamagedException(
            $"raft log file {name} is damaged in its first record, which was whole when the file got its name: {Advice}");
        if (offset < data.Length && isLast) Cut(name, data, offset);
        Segments.Add(new RaftLogSegmentInfo(name, number, maxIndex));
    }

    /// <summary>
    /// Passes over frames that were never flushed though a later one of the same flush arrived: they only moved the commit index.
    /// </summary>
    private bool TryPassHole(string name, byte[] data, ref int offset, uint salt)
    {
        if (!RaftLogFrame.TryFindIntact(data, offset, salt, Sequence + 1, out var next)) return false;
        // The frame behind the hole says that this one had been flushed: it was lost afterwards, and others may count on it.
        if (next.Durable > Sequence)
            throw new RaftLogDamagedException($"raft log file {name} is damaged at byte {offset} and good records follow: {Advice}");
        (offset, Sequence) = (next.Offset, next.Sequence - 1);
        return true;
    }

    private void Cut(string name, byte[] data, int offset)
    {
        using var file = _disk.Open(name);
        file.Truncate(offset);
        file.Sync();
        TruncatedBytes = data.Length - offset;
    }

    /// <summary>
    /// What was read may be in the system's memory alone, written by a process that was killed. It is flushed before a new
    /// segment refers to it, and before anybody is told of it.
    /// </summary>
    public void Flush()
    {
        foreach (var segment in Segments)
        {
            using var file = _disk.Open(segment.Name);
            file.Sync();
        }
        _disk.SyncDirectory();
    }

    private void Apply(ReadOnlySpan<byte> payload, bool isFirst, ref ulong maxIndex)
    {
        while (RaftLogPayload.TryNext(ref payload, out var kind, out var body))
        {
            switch (kind)
            {
                case RaftLogItem.HardState:
                    Log.Append(RaftWire.DecodeHardState(body), [], null);
                    break;
                case RaftLogItem.Entry:
                    var entry = RaftWire.DecodeEntry(body);
                    maxIndex = Math.Max(maxIndex, entry.Index);
                    AppendEntry(entry);
                    break;
                case RaftLogItem.SnapshotMark:
                    var (index, term) = RaftLogPayload.ReadPosition(body);
                    if (!Log.TryTerm(index, out var held) || held != term) Log.Rebase(index, term);
                    break;
                case RaftLogItem.Base:
                    // In a later file it differs from what was read only when an earlier recovery took a newer snapshot.
                    var (baseIndex, baseTerm) = RaftLogPayload.ReadPosition(body);
                    if (isFirst || Log.LastIndex != baseIndex || !Log.TryTerm(baseIndex, out var own) || own != baseTerm)
                        Log.Rebase(baseIndex, baseTerm);
                    break;
                default:
                    throw new RaftLogDamagedException(
                        $"raft log item of unknown kind {(byte)kind}: the log was written by a newer version");
            }
        }
    }

    private void AppendEntry(RaftEntry entry)
    {
        // The oldest file starts in the middle of what was later replaced: the replacement is the true predecessor.
        if (entry.Index < Log.FirstIndex) Log.Rebase(entry.Index, entry.Term);
        else Log.Append(null, [entry], null);
    }

    private void TakeSnapshot(RaftSnapshot? snapshot)
    {
        if (snapshot is not null)
        {
            var state = Log.HardState;
            // Its file is written before the log: after a crash it may be ahead.
            if (state.Commit < snapshot.Index) state = state with { Commit = snapshot.Index };
            // A vote belongs to the term it was given in.
            if (state.Term < snapshot.Term) state = new RaftHardState(snapshot.Term, 0, state.Commit);
            Log.Append(state, [], snapshot);
        }
        if (Log.FirstIndex - 1 > (snapshot?.Index ?? 0))
            throw new RaftLogDamagedException(_shortSegment is null
                ? $"the raft log starts at {Log.FirstIndex} but the snapshot before it is missing: {Advice}"
                : $"the end of raft log file {_shortSegment} is lost, and with it entries up to {Log.FirstIndex - 1} that may have been "
                    + $"acknowledged: {Advice}");
        // What was committed had been acknowledged: an end before it is a loss, never a torn tail.
        if (Log.HardState.Commit > Log.LastIndex)
            throw new RaftLogDamagedException(
                $"the raft log ends at {Log.LastIndex} but entries up to {Log.HardState.Commit} were committed: {Advice}");
    }
}
