using RocksDbSharp;

namespace QuorumMesh.Node.Storage;

internal static class RocksSettings
{
    private const int BloomBitsPerKey = 10;
    private const uint Warnings = 2;

    public static DbOptions For(RocksStoreOptions options)
    {
        var table = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetFilterPolicy(BloomFilterPolicy.Create(BloomBitsPerKey, false))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetFormatVersion(5);
        return new DbOptions()
            .SetCreateIfMissing(true)
            .SetBlockBasedTableFactory(table)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.WriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetMaxTotalWalSize((ulong)options.WriteBufferBytes * 4)
            .SetLevelCompactionDynamicLevelBytes(true)
            .SetMaxOpenFiles(options.MaxOpenFiles)
            .SetMaxBackgroundCompactions(1)
            .SetMaxBackgroundFlushes(1)
            .SetInfoLogLevel((InfoLogLevel)Warnings)
            .SetKeepLogFileNum(2)
            .SetMaxLogFileSize(1 << 20)
            .SetStatsDumpPeriodSec(0);
    }
}
