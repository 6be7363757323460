using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A store in memory that tells of its writes.</summary>
internal sealed class RecordingStore : IKeyValueStore
{
    private readonly MemoryKeyValueStore _inner = new();

    public Action<KeyValueBatch, bool> Written { get; set; } = static (_, _) => { };

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
