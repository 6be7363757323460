namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// How often and how many at once unknown managers may have themselves looked at: for each address that they call from, and for all
/// together.
/// </summary>
internal sealed class NewcomerGate(TimeProvider clock)
{
    private const int MaxSources = 4096;
    private const int MaxAtOnce = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Bucket> _sources = [];
    // Whoever has many addresses has many buckets: this one is for all of them together.
    private readonly Bucket _all = new(64, 8);
    private int _running;

    /// <summary>Takes a place until it is disposed.</summary>
    /// <param name="source">The address that the call comes from.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Busy"/>.</exception>
    public Place Enter(string source)
    {
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            if (!_sources.TryGetValue(source, out var own))
            {
                Forget(now);
                own = new Bucket(16, 1);
                _sources[source] = own;
            }

            if (_running >= MaxAtOnce || !own.Take(clock, now) || !_all.Take(clock, now))
                throw new PrivacyException(Failure.Busy, "Too many unknown managers announce themselves; try again later");
            _running++;
            return new Place(this);
        }
    }

    private void Leave()
    {
        lock (_gate)
            _running--;
    }

    /// <summary>A source whose bucket is full again needs no record.</summary>
    private void Forget(long now)
    {
        if (_sources.Count < MaxSources)
            return;
        foreach (var full in _sources.Where(s => s.Value.IsFull(clock, now)).Select(s => s.Key).ToArray())
            _sources.Remove(full);

        if (_sources.Count >= MaxSources)
            throw new PrivacyException(Failure.Busy, "Too many unknown managers announce themselves; try again later");
    }

    public readonly struct Place(NewcomerGate owner) : IDisposable
    {
        public void Dispose() => owner?.Leave();
    }

    private sealed class Bucket
    {
        private readonly double _size;
        private readonly double _perSecond;
        private double _tokens;
        private long _last;

        public Bucket(double size, double perSecond)
        {
            _size = size;
            _perSecond = perSecond;
            _tokens = size;
        }

        public bool IsFull(TimeProvider clock, long now) => _tokens + Gained(clock, now) >= _size;

        public bool Take(TimeProvider clock, long now)
        {
            _tokens = Math.Min(_size, _tokens + Gained(clock, now));
            _last = now;
            if (_tokens < 1)
                return false;
            _tokens--;
            return true;
        }

        private double Gained(TimeProvider clock, long now) => _last == 0 ? 0 : clock.GetElapsedTime(_last, now).TotalSeconds * _perSecond;
    }
}
