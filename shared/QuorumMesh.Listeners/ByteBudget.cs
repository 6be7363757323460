namespace QuorumMesh.Listeners;

/// <summary>
/// Bytes that all connections of one listener may hold together: requests that are being read, answers that wait for their
/// readers. Nobody waits for a budget: what does not fit is refused, so that stalled clients cannot queue others up. Thread safe.
/// </summary>
public sealed class ByteBudget
{
    private long _held;
    private long _refused;

    /// <param name="listener">What the metrics call it, such as <c>rpc_http</c>.</param>
    /// <param name="limit">In bytes, above 0.</param>
    public ByteBudget(string listener, long limit)
    {
        ArgumentException.ThrowIfNullOrEmpty(listener);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        (Listener, Limit) = (listener, limit);
        ListenerMetrics.Add(this);
    }

    /// <summary>The listener's name in metrics.</summary>
    public string Listener { get; }

    /// <summary>In bytes.</summary>
    public long Limit { get; }

    /// <summary>Bytes held now.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>How often something did not fit.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>A share of nothing, to grow with its message. To be disposed.</summary>
    public ByteLease Lease() => new(this);

    /// <returns>False, and nothing taken, when the limit would be passed.</returns>
    internal bool TryTake(long bytes)
    {
        // Taken first, then looked at: two callers at once may both be refused, but never both let in above the limit.
        if (Interlocked.Add(ref _held, bytes) <= Limit) return true;
        Interlocked.Add(ref _held, -bytes);
        Interlocked.Increment(ref _refused);
        return false;
    }

    internal void Return(long bytes) => Interlocked.Add(ref _held, -bytes);
}
