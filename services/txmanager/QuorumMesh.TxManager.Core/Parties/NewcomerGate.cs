namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>How often and how many at once unknown managers may have themselves looked at: for each address that they call from, and for all together.</summary>
internal sealed class NewcomerGate(TimeProvider clock)
{
    private const int MaxSources = 4096;
    private const int MaxAtOnce = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Bucket> sources = [];
    private readonly Bucket all = new(64, 8);
    private int running;

    /// <summary>Takes a place until it is disposed.</summary>
    /// <param name="source">The address that the call comes from.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Busy"/>.</exception>
    public Place Enter(string source)
    {
        lock (gate)
        {
            long now = clock.GetTimestamp();
            if (!sources.TryGetValue(source, out Bucket? own))
            {
                Forget(now);
                own = new Bucket(16, 1);
                sources[source] = own;
            }

            if (running >= MaxAtOnce || !own.Take(clock, now) || !all.Take(clock, now))
            {
                throw new PrivacyException(Failure.Busy, "Too many unknown managers announce themselves; try again later");
            }

            running++;
            return new Place(this);
        }
    }

    private void Leave()
    {
        lock (gate)
        {
            running--;
        }
    }

    /// <summary>A source whose bucket is full again needs no record.</summary>
    private void Forget(long now)
    {
        if (sources.Count < MaxSources)
        {
            return;
        }

        foreach (string full in sources.Where(s => s.Value.IsFull(clock, now)).Select(s => s.Key).ToArray())
        {
            sources.Remove(full);
        }

        if (sources.Count >= MaxSources)
        {
            throw new PrivacyException(Failure.Busy, "Too many unknown managers announce themselves; try again later");
        }
    }

    public readonly struct Place(NewcomerGate owner) : IDisposable
    {
        public void Dispose() => owner?.Leave();
    }

    private sealed class Bucket
    {
        private readonly double size;
        private readonly double perSecond;
        private double tokens;
        private long last;

        public Bucket(double size, double perSecond)
        {
            this.size = size;
            this.perSecond = perSecond;
            tokens = size;
        }

        public bool IsFull(TimeProvider clock, long now) => tokens + Gained(clock, now) >= size;

        public bool Take(TimeProvider clock, long now)
        {
            tokens = Math.Min(size, tokens + Gained(clock, now));
            last = now;
            if (tokens < 1)
            {
                return false;
            }

            tokens--;
            return true;
        }

        private double Gained(TimeProvider clock, long now) => last == 0 ? 0 : clock.GetElapsedTime(last, now).TotalSeconds * perSecond;
    }
}
