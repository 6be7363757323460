namespace QuorumMesh.ServiceDefaults.Logging;

/// <summary>
/// How many lines of one kind a log may get: a stranger who is refused again and again, or a peer that is away, must not fill the
/// disk. The first lines of a minute go through, the rest is counted. Safe for concurrent use.
/// </summary>
internal sealed class LogBudget(TimeProvider clock)
{
    public const int LinesAMinute = 20;

    private const int MaxKinds = 1024;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<Kind, Use> _kinds = [];

    /// <summary>Whether one more line of this kind is written. Beyond the bound on kinds all others share one.</summary>
    public bool Admits(Kind kind)
    {
        var now = clock.GetTimestamp();
        lock (_lock)
        {
            if (!_kinds.ContainsKey(kind) && _kinds.Count >= MaxKinds) kind = default;
            var use = _kinds.GetValueOrDefault(kind);
            if (use.Lines == 0 || clock.GetElapsedTime(use.Since, now) >= Window) use = new Use(now, 0, use.LeftOut);
            var admitted = use.Lines < LinesAMinute;
            _kinds[kind] = admitted ? use with { Lines = use.Lines + 1 } : use with { LeftOut = use.LeftOut + 1 };
            return admitted;
        }
    }

    /// <summary>The kinds of which lines were left out since the last call, with how many.</summary>
    public IReadOnlyList<(Kind Kind, long LeftOut)> TakeLeftOut()
    {
        lock (_lock)
        {
            var taken = _kinds.Where(k => k.Value.LeftOut > 0).Select(k => (k.Key, k.Value.LeftOut)).ToList();
            foreach (var (kind, _) in taken) _kinds[kind] = _kinds[kind] with { LeftOut = 0 };
            return taken;
        }
    }

    /// <param name="Format">The message's template, the same for all lines of a kind.</param>
    public readonly record struct Kind(string? Category, string? Format);

    private readonly record struct Use(long Since, int Lines, long LeftOut);
}
