using QuorumMesh.Node.Storage;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;

namespace QuorumMesh.Node;

/// <summary>Memory of the caches, divided as geth divides <c>--cache</c>. The defaults are about those of the parts.</summary>
public sealed record CacheSizes(int Megabytes = 1024, int DatabasePercent = 25, int TriePercent = 40, int SnapshotPercent = 20)
{
    /// <summary>An account or slot in its cache, with what the cache itself takes.</summary>
    private const int FlatEntryBytes = 192;

    private const long LargestWriteBuffer = 64 << 20;

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public void Validate()
    {
        OptionRules.Range("--cache", Megabytes, 32, 1 << 20);
        OptionRules.Range("--cache.database", DatabasePercent, 1, 100);
        OptionRules.Range("--cache.trie", TriePercent, 0, 100);
        OptionRules.Range("--cache.snapshot", SnapshotPercent, 0, 100);
        if (DatabasePercent + TriePercent + SnapshotPercent is > 100 and var sum)
            throw new OptionsException("--cache.database", $"is {DatabasePercent}, which makes {sum} percent together with --cache.trie {TriePercent} and --cache.snapshot {SnapshotPercent}: at most 100");
    }

    /// <summary>Half for blocks, half for the two write buffers.</summary>
    public RocksStoreOptions Database()
    {
        var bytes = Part(DatabasePercent);
        var writeBuffer = Math.Clamp(bytes / 4, 1 << 20, LargestWriteBuffer);
        return new RocksStoreOptions { WriteBufferBytes = writeBuffer, BlockCacheBytes = Math.Max(bytes - 2 * writeBuffer, 1 << 20) };
    }

    /// <summary>Of one of the two states; each has caches of its own, and two of them for flat entries.</summary>
    public StateStoreOptions State() => new()
    {
        NodeCacheBytes = Math.Max(Part(TriePercent) / 2, 1 << 20),
        FlatCacheEntries = (int)Math.Clamp(Part(SnapshotPercent) / 4 / FlatEntryBytes, 1024, int.MaxValue / 2),
    };

    private long Part(int percent) => ((long)Megabytes << 20) * percent / 100;
}
