using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Answers of the manager that were fetched ahead of the private head. Bounded by bytes: the oldest go first and are simply asked for again.
/// Only settled answers (here, not a party) are kept. Owned by the writer loop.
/// </summary>
public sealed class PayloadCache(long capacityBytes = 64L << 20)
{
    /// <summary>What an entry costs beside its payload: key, links and record.</summary>
    private const int EntryOverhead = 256;

    private readonly Dictionary<PayloadHash, LinkedListNode<PayloadAnswer>> _byHash = [];
    private readonly LinkedList<PayloadAnswer> _byAge = [];
    private long _bytes;

    public int Count => _byHash.Count;

    public PayloadAnswer? Find(in PayloadHash hash) => _byHash.TryGetValue(hash, out var node) ? node.Value : null;

    public void Add(PayloadAnswer answer)
    {
        if (answer.Availability is not (PayloadAvailability.Here or PayloadAvailability.NotAParty)) return;
        Remove(answer.Hash);
        _byHash[answer.Hash] = _byAge.AddLast(answer);
        _bytes += Cost(answer);
        while (_bytes > capacityBytes && _byAge.Count > 1)
            Remove(_byAge.First!.Value.Hash);
    }

    public void Remove(in PayloadHash hash)
    {
        if (!_byHash.Remove(hash, out var node)) return;
        _byAge.Remove(node);
        _bytes -= Cost(node.Value);
    }

    private static long Cost(PayloadAnswer answer) => EntryOverhead + (answer.Payload?.Length ?? 0);
}
