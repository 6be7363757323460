using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>Bounds of memory and of what a restart has to make up for.</summary>
public sealed record StateStoreOptions
{
    /// <summary>Bound of the trie nodes held in memory, in bytes; those that wait to be stored come on top.</summary>
    public long NodeCacheBytes { get; init; } = 256 << 20;

    /// <summary>Memory of an account and a slot in their caches, with what the caches themselves take.</summary>
    public const int FlatEntryBytes = 228;

    /// <summary>Bound of the caches of accounts and slots, in entries each; at least 1.</summary>
    public int FlatCacheEntries { get; init; } = 1_000_000;

    /// <summary>
    /// Trie nodes are stored after so many blocks more at the latest, beside the blocks after twice as many; 0 stores them with
    /// each.
    /// </summary>
    public ulong UnsavedBlocks { get; init; } = 128;

    /// <summary>
    /// Trie nodes are stored at the latest when so many flat keys have changed: what opening the store has to make up for (up to
    /// twice that many, when they are stored beside the blocks), and otherwise what the block that they are stored with waits
    /// for.
    /// </summary>
    public int UnsavedKeys { get; init; } = 32_768;

    /// <summary>Hashes the subtries of a large change on several cores; null for one.</summary>
    public SplitWork? SplitWork { get; init; }

    /// <summary>Stores trie nodes beside the blocks that follow; null to store them with a block, which takes longer then.</summary>
    public StartWork? StartWork { get; init; }

    /// <summary>Most unflushed layers above the head.</summary>
    public int MaxLayers { get; init; } = 256;
}
