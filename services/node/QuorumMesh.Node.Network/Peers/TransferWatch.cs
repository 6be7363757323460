using QuorumMesh.Node.Network.Rlpx;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// Whether what is being sent goes on: for a time nothing has moved, or all of it takes longer than at the least rate. One begins and ends,
/// another looks.
/// </summary>
internal sealed class TransferWatch(TimeProvider time, TimeSpan silence)
{
    private readonly Lock _lock = new();
    private (long Began, TimeSpan Most)? _transfer;
    private long _seen;
    private long _movedAt;

    /// <summary>Something is on its way that has not ended.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_lock) return _transfer is not null;
        }
    }

    public void Begin(long bytes)
    {
        lock (_lock)
        {
            _movedAt = time.GetTimestamp();
            _transfer = (_movedAt, RlpxConnection.TimeFor(bytes, silence));
        }
    }

    public void End()
    {
        lock (_lock) _transfer = null;
    }

    /// <param name="moved">Bytes of this and all transfers before.</param>
    /// <returns>Why it is to be given up; null while it is not.</returns>
    public string? Look(long moved)
    {
        lock (_lock)
        {
            if (_transfer is not { } transfer) return null;
            var now = time.GetTimestamp();
            if (moved != _seen) (_seen, _movedAt) = (moved, now);
            if (time.GetElapsedTime(_movedAt, now) > silence) return $"a write did not go on for {silence.TotalSeconds:0} s";
            return time.GetElapsedTime(transfer.Began, now) > transfer.Most
                ? $"a write did not end within {transfer.Most.TotalSeconds:0} s" : null;
        }
    }
}
