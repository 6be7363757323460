using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Which peers kept the sync waiting while others could have gone on. They are asked again when nobody else has what is wanted, or after a
/// rest that doubles each time, 30 seconds to 10 minutes. No fault: a slow line is nobody's. And how much is asked of each at once, so that
/// an answer comes in time on a slow line too. Thread safe.
/// </summary>
internal sealed class PeerPace(TimeProvider clock)
{
    private const int MaxPeers = 1_024;
    private const int MostBodies = 64;

    /// <summary>What a peer has to give, on average, to be waited for while others could go on.</summary>
    public const int LeastHeadersPerSecond = 100;

    /// <inheritdoc cref="LeastHeadersPerSecond"/>
    public const int LeastBytesPerSecond = 64 * 1024;

    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Since, TimeSpan Pause)> _slow = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Asked, Patience Left)> _headers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _bodies = new(StringComparer.Ordinal);

    /// <summary>How many bodies are asked of a peer at once: one at first, for how large they are is not known.</summary>
    public int BodiesOf(string nodeId)
    {
        lock (_lock) return _bodies.GetValueOrDefault(nodeId, 1);
    }

    /// <summary>
    /// A peer was asked for so many bodies: twice as many next time when that took little, half as many when it took long.
    /// </summary>
    /// <param name="limit">How long it would have been waited for.</param>
    public void Answered(string nodeId, int asked, TimeSpan took, TimeSpan limit)
    {
        lock (_lock)
        {
            // Bounded: what is forgotten begins with one again.
            if (_bodies.Count >= MaxPeers && !_bodies.ContainsKey(nodeId)) _bodies.Clear();
            if (took > limit * 0.8) _bodies[nodeId] = Math.Max(asked / 2, 1);
            else if (took < limit / 2) _bodies[nodeId] = Math.Max(_bodies.GetValueOrDefault(nodeId), Math.Min(2 * asked, MostBodies));
        }
    }

    /// <summary>
    /// What is left of the patience with a peer's headers: it lasts from one fetch to the next, so that one that gives few to each gets no
    /// more than one that gives none, and comes back while nothing is asked of the peer.
    /// </summary>
    public Patience HeadersOf(string nodeId)
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            if (_headers.TryGetValue(nodeId, out var known)) known.Left.Rest(clock.GetElapsedTime(known.Asked, now));
            else if (_headers.Count >= MaxPeers) _headers.Remove(_headers.MinBy(entry => entry.Value.Asked).Key);
            var left = known.Left ?? new Patience(LeastHeadersPerSecond);
            _headers[nodeId] = (now, left);
            return left;
        }
    }

    public void MarkSlow(string nodeId)
    {
        lock (_lock)
        {
            _bodies.Remove(nodeId);
            var rest = FirstRest;
            if (_slow.TryGetValue(nodeId, out var known))
            {
                var elapsed = clock.GetElapsedTime(known.Since);
                if (elapsed < known.Pause) return; // what was under way when it was marked
                if (elapsed < known.Pause + LongestRest) rest = known.Pause * 2 < LongestRest ? known.Pause * 2 : LongestRest;
            }
            else if (_slow.Count >= MaxPeers)
            {
                _slow.Remove(_slow.MinBy(entry => entry.Value.Since).Key);
            }
            _slow[nodeId] = (clock.GetTimestamp(), rest);
        }
    }

    public bool IsSlow(string nodeId)
    {
        lock (_lock) return _slow.TryGetValue(nodeId, out var known) && clock.GetElapsedTime(known.Since) < known.Pause;
    }
}

/// <summary>
/// How long one waits for a peer while others could go on: some seconds, less what was waited, and more again for what it gave, up to the
/// same. So whoever gives little, or in drops, is left as soon as one that says nothing.
/// </summary>
/// <param name="perSecond">What a peer has to give, on average, to be waited for.</param>
internal sealed class Patience(double perSecond)
{
    /// <summary>What a peer that gives nothing costs.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(3);

    /// <summary>Zero when it is at its end.</summary>
    public TimeSpan Left { get; private set; } = Most;

    /// <summary>A tenth of the time in which nothing was asked comes back.</summary>
    public void Rest(TimeSpan time)
    {
        var left = Left + (time / 10);
        Left = left > Most ? Most : left;
    }

    public void Count(TimeSpan waited, long got)
    {
        var left = Left - waited + TimeSpan.FromSeconds(Math.Min(got / perSecond, Most.TotalSeconds));
        Left = left < TimeSpan.Zero ? TimeSpan.Zero : left > Most ? Most : left;
    }
}

/// <summary>A peer gives too little in its time, and others could give it.</summary>
internal sealed class SlowPeerException() : Exception("it gives headers too slowly")
{
}
