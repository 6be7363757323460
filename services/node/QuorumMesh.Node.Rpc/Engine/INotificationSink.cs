namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>The way back of a WebSocket or IPC connection. Thread safe.</summary>
public interface INotificationSink
{
    /// <summary>Cancelled when the connection has ended.</summary>
    CancellationToken Closed { get; }

    /// <summary>Queues one complete message; false when the consumer is too slow: the connection ends as by <see cref="End"/>.</summary>
    bool TrySend(ReadOnlyMemory<byte> message);

    /// <summary>Ends the connection behind what is queued, and tells the consumer why; nothing more is sent then. Does not wait.</summary>
    void End(string reason);
}
