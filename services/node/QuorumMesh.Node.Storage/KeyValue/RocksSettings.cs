namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>How the database is tuned: bounded memory first, then reads of single keys.</summary>
internal static class RocksSettings
{
    private const int BloomBitsPerKey = 10;
    private const int Lz4 = 4;
    private const int TwoLevelIndex = 2;

    /// <summary>Few readers: four parts of the cache hardly ever wait for each other, and each holds large values as well.</summary>
    private const int CacheShardBits = 2;
    private const int Warnings = 2;

    /// <summary>Native options; the caller destroys them after the open.</summary>
    public static nint Create(RocksStoreOptions options)
    {
        var native = RocksNative.OptionsCreate();
        SetTable(native, options);
        RocksNative.SetCreateIfMissing(native, 1);
        RocksNative.SetCompression(native, Lz4);
        RocksNative.SetWriteBufferSize(native, (nuint)options.WriteBufferBytes);
        RocksNative.SetMaxWriteBufferNumber(native, 2);
        // Bounds what a start has to replay.
        RocksNative.SetMaxTotalWalSize(native, (ulong)options.WriteBufferBytes * 4);
        RocksNative.SetDynamicLevelBytes(native, 1);
        RocksNative.SetMaxOpenFiles(native, options.MaxOpenFiles);
        RocksNative.SetConcurrentMemtableWrite(native, 0); // writers hardly ever meet
        RocksNative.SetMaxBackgroundJobs(native, 2);
        RocksNative.SetInfoLogLevel(native, Warnings);
        RocksNative.SetKeepLogFileNum(native, 2);
        RocksNative.SetMaxLogFileSize(native, 1 << 20);
        RocksNative.SetStatsDumpPeriod(native, 0);
        return native;
    }

    private static void SetTable(nint native, RocksStoreOptions options)
    {
        var table = RocksNative.TableCreate();
        var cache = CreateCache(options);
        RocksNative.TableSetCache(table, cache);
        RocksNative.TableSetFilter(table, RocksNative.BloomCreate(BloomBitsPerKey)); // owned by the table from here
        // Indexes and filters in parts: one of a large file as a whole would fill the cache, or not fit and be read again for each key.
        RocksNative.TableSetIndexType(table, TwoLevelIndex);
        RocksNative.TableSetPartitionFilters(table, 1);
        RocksNative.TableSetPinTopLevel(table, 1);
        RocksNative.TableSetIndexPriority(table, 1);
        RocksNative.TableSetCacheIndex(table, 1);
        RocksNative.TableSetPinLevel0(table, 1);
        RocksNative.SetTable(native, table);
        RocksNative.CacheDestroy(cache); // the table keeps its own share
        RocksNative.TableDestroy(table);
    }

    private static nint CreateCache(RocksStoreOptions options)
    {
        var native = RocksNative.CacheOptionsCreate();
        RocksNative.CacheOptionsSetCapacity(native, (nuint)options.BlockCacheBytes);
        RocksNative.CacheOptionsSetShardBits(native, CacheShardBits);
        var cache = RocksNative.CacheCreate(native);
        RocksNative.CacheOptionsDestroy(native);
        return cache;
    }
}
