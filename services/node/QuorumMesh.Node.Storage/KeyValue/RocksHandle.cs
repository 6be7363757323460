using System.Runtime.InteropServices;
using QuorumMesh.State;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>Counts who uses the native database, so that it is never closed under a reader: that would end the process.</summary>
internal sealed unsafe class RocksHandle(nint db)
{
    private int _users = 1; // the owner
    private volatile bool _closed;

    public Usage Use()
    {
        for (var users = Volatile.Read(ref _users); !_closed && users > 0;)
        {
            // Never from 0 upwards: the last user has closed the database, and its memory is gone.
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

    public static byte[]? Get(nint db, ReadOnlySpan<byte> key, nint readOptions)
    {
        nint slice, error;
        fixed (byte* start = &MemoryMarshal.GetReference(key))
            slice = RocksNative.GetPinned(db, readOptions, start, (nuint)key.Length, out error);
        ThrowIfError(error, "read from");
        if (slice == 0) return null;
        var value = new ReadOnlySpan<byte>(RocksNative.PinnedValue(slice, out var length), checked((int)length)).ToArray();
        RocksNative.PinnedDestroy(slice);
        return value;
    }

    /// <summary>Lazy: the native iterator lives from the first step to the enumerator's end. The caller holds the database open.</summary>
    public static IEnumerable<KeyValuePair<byte[], byte[]>> Scan(nint db, byte[] prefix, byte[]? from, nint snapshot)
    {
        using var iterator = new RocksIterator(db, prefix, snapshot);
        iterator.Seek(from is not null && from.AsSpan().SequenceCompareTo(prefix) > 0 ? from : prefix);
        for (; iterator.Valid; iterator.Next())
        {
            var entry = iterator.Current;
            if (!entry.Key.AsSpan().StartsWith(prefix)) break;
            yield return entry;
        }
    }

    public static void ThrowIfError(nint error, string doing)
    {
        if (RocksNative.TakeError(error) is { } message)
            throw new StoreException($"cannot {doing} the store: {message}; check the disk and its free space");
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) RocksNative.Close(db);
    }

    public readonly struct Usage(RocksHandle handle, nint db) : IDisposable
    {
        public nint Db { get; } = db;

        public void Dispose() => handle.Release();
    }
}
