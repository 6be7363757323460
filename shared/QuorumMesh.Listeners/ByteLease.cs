namespace QuorumMesh.Listeners;

/// <summary>
/// The part of a budget that one message holds. One user at a time; given back by <see cref="Dispose"/>, more than once does no
/// harm.
/// </summary>
public sealed class ByteLease(ByteBudget budget) : IDisposable
{
    /// <summary>Not counted, in every message: small calls are answered even while stalled clients hold the whole budget.</summary>
    public const int Free = 16 * 1024;

    private long _held;

    /// <summary>What the share is of.</summary>
    public ByteBudget Budget => budget;

    /// <summary>Makes the share fit a message of <paramref name="total"/> bytes, up or down.</summary>
    /// <returns>False, and the share as it was, when the budget has no room.</returns>
    public bool TryHold(long total)
    {
        var counted = Math.Max(0, total - Free);
        var more = counted - _held;
        if (more > 0 && !budget.TryTake(more)) return false;
        if (more < 0) budget.Return(-more);
        _held = counted;
        return true;
    }

    public void Dispose()
    {
        var held = Interlocked.Exchange(ref _held, 0);
        if (held > 0) budget.Return(held);
    }
}
