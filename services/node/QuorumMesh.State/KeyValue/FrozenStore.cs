namespace QuorumMesh.State.KeyValue;

/// <summary>A snapshot as a store that nothing is ever written to. The snapshot stays its owner's.</summary>
internal sealed class FrozenStore(IKeyValueReader snapshot) : IKeyValueStore
{
    /// <summary>What is read; null while there is nothing to read from.</summary>
    public IKeyValueReader? Reader { get; set; } = snapshot;

    private IKeyValueReader Present => Reader ?? throw new InvalidOperationException("the snapshot was taken back");

    public byte[]? Get(ReadOnlySpan<byte> key) => Present.Get(key);

    public byte[]?[] GetMany(ReadOnlySpan<byte[]> keys) => Present.GetMany(keys);

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => Present.Scan(prefix, from);

    public IKeyValueSnapshot Snapshot() => throw new InvalidOperationException("a snapshot has no snapshots");

    public void Write(KeyValueBatch batch, bool sync) => throw new InvalidOperationException("a snapshot cannot be written to");

    public void Sync()
    {
    }

    public void Dispose()
    {
    }
}
