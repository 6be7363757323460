namespace QuorumMesh.Listeners;

/// <summary>
/// The part of a budget that one message holds, or one call's work. Thread safe; given back by <see cref="Dispose"/>, more than once does
/// no harm, and what comes after it holds nothing.
/// </summary>
public sealed class ByteLease(ByteBudget budget) : IDisposable
{
    /// <summary>Not counted, in every message: small calls are answered even while stalled clients hold the whole budget.</summary>
    public const int Free = 16 * 1024;

    private readonly Lock _gate = new();
    private long _total;
    private long _held;
    private bool _isOver;

    /// <summary>What the share is of.</summary>
    public ByteBudget Budget => budget;

    /// <summary>Makes the share fit a message of <paramref name="total"/> bytes, up or down.</summary>
    /// <returns>False, and the share as it was, when the budget has no room.</returns>
    public bool TryHold(long total)
    {
        lock (_gate) return TryFit(total);
    }

    /// <summary>The same by a difference: for work on several things at a time.</summary>
    /// <param name="more">Bytes, negative to give some back.</param>
    public bool TryAdd(long more)
    {
        lock (_gate) return TryFit(_total + more);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_held > 0) budget.Return(_held);
            (_total, _held, _isOver) = (0, 0, true);
        }
    }

    private bool TryFit(long total)
    {
        if (_isOver) return total <= 0;
        var counted = Math.Max(0, total - Free);
        var more = counted - _held;
        if (more > 0 && !budget.TryTake(more)) return false;
        if (more < 0) budget.Return(-more);
        (_total, _held) = (total, counted);
        return true;
    }
}
