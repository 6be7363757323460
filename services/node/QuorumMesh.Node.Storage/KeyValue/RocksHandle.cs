using QuorumMesh.State;
using RocksDbSharp;

namespace QuorumMesh.Node.Storage;

/// <summary>Counts who uses the native database, so that it is never closed under a reader: that would end the process.</summary>
internal sealed class RocksHandle(RocksDb db)
{
    private int _users = 1; // the owner
    private volatile bool _closed;

    public Usage Use()
    {
        for (var users = Volatile.Read(ref _users); !_closed && users > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users) return new Usage(this, db);
            users = seen;
        }

        throw new ObjectDisposedException(nameof(RocksKeyValueStore), "the store is closed");
    }

    public void Close()
    {
        _closed = true;
        Release();
    }

    public byte[]? Get(ReadOnlySpan<byte> key, ReadOptions options)
    {
        using var use = Use();
        return Get(use, key, options);
    }

    public static byte[]? Get(in Usage use, ReadOnlySpan<byte> key, ReadOptions options)
    {
        try
        {
            return use.Db.Get(key, null, options);
        }
        catch (RocksDbException e)
        {
            throw new StoreException($"cannot read from the store: {e.Message}; check the disk", e);
        }
    }

    /// <summary>Lazy: the native iterator lives from the first step to the enumerator's end.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from, Snapshot? snapshot)
    {
        using var use = Use();
        foreach (var entry in Scan(use.Db, prefix, from, snapshot))
            yield return entry;
    }

    public static IEnumerable<KeyValuePair<byte[], byte[]>> Scan(RocksDb db, byte[] prefix, byte[]? from, Snapshot? snapshot)
    {
        var bound = PinnedBound(prefix);
        var options = Options(bound, snapshot);
        using (var iterator = db.NewIterator(null, options))
        {
            iterator.Seek(from is not null && from.AsSpan().SequenceCompareTo(prefix) > 0 ? from : prefix);
            for (; iterator.Valid(); iterator.Next())
            {
                var key = iterator.Key();
                if (!key.AsSpan().StartsWith(prefix)) break;
                yield return new KeyValuePair<byte[], byte[]>(key, iterator.Value());
            }
        }

        GC.KeepAlive(options);
        GC.KeepAlive(bound);
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) db.Dispose();
    }

    private static unsafe ReadOptions Options(byte[]? bound, Snapshot? snapshot)
    {
        var options = new ReadOptions();
        if (snapshot is not null) options.SetSnapshot(snapshot);
        if (bound is null) return options;
        fixed (byte* start = bound)
            options.SetIterateUpperBound(start, (ulong)bound.Length); // pinned for good, so the pointer stays right
        return options;
    }

    /// <summary>The first key after all that start with the prefix: null when there is none (all 0xff).</summary>
    private static byte[]? PinnedBound(byte[] prefix)
    {
        var length = prefix.Length;
        while (length > 0 && prefix[length - 1] == 0xff) length--;
        if (length == 0) return null;
        var bound = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        prefix.AsSpan(0, length).CopyTo(bound);
        bound[^1]++;
        return bound;
    }

    public readonly struct Usage(RocksHandle handle, RocksDb db) : IDisposable
    {
        public RocksDb Db { get; } = db;

        public void Dispose() => handle.Release();
    }
}
