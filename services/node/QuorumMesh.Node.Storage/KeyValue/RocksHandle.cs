using System.Runtime.InteropServices;
using QuorumMesh.State;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>Counts who uses the native database, so that it is never closed under a reader: that would end the process.</summary>
internal sealed unsafe class RocksHandle(nint db)
{
    /// <summary>
    /// The database itself looks up 32 keys at a time (MAX_BATCH_SIZE, table/multiget_context.h); it holds the blocks of a call's values
    /// until they are copied.
    /// </summary>
    private const int KeysInACall = 64;

    private readonly nint _columnFamily = RocksNative.DefaultColumnFamily(db);
    private int _users = 1; // the owner
    private volatile bool _closed;

    public Usage Use()
    {
        for (var users = Volatile.Read(ref _users); !_closed && users > 0;)
        {
            // Never from 0 upwards: the last user has closed the database, and its memory is gone.
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users) return new Usage(this, db, _columnFamily);
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
        return Take(slice);
    }

    /// <summary>Values in the order of the keys; null for keys that are absent.</summary>
    public static byte[]?[] GetMany(in Usage use, ReadOnlySpan<byte[]> keys, nint readOptions)
    {
        var values = new byte[]?[keys.Length];
        for (var at = 0; at < keys.Length; at += KeysInACall)
        {
            var count = Math.Min(KeysInACall, keys.Length - at);
            GetSome(use, keys.Slice(at, count), readOptions, values.AsSpan(at, count));
        }

        return values;
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

    private static void GetSome(in Usage use, ReadOnlySpan<byte[]> keys, nint readOptions, Span<byte[]?> values)
    {
        var size = 0;
        foreach (var key in keys) size += key.Length;
        // One piece of memory that does not move in place of a pin for each key.
        var copy = (byte*)NativeMemory.Alloc((nuint)Math.Max(size, 1));
        try
        {
            var starts = stackalloc byte*[KeysInACall];
            var lengths = stackalloc nuint[KeysInACall];
            var slices = stackalloc nint[KeysInACall];
            var errors = stackalloc nint[KeysInACall];
            var at = copy;
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i].CopyTo(new Span<byte>(at, keys[i].Length));
                starts[i] = at;
                lengths[i] = (nuint)keys[i].Length;
                at += keys[i].Length;
            }

            RocksNative.MultiGet(use.Db, readOptions, use.ColumnFamily, (nuint)keys.Length, starts, lengths, slices, errors, isSorted: 0);
            for (var i = 0; i < values.Length; i++) values[i] = Take(slices[i]);
            ThrowIfError(new ReadOnlySpan<nint>(errors, keys.Length));
        }
        finally
        {
            NativeMemory.Free(copy);
        }
    }

    private static byte[]? Take(nint slice)
    {
        if (slice == 0) return null;
        var value = new ReadOnlySpan<byte>(RocksNative.PinnedValue(slice, out var length), checked((int)length)).ToArray();
        RocksNative.PinnedDestroy(slice);
        return value;
    }

    /// <summary>Of several errors the first is told; all are freed.</summary>
    private static void ThrowIfError(ReadOnlySpan<nint> errors)
    {
        nint first = 0;
        foreach (var error in errors)
        {
            if (first == 0) first = error;
            else RocksNative.TakeError(error);
        }

        ThrowIfError(first, "read from");
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        RocksNative.ColumnFamilyDestroy(_columnFamily);
        RocksNative.Close(db);
    }

    public readonly struct Usage(RocksHandle handle, nint db, nint columnFamily) : IDisposable
    {
        public nint Db { get; } = db;

        /// <summary>The only one.</summary>
        public nint ColumnFamily { get; } = columnFamily;

        public void Dispose() => handle.Release();
    }
}
