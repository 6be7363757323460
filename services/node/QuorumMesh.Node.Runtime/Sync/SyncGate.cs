namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Bounds what fetched blocks hold until they are imported. Whoever fetches the next ones to be imported is never held up, so that it goes
/// on. Thread safe.
/// </summary>
internal sealed class SyncGate(long limit, TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private long _held;
    private int _next;

    /// <summary>Waits for room.</summary>
    /// <param name="turn">Place in the order of import, from 0.</param>
    public async Task EnterAsync(int turn, CancellationToken cancellation)
    {
        while (!MayEnter(turn)) await Task.Delay(Pause, clock, cancellation);
    }

    public void Hold(long bytes)
    {
        lock (_lock) _held += bytes;
    }

    /// <summary>What the turn held is imported, or given up.</summary>
    public void Leave(int turn, long bytes)
    {
        lock (_lock) (_held, _next) = (_held - bytes, Math.Max(_next, turn + 1));
    }

    private bool MayEnter(int turn)
    {
        lock (_lock) return turn <= _next || _held < limit;
    }
}
