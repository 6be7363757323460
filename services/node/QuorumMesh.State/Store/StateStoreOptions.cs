namespace QuorumMesh.State;

public sealed record StateStoreOptions
{
    /// <summary>Bound of the cache of trie nodes, in bytes.</summary>
    public long NodeCacheBytes { get; init; } = 192 << 20;

    /// <summary>Bound of the caches of accounts and slots, in entries each.</summary>
    public int FlatCacheEntries { get; init; } = 262_144;

    /// <summary>Most unflushed layers above the head.</summary>
    public int MaxLayers { get; init; } = 256;
}
