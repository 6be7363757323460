using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>A peer that may have more than we.</summary>
/// <param name="Number">The height that it is at, as far as it is known.</param>
/// <param name="IsOwn">It said so itself, by Status or announcement; else somebody else may be there.</param>
internal sealed record PeerClaim(string NodeId, ulong Number, bool IsOwn);

/// <summary>What peers say of their heads, beside the total difficulty of their Status. Thread safe.</summary>
internal sealed class PeerClaims(IPeerNetwork peers, PeerFaults faults, PeerPace pace, TimeProvider clock)
{
    private const int MaxPeers = 2_048;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ulong> _claimed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Since, TimeSpan Time)> _resting = new(StringComparer.Ordinal);
    private TaskCompletionSource _woken = NewSignal();
    private ulong _hint;

    /// <summary>The peer has announced this block.</summary>
    public void Claim(string nodeId, ulong number)
    {
        lock (_lock)
        {
            if (_claimed.Count < MaxPeers || _claimed.ContainsKey(nodeId))
                _claimed[nodeId] = Math.Max(number, _claimed.GetValueOrDefault(nodeId));
        }
        Wake();
    }

    /// <summary>Somebody is at this height.</summary>
    public void Hint(ulong height)
    {
        lock (_lock) _hint = Math.Max(_hint, height);
        Wake();
    }

    public void Forget(string nodeId)
    {
        lock (_lock)
        {
            _claimed.Remove(nodeId);
            _resting.Remove(nodeId);
        }
    }

    /// <summary>Nothing is asked of the peer for so long; what it claimed is forgotten.</summary>
    public void Rest(string nodeId, TimeSpan time)
    {
        lock (_lock)
        {
            _claimed.Remove(nodeId);
            if (_resting.Count >= MaxPeers) _resting.Clear();
            _resting[nodeId] = (clock.GetTimestamp(), time);
        }
    }

    public void Wake() => Volatile.Read(ref _woken).TrySetResult();

    /// <summary>Waits until something is claimed, or for the time.</summary>
    public async Task WaitAsync(TimeSpan time, CancellationToken cancellation)
    {
        // Awaited itself, not by Task.WhenAny, which goes on by way of the thread pool.
        var woken = Volatile.Read(ref _woken);
        using (clock.CreateTimer(static signal => ((TaskCompletionSource)signal!).TrySetResult(), woken, time, Timeout.InfiniteTimeSpan))
        using (cancellation.UnsafeRegister(static signal => ((TaskCompletionSource)signal!).TrySetResult(), woken))
            await woken.Task;
        cancellation.ThrowIfCancellationRequested();
        Volatile.Write(ref _woken, NewSignal());
    }

    /// <summary>Whether a peer beside this one says itself that it is ahead, and is not known as slow.</summary>
    public bool HasOther(string nodeId, ulong head, in UInt256 totalDifficulty)
    {
        var difficulty = totalDifficulty;
        var ready = peers.Peers;
        lock (_lock)
            return ready.Any(peer => peer.NodeId != nodeId && !IsResting(peer.NodeId) && !pace.IsSlow(peer.NodeId)
                && ClaimOf(peer, head, difficulty) is { IsOwn: true });
    }

    /// <summary>Whether the peer says itself that it has this block, which is ahead of the head.</summary>
    public bool IsAt(string nodeId, ulong number, ulong head, in UInt256 totalDifficulty)
    {
        if (peers.Peers.FirstOrDefault(p => p.NodeId == nodeId) is not { } peer) return false;
        lock (_lock) return ClaimOf(peer, head, totalDifficulty) is { IsOwn: true } claim && claim.Number >= number;
    }

    /// <summary>
    /// The peer furthest ahead of a head, those that are slow last, and of those the one that did the least wrong; null when none is.
    /// </summary>
    public PeerClaim? Best(ulong head, UInt256 totalDifficulty)
    {
        var ready = peers.Peers;
        lock (_lock)
        {
            if (_hint <= head) _hint = 0;
            return ready
                .Where(peer => !IsResting(peer.NodeId))
                .Select(peer => ClaimOf(peer, head, totalDifficulty))
                .Where(claim => claim.Number > head)
                .OrderByDescending(claim => (claim.IsOwn, !pace.IsSlow(claim.NodeId), claim.Number))
                .ThenBy(claim => faults.Of(claim.NodeId))
                .FirstOrDefault();
        }
    }

    /// <summary>A block of these engines has difficulty 1, so what a peer is ahead in difficulty it is ahead in blocks.</summary>
    private PeerClaim ClaimOf(PeerInfo peer, ulong head, in UInt256 totalDifficulty)
    {
        var ahead = peer.TotalDifficulty > totalDifficulty ? peer.TotalDifficulty - totalDifficulty : UInt256.Zero;
        var byDifficulty = head + (ahead < (UInt256)(ulong.MaxValue / 2) ? (ulong)ahead : ulong.MaxValue / 2);
        var own = Math.Max(byDifficulty, _claimed.GetValueOrDefault(peer.NodeId));
        return own > head ? new PeerClaim(peer.NodeId, own, IsOwn: true) : new PeerClaim(peer.NodeId, _hint, IsOwn: false);
    }

    private bool IsResting(string nodeId)
    {
        if (!_resting.TryGetValue(nodeId, out var rest)) return false;
        if (clock.GetElapsedTime(rest.Since) < rest.Time) return true;
        _resting.Remove(nodeId);
        return false;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
