using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>Bounds of what a busy store takes; an idle one takes little. All in bytes unless said otherwise.</summary>
public sealed record RocksStoreOptions
{
    /// <summary>Uncompressed blocks, indexes and filters in memory.</summary>
    public long BlockCacheBytes { get; init; } = 128 << 20;

    /// <summary>One write buffer; there are at most two.</summary>
    public long WriteBufferBytes { get; init; } = 64 << 20;

    /// <summary>Files kept open, in number.</summary>
    public int MaxOpenFiles { get; init; } = 256;

    /// <summary>
    /// How far the store is, in the owner's terms (the number of the head block): asked after each write, and told when writes
    /// are lost. Null: nobody asks.
    /// </summary>
    public Func<IKeyValueReader, ulong>? Position { get; init; }
}
