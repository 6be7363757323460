namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>A native iterator bounded to one prefix, so that it never walks over what was deleted behind it.</summary>
internal sealed unsafe class RocksIterator : IDisposable
{
    private readonly byte[]? _bound; // pinned for good: the native options keep its address
    private readonly nint _options = RocksNative.ReadOptionsCreate();
    private readonly nint _iterator;

    public RocksIterator(nint db, byte[] prefix, nint snapshot)
    {
        _bound = PinnedBound(prefix);
        if (snapshot != 0) RocksNative.ReadOptionsSetSnapshot(_options, snapshot);
        if (_bound is not null)
        {
            fixed (byte* start = _bound)
                RocksNative.ReadOptionsSetUpperBound(_options, start, (nuint)_bound.Length);
        }

        _iterator = RocksNative.IteratorCreate(db, _options);
    }

    /// <summary>False at the end.</summary>
    /// <exception cref="StoreException">The end is a read error.</exception>
    public bool Valid
    {
        get
        {
            if (RocksNative.IteratorValid(_iterator) != 0) return true;
            RocksNative.IteratorError(_iterator, out var error);
            RocksHandle.ThrowIfError(error, "read from");
            return false;
        }
    }

    public KeyValuePair<byte[], byte[]> Current
    {
        get
        {
            var key = new ReadOnlySpan<byte>(RocksNative.IteratorKey(_iterator, out var keyLength), checked((int)keyLength)).ToArray();
            var value = new ReadOnlySpan<byte>(RocksNative.IteratorValue(_iterator, out var valueLength),
                checked((int)valueLength)).ToArray();
            return new KeyValuePair<byte[], byte[]>(key, value);
        }
    }

    public void Seek(byte[] key)
    {
        byte none = 0;
        fixed (byte* start = key)
            RocksNative.IteratorSeek(_iterator, key.Length == 0 ? &none : start, (nuint)key.Length);
    }

    public void Next() => RocksNative.IteratorNext(_iterator);

    public void Dispose()
    {
        RocksNative.IteratorDestroy(_iterator);
        RocksNative.ReadOptionsDestroy(_options);
        GC.KeepAlive(_bound);
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
}
