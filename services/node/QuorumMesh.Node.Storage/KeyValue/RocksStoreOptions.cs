namespace QuorumMesh.Node.Storage;

/// <summary>Sizes that keep an idle store small; all in bytes unless said otherwise.</summary>
public sealed record RocksStoreOptions
{
    /// <summary>Uncompressed blocks, indexes and filters in memory.</summary>
    public long BlockCacheBytes { get; init; } = 32 << 20;

    /// <summary>One write buffer; there are at most two.</summary>
    public long WriteBufferBytes { get; init; } = 16 << 20;

    /// <summary>Files kept open, in number.</summary>
    public int MaxOpenFiles { get; init; } = 256;
}
