using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// Round changes of one height, for rounds that are not over. At most three of a validator are kept, those of the highest rounds: whoever
/// has gone on needs no earlier one.
/// </summary>
internal sealed class BftRoundChanges
{
    private const int MostOfOne = 3;
    private readonly Dictionary<Address, SortedList<ulong, RoundChangeMessage>> _bySender = [];

    /// <summary>Whether <see cref="Add"/> would leave it out.</summary>
    public bool Has(RoundChangeMessage message) => _bySender.TryGetValue(message.Sender, out var mine)
        && (mine.ContainsKey(message.View.Round) || (mine.Count == MostOfOne && mine.Keys[0] > message.View.Round));

    /// <summary>False when the round change of that validator and round is there already, or later ones leave no room for it.</summary>
    public bool Add(RoundChangeMessage message)
    {
        if (!_bySender.TryGetValue(message.Sender, out var mine)) _bySender[message.Sender] = mine = [];
        if (!mine.TryAdd(message.View.Round, message)) return false;
        if (mine.Count <= MostOfOne) return true;
        var isLowest = mine.Keys[0] == message.View.Round;
        mine.RemoveAt(0);
        return !isLowest;
    }

    public void DropBelow(ulong round)
    {
        foreach (var (sender, mine) in _bySender.ToArray())
        {
            while (mine.Count > 0 && mine.Keys[0] < round) mine.RemoveAt(0);
            if (mine.Count == 0) _bySender.Remove(sender);
        }
    }

    /// <summary>The highest round that a validator wants; null for none.</summary>
    public ulong? RoundOf(Address validator) =>
        _bySender.TryGetValue(validator, out var mine) ? mine.Keys[^1] : null;

    public IReadOnlyList<RoundChangeMessage> For(ulong round) =>
        [.. _bySender.Values.Select(mine => mine.GetValueOrDefault(round)).OfType<RoundChangeMessage>().OrderBy(m => m.Sender)];

    /// <summary>The highest round, from this one on, for which a quorum has sent a round change.</summary>
    public ulong? WithQuorum(int quorum, ulong from)
    {
        var rounds = _bySender.Values.SelectMany(mine => mine.Keys).Where(r => r >= from).CountBy(r => r)
            .Where(r => r.Value >= quorum).Select(r => r.Key).ToList();
        return rounds.Count == 0 ? null : rounds.Max();
    }

    /// <summary>The highest round past this one that so many validators have reached or passed.</summary>
    public ulong? ReachedBy(int validators, ulong past)
    {
        var rounds = _bySender.Values.Select(mine => mine.Keys[^1]).Where(r => r > past).OrderDescending().ToList();
        return rounds.Count < validators ? null : rounds[validators - 1];
    }

    /// <summary>The lowest round past this one that a validator has reached, and how many are past it.</summary>
    public (ulong? Lowest, int Count) Past(ulong round)
    {
        var rounds = _bySender.Values.Select(mine => mine.Keys[^1]).Where(r => r > round).ToList();
        return (rounds.Count == 0 ? null : rounds.Min(), rounds.Count);
    }
}
