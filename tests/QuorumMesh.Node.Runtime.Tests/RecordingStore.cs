using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A store in memory that tells of its writes.</summary>
internal sealed class RecordingStore : IKeyValueStore
{
    private readonly MemoryKeyValueStore _inner = new();

    public Action<KeyValueBatch, bool> Written { get; set; } = static (_, _) => { };

    /// <summary>What it holds now, and the batches that are written to it from now on, in order.</summary>
    public StoreRecording Record()
    {
        var recording = new StoreRecording(this);
        Written += recording.Add;
        Synced += recording.Flushed;
        return recording;
    }

    public byte[]? Get(ReadOnlySpan<byte> key) => _inner.Get(key);

    /// <summary>Called with the number of keys that are read together.</summary>
    public Action<int> ReadTogether { get; set; } = static _ => { };

    public byte[]?[] GetMany(ReadOnlySpan<byte[]> keys)
    {
        ReadTogether(keys.Length);
        return ((IKeyValueReader)_inner).GetMany(keys);
    }

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => _inner.Scan(prefix, from);

    public IKeyValueSnapshot Snapshot() => _inner.Snapshot();

    public void Write(KeyValueBatch batch, bool sync)
    {
        _inner.Write(batch, sync);
        Written(batch, sync);
    }

    /// <summary>Called by <see cref="Sync"/>.</summary>
    public Action Synced { get; set; } = static () => { };

    public void Sync() => Synced();

    public bool IsDisposed { get; private set; }

    public void Dispose()
    {
        IsDisposed = true;
        _inner.Dispose();
    }
}

/// <summary>
/// What a crash may leave of a store: all that was flushed, and of what was written since any part from the beginning on.
/// </summary>
internal sealed class StoreRecording
{
    private readonly KeyValueBatch _before = new();
    private readonly List<KeyValueBatch> _writes = [];
    private int _flushed;

    public StoreRecording(RecordingStore store)
    {
        foreach (var (key, value) in store.Scan([])) _before.Put(key.AsSpan(), value);
    }

    public void Add(KeyValueBatch batch, bool sync)
    {
        var copy = new KeyValueBatch();
        copy.Append(batch);
        _writes.Add(copy);
        if (sync) Flushed();
    }

    public void Flushed() => _flushed = _writes.Count;

    /// <summary>How many writes a crash may leave, the fewest first.</summary>
    public IEnumerable<int> Ends => Enumerable.Range(_flushed, _writes.Count - _flushed + 1);

    /// <summary>What is left with so many writes.</summary>
    public RecordingStore CrashAfter(int writes)
    {
        var store = new RecordingStore();
        store.Write(_before, sync: true);
        foreach (var batch in _writes.Take(writes)) store.Write(batch, sync: true);
        return store;
    }
}
