using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// Messages of views to come: later rounds of this height, and the next height. Of each validator, height and kind the two highest views
/// are kept, of blocks the highest alone, so that nobody fills the memory, nor displaces what others said.
/// </summary>
internal sealed class BftBacklog
{
    private readonly Dictionary<Address, List<BftMessage>> _bySender = [];

    public void Add(BftMessage message)
    {
        if (!_bySender.TryGetValue(message.Sender, out var mine)) _bySender[message.Sender] = mine = [];
        var alike = mine.Where(m => m.View.Sequence == message.View.Sequence && m.Kind == message.Kind).ToList();
        if (alike.Any(m => m.View == message.View && m.Protocol == message.Protocol)) return;
        if (alike.Count >= (message is PreprepareMessage or RoundChangeMessage ? 1 : 2))
        {
            var lowest = alike.MinBy(m => m.View)!;
            if (lowest.View.CompareTo(message.View) >= 0) return;
            mine.Remove(lowest);
        }
        mine.Add(message);
    }

    /// <summary>
    /// Takes out what is no longer to come: proposals first, then votes, as they were sent. Messages of earlier views are dropped.
    /// </summary>
    public IReadOnlyList<BftMessage> Take(BftView view)
    {
        var due = new List<BftMessage>();
        foreach (var (sender, mine) in _bySender.ToArray())
        {
            due.AddRange(mine.Where(m => IsDue(m, view)));
            mine.RemoveAll(m => IsDue(m, view) || m.View.CompareTo(view) < 0);
            if (mine.Count == 0) _bySender.Remove(sender);
        }
        return [.. due.OrderBy(m => m.View).ThenBy(m => m is PreprepareMessage ? 0 : 1).ThenBy(m => m.Sender)];
    }

    /// <summary>Forgets who is no validator any more.</summary>
    public void Keep(BftValidators validators)
    {
        foreach (var sender in _bySender.Keys.Where(a => !validators.Contains(a)).ToArray()) _bySender.Remove(sender);
    }

    // Round changes of a height are heard whatever their round.
    private static bool IsDue(BftMessage message, BftView view) =>
        message.View == view || (message is RoundChangeMessage && message.View.Sequence == view.Sequence);
}
