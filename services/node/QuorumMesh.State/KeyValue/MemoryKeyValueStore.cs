namespace QuorumMesh.State.KeyValue;

/// <summary>Sorted in-memory store for tests and simulation; snapshots are cheap and stay readable after the store is disposed.</summary>
public sealed class MemoryKeyValueStore : IKeyValueStore
{
    private readonly object _gate = new();
    private readonly SortedChunks _entries = new();

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        lock (_gate)
            return _entries.TryGet(key, out var value) ? value : null;
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null)
    {
        SortedChunks frozen;
        lock (_gate)
            frozen = _entries.Freeze();
        return frozen.Scan(prefix, from);
    }

    /// <inheritdoc/>
    public IKeyValueSnapshot Snapshot()
    {
        lock (_gate)
            return new FrozenSnapshot(_entries.Freeze());
    }

    /// <inheritdoc/>
    public void Write(KeyValueBatch batch, bool sync)
    {
        lock (_gate)
        {
            foreach (var (key, value) in batch.Operations)
            {
                if (value is null) _entries.Remove(key);
                else _entries.Set(key, value);
            }
        }
    }

    /// <inheritdoc/>
    public void Sync()
    {
    }

    public void Dispose()
    {
    }

    private sealed class FrozenSnapshot(SortedChunks entries) : IKeyValueSnapshot
    {
        public byte[]? Get(ReadOnlySpan<byte> key) => entries.TryGet(key, out var value) ? value : null;

        public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => entries.Scan(prefix, from);

        public void Dispose()
        {
        }
    }
}
