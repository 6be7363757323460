namespace QuorumMesh.State;

/// <summary>A snapshot as a store that nothing is ever written to. The snapshot stays its owner's.</summary>
internal sealed class FrozenStore(IKeyValueReader snapshot) : IKeyValueStore
{
    public byte[]? Get(ReadOnlySpan<byte> key) => snapshot.Get(key);

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => snapshot.Scan(prefix, from);

    public IKeyValueSnapshot Snapshot() => throw new InvalidOperationException("a snapshot has no snapshots");

    public void Write(KeyValueBatch batch, bool sync) => throw new InvalidOperationException("a snapshot cannot be written to");

    public void Dispose()
    {
    }
}
