using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The payloads that the blocks behind the private head name, in the order of their use, some blocks ahead. Each block is read
/// once. Owned by the writer loop.
/// </summary>
/// <param name="payloads">Where the payloads of markers are looked for, to find those of the transactions in them.</param>
internal sealed class PrivateWindow(NodeStores stores, PayloadCache payloads)
{
    private const int MaxBlocks = 64;

    /// <summary>What it looks ahead for, at most; the block in which it is reached is taken in whole.</summary>
    private const int MaxHashes = 256;

    private readonly Queue<(ulong Number, Upcoming[] Payloads)> _blocks = [];
    private ulong _last;
    private int _count;

    /// <summary>The private head went back.</summary>
    public void Clear()
    {
        _blocks.Clear();
        _count = 0;
    }

    /// <param name="passed">Payloads of the block behind the private head that were run already.</param>
    public IEnumerable<PayloadHash> After(ulong privateHead, ulong head, int passed)
    {
        while (_blocks.TryPeek(out var first) && first.Number <= privateHead) _count -= _blocks.Dequeue().Payloads.Length;
        if (_blocks.Count == 0) _last = privateHead;
        for (; _last < head && _count < MaxHashes && _last - privateHead < MaxBlocks; _last++) Add(_last + 1);
        return _blocks.SelectMany(b => b.Number == privateHead + 1 ? b.Payloads.Skip(passed) : b.Payloads).SelectMany(Hashes)
            .Take(MaxHashes);
    }

    private void Add(ulong number)
    {
        var block = ChainStore.GetBlock(stores.KeyValues, number)
            ?? throw new ChainCorruptException($"block {number} is below the head and not stored");
        var upcoming = new List<Upcoming>();
        foreach (var tx in block.Transactions)
            if (stores.Rules.PayloadOf(tx, number) is { } hash) upcoming.Add(new Upcoming(hash, !tx.IsPrivate));
        if (upcoming.Count == 0) return;
        _blocks.Enqueue((number, [.. upcoming]));
        _count += upcoming.Count;
    }

    /// <summary>A marker's, and that of the transaction in it once the marker's payload is here.</summary>
    private IEnumerable<PayloadHash> Hashes(Upcoming upcoming)
    {
        yield return upcoming.Hash;
        if (upcoming is { IsMarker: true, IsOpened: false } && payloads.Find(upcoming.Hash)?.Payload is { } payload)
            (upcoming.IsOpened, upcoming.Inner) = (true, PrivacyMarker.InnerPayloadOf(payload));
        if (upcoming.Inner is { } inner) yield return inner;
    }

    private sealed class Upcoming(PayloadHash hash, bool isMarker)
    {
        public PayloadHash Hash => hash;

        public bool IsMarker => isMarker;

        public bool IsOpened { get; set; }

        public PayloadHash? Inner { get; set; }
    }
}
