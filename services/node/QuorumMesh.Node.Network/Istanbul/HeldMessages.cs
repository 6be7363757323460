namespace QuorumMesh.Node.Network.Istanbul;

/// <summary>Messages that wait for consensus to deal with them, of one peer or of all together. Thread safe.</summary>
internal sealed class HeldMessages(int maxCount, long maxBytes)
{
    private readonly Lock _lock = new();
    private int _count;
    private long _bytes;

    /// <summary>False, and nothing held, when one of the bounds would be passed.</summary>
    public bool TryHold(int bytes)
    {
        lock (_lock)
        {
            if (_count >= maxCount || _bytes + bytes > maxBytes)
                return false;
            _count++;
            _bytes += bytes;
            return true;
        }
    }

    public void Release(int bytes)
    {
        lock (_lock)
        {
            _count--;
            _bytes -= bytes;
        }
    }
}
