using QuorumMesh.State;
using RocksDbSharp;

namespace QuorumMesh.Node.Storage;

/// <summary>
/// The key-value port on RocksDB. Reads may come from any thread. A written batch survives the death of the process at once, and of
/// the machine from the next synced write on.
/// </summary>
public sealed class RocksKeyValueStore : IKeyValueStore
{
    private static readonly ReadOptions Latest = new();
    private readonly RocksHandle _handle;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly WriteOptions _unsynced = new WriteOptions().SetSync(false);
    private int _disposed;

    private RocksKeyValueStore(RocksHandle handle) => _handle = handle;

    /// <summary>Opens the store in this folder, making it when absent.</summary>
    /// <exception cref="StoreLockedException">Somebody else has it open.</exception>
    /// <exception cref="StoreException">It cannot be made or read.</exception>
    public static RocksKeyValueStore Open(string path, RocksStoreOptions? options = null)
    {
        try
        {
            Directory.CreateDirectory(path);
            return new RocksKeyValueStore(new RocksHandle(RocksDb.Open(RocksSettings.For(options ?? new RocksStoreOptions()), path)));
        }
        catch (RocksDbException e) when (IsLock(e.Message))
        {
            throw new StoreLockedException(path, e);
        }
        catch (Exception e) when (e is RocksDbException or IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"cannot open the store in {path}: {e.Message}; check the folder's rights and the free space, or choose another --datadir", e);
        }
    }

    public byte[]? Get(ReadOnlySpan<byte> key) => _handle.Get(key, Latest);

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => _handle.Scan(prefix, from, null);

    public IKeyValueSnapshot Snapshot() => new RocksSnapshot(_handle);

    public void Write(KeyValueBatch batch, bool sync)
    {
        using var use = _handle.Use();
        using var native = new WriteBatch();
        foreach (var (key, value) in batch.Operations)
        {
            if (value is null) native.Delete(key);
            else native.Put(key, value);
        }

        try
        {
            use.Db.Write(native, sync ? _synced : _unsynced);
        }
        catch (RocksDbException e)
        {
            throw new StoreException($"cannot write to the store: {e.Message}; check the free space and the disk", e);
        }
    }

    /// <summary>Refuses further calls; the database closes when the last snapshot and running scan are disposed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _handle.Close();
    }

    private static bool IsLock(string message) =>
        message.Contains("lock", StringComparison.OrdinalIgnoreCase) && message.Contains("LOCK:", StringComparison.Ordinal);
}
