using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// The catch-up that consensus has asked for: whoever named the target, and whatever the peers send, it is tried again until the chain has
/// it. Owned by the writer loop.
/// </summary>
internal sealed class CatchUp(NodeEvents events)
{
    private const long RetryMs = 10_000;

    private Hash256? _target;
    private long? _againAt;
    private string? _failure;

    /// <summary>Why it could not go on, null while it can; may be read from any thread.</summary>
    public string? Failure => Volatile.Read(ref _failure);

    public void Begin(in Hash256 target) => (_target, _againAt) = (target, null);

    public void Failed(NodeInput.SyncFailed failed, NodeTime now)
    {
        if (_target != failed.Target) return;
        var reason = $"catching up to block {failed.Target} failed: {failed.Reason}";
        Volatile.Write(ref _failure, reason);
        _againAt = now.Milliseconds + RetryMs;
        events.RaiseCatchUpFailed(reason);
    }

    /// <summary>Following the network cannot go on, or does again (null). Told once for the same reason.</summary>
    public void Stands(string? reason)
    {
        if (Failure == reason) return;
        Volatile.Write(ref _failure, reason);
        if (reason is not null) events.RaiseCatchUpFailed(reason);
    }

    public void Reached(in Hash256 head)
    {
        if (_target != head) return;
        (_target, _againAt) = (null, null);
        Volatile.Write(ref _failure, null);
    }

    /// <returns>The target when it is time to try again.</returns>
    public Hash256? Due(NodeTime now)
    {
        if (!(now.Milliseconds >= _againAt)) return null;
        _againAt = null;
        return _target;
    }
}
