using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>
/// The key-value port on RocksDB. Reads and writes may come from any thread. A written batch survives the death of the process at
/// once, and of the machine from the next synced write on.
/// </summary>
public sealed unsafe class RocksKeyValueStore : IKeyValueStore
{
    /// <summary>
    /// A writer may merge and remove a file between its listing and its opening; then what it held is missing or an error, and
    /// the next look has it.
    /// </summary>
    private const int ReadOnlyAttempts = 5;

    private static readonly nint Latest = RocksNative.ReadOptionsCreate();
    private static readonly nint Unsynced = RocksNative.WriteOptionsCreate();
    private static readonly nint Synced = CreateSynced();
    private readonly RocksHandle _handle;
    private readonly Func<IKeyValueReader, ulong> _position;
    private StoreMark? _mark;
    private (string Path, StoreMark.Values? Mark)? _opened;
    private int _disposed;

    private RocksKeyValueStore(nint db, Func<IKeyValueReader, ulong>? position) =>
        (_handle, _position) = (new RocksHandle(db), position ?? (static _ => 0));

    /// <summary>Set when opening found less than the store had when it was last written, or a damaged write-ahead log.</summary>
    public StoreLoss? Loss { get; private set; }

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

        options ??= new RocksStoreOptions();
        // The mark is read and the log looked at before RocksDB opens: its recovery drops a damaged tail without a word, and the
        // look afterwards would find all well.
        var mark = StoreMark.Read(path);
        var (damage, kept) = LookForDamage(path, mark);
        var native = RocksSettings.Create(options);
        var db = RocksNative.Open(native, path, out var error);
        RocksNative.OptionsDestroy(native);
        if (RocksNative.TakeError(error) is { } message)
            throw IsLock(message) ? new StoreLockedException(path) : CannotOpen(path, message, null);
        var store = new RocksKeyValueStore(db, options.Position);
        store.Begin(path, mark, damage, kept);
        return store;
    }

    /// <summary>Opens the store as it is at this moment, for reading alone; another process may have it open and go on writing.</summary>
    /// <exception cref="StoreException">There is none, or it cannot be read.</exception>
    public static RocksKeyValueStore OpenReadOnly(string path)
    {
        if (!Directory.Exists(path)) throw new StoreException($"there is no store in {path}");
        for (var attempt = 1; ; attempt++)
        {
            var mark = StoreMark.Read(path); // before the store: a writer only goes on
            var db = TryOpenReadOnly(path, out var message);
            if (message is null)
            {
                if (RocksNative.LatestSequence(db) >= (mark?.Expected().Sequence ?? 0) || attempt == ReadOnlyAttempts)
                    return new RocksKeyValueStore(db, null) { _opened = (path, mark) };
                RocksNative.Close(db);
            }
            else if (attempt == ReadOnlyAttempts || !message.Contains("No such file", StringComparison.Ordinal))
            {
                throw CannotOpen(path, message, null);
            }
        }
    }

    private static nint TryOpenReadOnly(string path, out string? message)
    {
        // Every file is opened at once: the writer may remove those that it has merged.
        var native = RocksSettings.Create(new RocksStoreOptions { MaxOpenFiles = -1 });
        var db = RocksNative.OpenReadOnly(native, path, failIfWal: 0, out var error);
        RocksNative.OptionsDestroy(native);
        message = RocksNative.TakeError(error);
        return db;
    }

    /// <summary>
    /// What a store opened for reading alone lacks of its write-ahead log, or has damaged there, a line each. A torn end after a
    /// crash is no fault.
    /// </summary>
    public IReadOnlyList<string> FindLogFaults()
    {
        using var use = _handle.Use();
        var (path, mark) = _opened ?? throw new InvalidOperationException("the store is open for writing");
        var faults = RocksWal.Faults(path, mark);
        var (held, expected) = (RocksNative.LatestSequence(use.Db), mark?.Expected() ?? default);
        if (held < expected.Sequence)
            faults.Add($"the store ends at write {held}, but write {expected.Sequence} (block {expected.Position}) was made: the end of "
                + "its write-ahead log is lost or damaged");
        return faults;
    }

    /// <inheritdoc/>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        using var use = _handle.Use();
        return RocksHandle.Get(use.Db, key, Latest);
    }

    /// <inheritdoc/>
    public byte[]?[] GetMany(ReadOnlySpan<byte[]> keys)
    {
        using var use = _handle.Use();
        return RocksHandle.GetMany(use, keys, Latest);
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null)
    {
        using var use = _handle.Use();
        foreach (var entry in RocksHandle.Scan(use.Db, prefix, from, snapshot: 0))
            yield return entry;
    }

    /// <inheritdoc/>
    public IKeyValueSnapshot Snapshot() => new RocksSnapshot(_handle);

    /// <inheritdoc/>
    public void Write(KeyValueBatch batch, bool sync)
    {
        using var use = _handle.Use();
        // A flush covers all earlier writes; of those by other threads meanwhile nothing is known.
        var synced = sync ? RocksNative.LatestSequence(use.Db) + (ulong)batch.Count : 0;
        var native = RocksBatch.Create(batch);
        RocksNative.Write(use.Db, sync ? Synced : Unsynced, native, out var error);
        RocksNative.BatchDestroy(native);
        RocksHandle.ThrowIfError(error, "write to");
        // After the write: a mark ahead of the store would report a loss that never was.
        _mark?.Note(new StoreMark.Point(RocksNative.LatestSequence(use.Db), _position(this)), synced);
    }

    /// <inheritdoc/>
    public void Sync()
    {
        using var use = _handle.Use();
        // What is known to be flushed afterwards; the position first, so that it is never ahead of the sequence.
        var position = _position(this);
        var covered = new StoreMark.Point(RocksNative.LatestSequence(use.Db), position);
        RocksNative.FlushWal(use.Db, sync: 1, out var error);
        RocksHandle.ThrowIfError(error, "flush");
        _mark?.Note(covered, covered.Sequence);
    }

    /// <summary>Refuses further calls; the database closes when the last snapshot and running scan are disposed.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _mark?.Dispose();
        _handle.Close();
    }

    /// <summary>Before the database opens: it removes what it does not understand, so a copy is kept.</summary>
    private static (string? Damage, string? KeptIn) LookForDamage(string path, StoreMark.Values? mark)
    {
        if (RocksWal.Faults(path, mark) is not [var first, ..]) return (null, null);
        var number = 1;
        while (Directory.Exists(Kept(number))) number++;
        Directory.CreateDirectory(Kept(number));
        foreach (var file in RocksWal.Files(path)) File.Copy(file, Path.Combine(Kept(number), Path.GetFileName(file)));
        return (first, Kept(number));

        string Kept(int n) => Path.Combine(path, $"damaged-{n}");
    }

    private void Begin(string path, StoreMark.Values? mark, string? damage, string? kept)
    {
        using var use = _handle.Use();
        var start = new StoreMark.Point(RocksNative.LatestSequence(use.Db), _position(this));
        var expected = mark?.Expected() ?? default;
        var isShort = start.Sequence < expected.Sequence;
        if (isShort || damage is not null)
            Loss = new StoreLoss(start.Position, isShort ? expected.Position : null,
            damage ?? "the end of its write-ahead log is gone", kept);
        _mark = new StoreMark(path, start, mark);
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
