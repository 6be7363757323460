namespace QuorumMesh.Tls;

/// <summary>
/// Lines about refused peers, for a log that a stranger must not fill: the same one not twice in ten minutes, and twenty a minute at most.
/// </summary>
internal sealed class RefusalLines(Func<long> milliseconds)
{
    private const int MostInMinute = 20;
    private const int MostKept = 256;
    private const long Minute = 60_000;
    private const long Repeat = 10 * Minute;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _told = [];
    private long _minute = long.MinValue;
    private int _inMinute;

    public bool IsNew(string line)
    {
        lock (_gate)
        {
            var now = milliseconds();
            if (_told.TryGetValue(line, out var last) && now - last < Repeat) return false;
            if (now / Minute != _minute) (_minute, _inMinute) = (now / Minute, 0);
            if (++_inMinute > MostInMinute) return false;
            if (_told.Count >= MostKept) _told.Clear();
            _told[line] = now;
            return true;
        }
    }
}
