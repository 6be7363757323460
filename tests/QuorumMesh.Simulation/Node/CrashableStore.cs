using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// A store with a write-ahead log's promise: a crash loses the newest unsynced batches, never a part of one, never an older one alone.
/// </summary>
internal sealed class CrashableStore : IKeyValueStore
{
    private readonly List<KeyValueBatch> _unsynced = [];
    private readonly MemoryKeyValueStore _durable = new();
    private MemoryKeyValueStore _live = new();
    private int _writesLeft = int.MaxValue;

    /// <summary>The n-th write from now fails, and all later ones.</summary>
    public void LosePowerAfter(int writes) => _writesLeft = writes;

    /// <summary>
    /// The process ends, the machine goes on: every write is there for the next process, and the unsynced ones may be lost later.
    /// </summary>
    public void Kill() => _writesLeft = int.MaxValue;

    public void Crash(Random random)
    {
        for (var kept = random.Next(_unsynced.Count + 1); kept > 0; kept--)
        {
            _durable.Write(_unsynced[0], sync: true);
            _unsynced.RemoveAt(0);
        }
        _unsynced.Clear();
        _writesLeft = int.MaxValue;
        _live = new MemoryKeyValueStore();
        var all = new KeyValueBatch();
        foreach (var (key, value) in _durable.Scan([])) all.Put(key.AsSpan(), value);
        _live.Write(all, sync: true);
    }

    public byte[]? Get(ReadOnlySpan<byte> key) => _live.Get(key);

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => _live.Scan(prefix, from);

    public IKeyValueSnapshot Snapshot() => _live.Snapshot();

    public void Write(KeyValueBatch batch, bool sync)
    {
        if (--_writesLeft < 0) throw new SimulatedPowerLossException();
        _unsynced.Add(Copy(batch));
        _live.Write(batch, sync);
        if (sync) Flush();
    }

    public void Sync()
    {
        if (--_writesLeft < 0) throw new SimulatedPowerLossException();
        Flush();
    }

    public void Dispose()
    {
    }

    private void Flush()
    {
        foreach (var pending in _unsynced) _durable.Write(pending, sync: true);
        _unsynced.Clear();
    }

    private static KeyValueBatch Copy(KeyValueBatch batch)
    {
        var copy = new KeyValueBatch();
        foreach (var (key, value) in batch.Operations)
        {
            if (value is null) copy.Delete(key.AsSpan());
            else copy.Put(key.AsSpan(), value);
        }
        return copy;
    }
}
