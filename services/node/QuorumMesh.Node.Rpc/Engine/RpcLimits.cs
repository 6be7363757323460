namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>Bounds on what one caller can ask at once.</summary>
public sealed record RpcLimits
{
    /// <summary>Bytes of one request or batch.</summary>
    public int MaxBody { get; init; } = 5 * 1024 * 1024;

    public int MaxBatch { get; init; } = 1_000;

    public int MaxDepth { get; init; } = 64;

    /// <summary>Bytes of a batch's answer; calls after that are refused.</summary>
    public int MaxBatchResponse { get; init; } = 25 * 1024 * 1024;

    /// <summary>Requests of one WebSocket or IPC connection in work at the same time; further ones wait unread.</summary>
    public int MaxConcurrentPerConnection { get; init; } = 32;

    /// <summary>Messages that wait for a slow WebSocket or IPC consumer before it is disconnected.</summary>
    public int MaxQueuedMessages { get; init; } = 10_000;

    /// <summary>Bytes that wait for a slow consumer before it is disconnected.</summary>
    public int MaxQueuedBytes { get; init; } = 64 * 1024 * 1024;

    public int MaxConnections { get; init; } = 4_096;

    /// <summary>
    /// Bytes of requests and answers that all connections of one listener may hold together; what does not fit is refused.
    /// </summary>
    public long MaxListenerBytes { get; init; } = 512L * 1024 * 1024;

    /// <summary>How long a short request or answer may be under way; longer ones have a second more for each MiB.</summary>
    public TimeSpan TransferTime { get; init; } = Listeners.TransferTime.Least;
}
