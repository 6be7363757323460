using QuorumMesh.State;

namespace QuorumMesh.Node.Storage;

/// <summary>
/// The key-value port on RocksDB. Reads and writes may come from any thread. A written batch survives the death of the process at once, and of
/// the machine from the next synced write on.
/// </summary>
public sealed unsafe class RocksKeyValueStore : IKeyValueStore
{
    private static readonly nint Latest = RocksNative.ReadOptionsCreate();
    private static readonly nint Unsynced = RocksNative.WriteOptionsCreate();
    private static readonly nint Synced = CreateSynced();
    private readonly RocksHandle _handle;
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
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotOpen(path, e.Message, e);
        }

        var native = RocksSettings.Create(options ?? new RocksStoreOptions());
        var db = RocksNative.Open(native, path, out var error);
        RocksNative.OptionsDestroy(native);
        if (RocksNative.TakeError(error) is { } message) throw IsLock(message) ? new StoreLockedException(path) : CannotOpen(path, message, null);
        return new RocksKeyValueStore(new RocksHandle(db));
    }

    /// <summary>Opens the store as it is at this moment, for reading alone; another process may have it open and go on writing.</summary>
    /// <exception cref="StoreException">There is none, or it cannot be read.</exception>
    public static RocksKeyValueStore OpenReadOnly(string path)
    {
        if (!Directory.Exists(path)) throw new StoreException($"there is no store in {path}");
        // Every file is opened at once: the writer may remove those that it has merged.
        var native = RocksSettings.Create(new RocksStoreOptions { MaxOpenFiles = -1 });
        var db = RocksNative.OpenReadOnly(native, path, failIfWal: 0, out var error);
        RocksNative.OptionsDestroy(native);
        if (RocksNative.TakeError(error) is { } message) throw CannotOpen(path, message, null);
        return new RocksKeyValueStore(new RocksHandle(db));
    }

    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        using var use = _handle.Use();
        return RocksHandle.Get(use.Db, key, Latest);
    }

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null)
    {
        using var use = _handle.Use();
        foreach (var entry in RocksHandle.Scan(use.Db, prefix, from, snapshot: 0))
            yield return entry;
    }

    public IKeyValueSnapshot Snapshot() => new RocksSnapshot(_handle);

    public void Write(KeyValueBatch batch, bool sync)
    {
        using var use = _handle.Use();
        var native = RocksBatch.Create(batch);
        RocksNative.Write(use.Db, sync ? Synced : Unsynced, native, out var error);
        RocksNative.BatchDestroy(native);
        RocksHandle.ThrowIfError(error, "write to");
    }

    /// <summary>Refuses further calls; the database closes when the last snapshot and running scan are disposed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _handle.Close();
    }

    private static nint CreateSynced()
    {
        var options = RocksNative.WriteOptionsCreate();
        RocksNative.WriteOptionsSetSync(options, 1);
        return options;
    }

    private static StoreException CannotOpen(string path, string reason, Exception? inner) =>
        new($"cannot open the store in {path}: {reason}; check the folder's rights and the free space, or choose another --datadir", inner);

    private static bool IsLock(string message) =>
        message.Contains("lock", StringComparison.OrdinalIgnoreCase) && message.Contains("LOCK:", StringComparison.Ordinal);
}
