namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// Lines for the log that strangers can cause: some at once, then one every few seconds, and the same one again only after a while. Those left out are counted in the
/// next one.
/// </summary>
internal sealed class TellBudget(TimeProvider clock, Action<string> tell)
{
    private const int Burst = 20;
    private const int MaxRemembered = 1024;

    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SameAgain = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Dictionary<string, long> told = [];
    private double tokens = Burst;
    private long last = clock.GetTimestamp();
    private long leftOut;
    private long count;

    /// <summary>Everything that was to be told.</summary>
    public long Count => Interlocked.Read(ref count);

    /// <param name="detail">What may differ in a line that is the same.</param>
    public void Tell(string line, string detail = "")
    {
        lock (gate)
        {
            count++;
            if (!Take(line))
            {
                leftOut++;
                return;
            }

            line += detail + (leftOut > 0 ? $" ({leftOut} such lines were left out)" : string.Empty);
            leftOut = 0;
        }

        tell(line);
    }

    private bool Take(string line)
    {
        long now = clock.GetTimestamp();
        tokens = Math.Min(Burst, tokens + (clock.GetElapsedTime(last, now) / Refill));
        last = now;
        if (tokens < 1 || (told.TryGetValue(line, out long before) && clock.GetElapsedTime(before, now) < SameAgain))
        {
            return false;
        }

        if (told.Count >= MaxRemembered)
        {
            told.Clear();
        }

        tokens--;
        told[line] = now;
        return true;
    }
}
