using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The payloads that the blocks behind the private head name, in the order of their use, some blocks ahead. Each block is read
/// once. Owned by the writer loop.
/// </summary>
internal sealed class PrivateWindow(NodeStores stores)
{
    private const int MaxBlocks = 64;

    /// <summary>What it looks ahead for, at most; the block in which it is reached is taken in whole.</summary>
    private const int MaxHashes = 256;

    private readonly Queue<(ulong Number, PayloadHash[] Hashes)> _blocks = [];
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
        while (_blocks.TryPeek(out var first) && first.Number <= privateHead) _count -= _blocks.Dequeue().Hashes.Length;
        if (_blocks.Count == 0) _last = privateHead;
        for (; _last < head && _count < MaxHashes && _last - privateHead < MaxBlocks; _last++) Add(_last + 1);
        return _blocks.SelectMany(b => b.Number == privateHead + 1 ? b.Hashes.Skip(passed) : b.Hashes).Take(MaxHashes);
    }

    private void Add(ulong number)
    {
        var block = ChainStore.GetBlock(stores.KeyValues, number)
            ?? throw new ChainCorruptException($"block {number} is below the head and not stored");
        PayloadHash[] hashes = [.. block.PayloadHashes];
        if (hashes.Length == 0) return;
        _blocks.Enqueue((number, hashes));
        _count += hashes.Length;
    }
}
