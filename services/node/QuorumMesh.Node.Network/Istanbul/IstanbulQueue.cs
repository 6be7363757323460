namespace QuorumMesh.Node.Network.Istanbul;

/// <summary>Consensus messages that wait for one peer's connection. When it is full the oldest go. Thread safe.</summary>
internal sealed class IstanbulQueue(int maxCount, long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly Queue<(int Code, ReadOnlyMemory<byte> Payload)> _entries = [];
    private long _bytes;

    /// <returns>How many had to make room.</returns>
    public int Enqueue(int code, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            _entries.Enqueue((code, payload));
            _bytes += payload.Length;
            int dropped = 0;
            for (; _entries.Count > 1 && (_entries.Count > maxCount || _bytes > maxBytes); dropped++)
                _bytes -= _entries.Dequeue().Payload.Length;
            return dropped;
        }
    }

    public bool TryTake(out (int Code, ReadOnlyMemory<byte> Payload) message)
    {
        lock (_lock)
        {
            if (!_entries.TryDequeue(out message))
                return false;
            _bytes -= message.Payload.Length;
            return true;
        }
    }
}
