namespace QuorumMesh.Node.Storage;

/// <summary>Bounds of what a busy store takes; an idle one takes little. All in bytes unless said otherwise.</summary>
public sealed record RocksStoreOptions
{
    /// <summary>Uncompressed blocks, indexes and filters in memory.</summary>
    public long BlockCacheBytes { get; init; } = 128 << 20;

    /// <summary>One write buffer; there are at most two.</summary>
    public long WriteBufferBytes { get; init; } = 64 << 20;

    /// <summary>Files kept open, in number.</summary>
    public int MaxOpenFiles { get; init; } = 256;
}
