using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node;

/// <summary>Memory of the caches, divided as geth divides <c>--cache</c>. The parts' own defaults are about those.</summary>
public sealed record CacheSizes(int Megabytes = 1024, int DatabasePercent = 25, int TriePercent = 38, int SnapshotPercent = 32)
{
    private const long LargestWriteBuffer = 64 << 20;

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public void Validate()
    {
        OptionRules.Range("--cache", Megabytes, 32, 1 << 20);
        OptionRules.Range("--cache.database", DatabasePercent, 1, 100);
        OptionRules.Range("--cache.trie", TriePercent, 0, 100);
        OptionRules.Range("--cache.snapshot", SnapshotPercent, 0, 100);
        if (DatabasePercent + TriePercent + SnapshotPercent is > 100 and var sum)
            throw new OptionsException("--cache.database", $"is {DatabasePercent}, which makes {sum} percent together with --cache.trie "
                + $"{TriePercent} and --cache.snapshot {SnapshotPercent}: at most 100");
    }

    /// <summary>Half for blocks, half for the two write buffers.</summary>
    public RocksStoreOptions Database()
    {
        var bytes = Part(DatabasePercent);
        var writeBuffer = Math.Clamp(bytes / 4, 1 << 20, LargestWriteBuffer);
        return new RocksStoreOptions { WriteBufferBytes = writeBuffer, BlockCacheBytes = Math.Max(bytes - 2 * writeBuffer, 1 << 20) };
    }

    /// <summary>Two thirds of what is for states.</summary>
    public StateStoreOptions PublicState() => State(2, 3);

    /// <summary>The other third.</summary>
    public StateStoreOptions PrivateState() => State(1, 3);

    private StateStoreOptions State(int share, int of) => new()
    {
        NodeCacheBytes = Math.Max(Part(TriePercent) * share / of, 1 << 20),
        FlatCacheEntries = (int)Math.Clamp(Part(SnapshotPercent) * share / of / StateStoreOptions.FlatEntryBytes, 1024, int.MaxValue / 2),
    };

    private long Part(int percent) => ((long)Megabytes << 20) * percent / 100;
}
