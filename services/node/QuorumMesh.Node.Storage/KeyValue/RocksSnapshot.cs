using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>Keeps the database open, and replaced values on disk, until it and its running scans are disposed.</summary>
internal sealed class RocksSnapshot : IKeyValueSnapshot
{
    private readonly RocksHandle.Usage _database;
    private readonly nint _snapshot;
    private readonly nint _options;
    private int _users = 1; // the owner
    private int _closed;

    public RocksSnapshot(RocksHandle handle)
    {
        _database = handle.Use();
        _snapshot = RocksNative.SnapshotCreate(_database.Db);
        _options = RocksNative.ReadOptionsCreate();
        RocksNative.ReadOptionsSetSnapshot(_options, _snapshot);
    }

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        Enter();
        try
        {
            return RocksHandle.Get(_database.Db, key, _options);
        }
        finally
        {
            Exit();
        }
    }

    public byte[]?[] GetMany(ReadOnlySpan<byte[]> keys)
    {
        Enter();
        try
        {
            return RocksHandle.GetMany(_database, keys, _options);
        }
        finally
        {
            Exit();
        }
    }

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null)
    {
        Enter();
        try
        {
            foreach (var entry in RocksHandle.Scan(_database.Db, prefix, from, _snapshot))
                yield return entry;
        }
        finally
        {
            Exit();
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0) Exit();
    }

    private void Enter()
    {
        for (var users = Volatile.Read(ref _users); Volatile.Read(ref _closed) == 0 && users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users) return;
            users = seen;
        }

        throw new ObjectDisposedException(nameof(IKeyValueSnapshot), "the snapshot is closed");
    }

    private void Exit()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        RocksNative.ReadOptionsDestroy(_options);
        RocksNative.SnapshotRelease(_database.Db, _snapshot);
        _database.Dispose();
    }
}
