namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// Lines for the log that strangers can cause: some at once, then one every few seconds, and the same one again only after a while. Those
/// left out are counted in the next one.
/// </summary>
internal sealed class TellBudget(TimeProvider clock, Action<string> tell)
{
    private const int Burst = 20;
    private const int MaxRemembered = 1024;

    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SameAgain = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _told = [];
    private double _tokens = Burst;
    private long _last = clock.GetTimestamp();
    private long _leftOut;
    private long _count;

    /// <summary>Everything that was to be told.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <param name="detail">What may differ in a line that is the same.</param>
    public void Tell(string line, string detail = "")
    {
        lock (_gate)
        {
            _count++;
            if (!Take(line))
            {
                _leftOut++;
                return;
            }

            line += detail + (_leftOut > 0 ? $" ({_leftOut} such lines were left out)" : string.Empty);
            _leftOut = 0;
        }

        tell(line);
    }

    private bool Take(string line)
    {
        var now = clock.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (clock.GetElapsedTime(_last, now) / Refill));
        _last = now;
        if (_tokens < 1 || (_told.TryGetValue(line, out var before) && clock.GetElapsedTime(before, now) < SameAgain))
            return false;
        // Strangers choose the lines, so memory is bounded; forgetting them repeats a line at worst, the tokens still hold.
        if (_told.Count >= MaxRemembered)
            _told.Clear();
        _tokens--;
        _told[line] = now;
        return true;
    }
}
