using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// When what was sent for a management contract and brought nothing is sent again: after ten seconds, then after twice as long each time,
/// up to an hour. All parties keep what is sent.
/// </summary>
internal sealed class RetryPace
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly Dictionary<(Address Management, bool IsShare), (DateTimeOffset Due, TimeSpan Wait)> _tries = [];

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public bool IsDue(in Address management, bool isShare) =>
        !_tries.TryGetValue((management, isShare), out var last) || Clock.GetUtcNow() >= last.Due;

    /// <summary>Before each try, for one that fails too.</summary>
    public void Begin(in Address management, bool isShare)
    {
        var wait = _tries.TryGetValue((management, isShare), out var last) ? last.Wait * 2 : First;
        if (wait > Longest) wait = Longest;
        _tries[(management, isShare)] = (Clock.GetUtcNow() + wait, wait);
    }

    /// <summary>Forgets all others.</summary>
    public void Keep(IReadOnlySet<Address> active)
    {
        foreach (var key in _tries.Keys.Where(k => !active.Contains(k.Management)).ToList()) _tries.Remove(key);
    }
}
