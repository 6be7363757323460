namespace QuorumMesh.Chain.Pool;

/// <summary>Limits of the pool, with geth's defaults. Senders that submit through this node are exempt from the first five.</summary>
public sealed record TransactionPoolOptions
{
    /// <summary>Executable transactions that each sender may keep when the pool is full. No cap while there is room.</summary>
    public int AccountSlots { get; init; } = 16;

    /// <summary>Executable transactions of all senders before the greedy ones lose theirs.</summary>
    public int GlobalSlots { get; init; } = 4096;

    /// <summary>Transactions behind a nonce gap, per sender.</summary>
    public int AccountQueue { get; init; } = 64;

    /// <summary>Transactions behind a nonce gap, in all.</summary>
    public int GlobalQueue { get; init; } = 1024;

    /// <summary>How long a silent sender's gapped transactions stay.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(3);

    /// <summary>Everything together, local senders included.</summary>
    public int MaxTransactions { get; init; } = 200_000;

    /// <summary>Bytes of everything together.</summary>
    public long MaxBytes { get; init; } = 512L << 20;

    /// <summary>Per cent by which a replacement must raise the gas price.</summary>
    public uint PriceBump { get; init; } = 10;
}
