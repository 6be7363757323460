using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// Merkle-Patricia roots of key-value sets known whole (Yellow Paper, appendix D). Entries with an empty value are absent.
/// </summary>
public static class TrieRoot
{
    /// <summary>Transaction and receipt roots: the key of an item is the RLP of its index.</summary>
    public static Hash256 OfOrderedList(IReadOnlyList<byte[]> rlpItems)
    {
        var items = new TrieChange[rlpItems.Count];
        for (var i = 0; i < items.Length; i++)
            items[i] = new TrieChange(IndexKey(i), rlpItems[i]);
        return OfDistinct(items);
    }

    /// <summary>Later duplicates of a key win.</summary>
    public static Hash256 Of(IEnumerable<KeyValuePair<byte[], byte[]>> items)
    {
        var distinct = new Dictionary<NibblePath, byte[]>();
        foreach (var (key, value) in items)
            distinct[NibblePath.OfKey(key)] = value;
        return OfDistinct([.. distinct.Select(static e => new TrieChange(e.Key, e.Value))]);
    }

    /// <summary>As <see cref="Of"/>, with every key replaced by its Keccak-256 hash.</summary>
    public static Hash256 OfSecure(IEnumerable<KeyValuePair<byte[], byte[]>> items)
    {
        var distinct = new Dictionary<NibblePath, byte[]>();
        foreach (var (key, value) in items)
            distinct[NibblePath.OfKey(Keccak.Hash(key).Bytes)] = value;
        return OfDistinct([.. distinct.Select(static e => new TrieChange(e.Key, e.Value))]);
    }

    // The same walk as for stored tries: one implementation of the rules gives every root.
    private static Hash256 OfDistinct(TrieChange[] items)
    {
        Array.Sort(items);
        return new TrieUpdate(source: null, owner: null, epoch: 0).Apply(default, items).RootHash;
    }

    private static NibblePath IndexKey(int index)
    {
        Span<byte> key = stackalloc byte[5];
        return NibblePath.OfKey(key[..NodeRlp.WriteNumber(key, index)]);
    }
}
