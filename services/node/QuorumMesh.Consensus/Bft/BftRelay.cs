using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// Which of the last messages were taken, and which peers have them: each is passed on once, to validators that are not known to have it
/// (2.5:consensus/istanbul/backend/backend.go Gossip).
/// </summary>
internal sealed class BftRelay
{
    private const int MostMessages = 1024; // as GoQuorum's inmemoryMessages
    private readonly Dictionary<Hash256, Known> _known = [];
    private readonly Queue<Hash256> _order = [];

    /// <summary>Notes who has it; true when it was taken before.</summary>
    public bool Note(Hash256 hash, Address from)
    {
        var known = Find(hash);
        known.Holders.Add(from);
        return known.IsTaken;
    }

    /// <summary>It was taken: whom of these it is to be passed on to.</summary>
    public IReadOnlyList<Address> Take(Hash256 hash, IEnumerable<Address> validators)
    {
        var known = Find(hash);
        known.IsTaken = true;
        return [.. validators.Where(known.Holders.Add)];
    }

    private Known Find(Hash256 hash)
    {
        if (_known.TryGetValue(hash, out var known)) return known;
        if (_order.Count == MostMessages) _known.Remove(_order.Dequeue());
        _order.Enqueue(hash);
        return _known[hash] = new Known();
    }

    private sealed class Known
    {
        public bool IsTaken { get; set; }

        public HashSet<Address> Holders { get; } = [];
    }
}
