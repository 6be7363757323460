using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Merkle-Patricia roots of key-value sets known whole (Yellow Paper, appendix D). Entries with an empty value are absent.</summary>
public static class TrieRoot
{
    /// <summary>Transaction and receipt roots: the key of an item is the RLP of its index.</summary>
    public static Hash256 OfOrderedList(IReadOnlyList<byte[]> rlpItems)
    {
        var items = new List<KeyValuePair<byte[], byte[]>>(rlpItems.Count);
        for (var i = 0; i < rlpItems.Count; i++)
            items.Add(new(IndexKey(i), rlpItems[i]));
        return Of(items);
    }

    /// <summary>Later duplicates of a key win.</summary>
    public static Hash256 Of(IEnumerable<KeyValuePair<byte[], byte[]>> items)
    {
        var sorted = new SortedDictionary<byte[], byte[]>(ByteOrder.Instance);
        foreach (var (key, value) in items)
            sorted[key] = value;
        var present = sorted.Where(e => e.Value.Length > 0).ToArray();
        return present.Length == 0 ? Hash256.EmptyTrie : Keccak.Hash(Node(present, 0));
    }

    /// <summary>As <see cref="Of"/>, with every key replaced by its Keccak-256 hash.</summary>
    public static Hash256 OfSecure(IEnumerable<KeyValuePair<byte[], byte[]>> items) =>
        Of(items.Select(e => new KeyValuePair<byte[], byte[]>(Keccak.Hash(e.Key).ToArray(), e.Value)));

    private static byte[] IndexKey(int index)
    {
        var writer = new RlpWriter();
        writer.Write((ulong)index);
        return writer.ToArray();
    }

    /// <summary>RLP of the node over sorted, distinct entries that agree in their first <paramref name="depth"/> nibbles.</summary>
    private static byte[] Node(ReadOnlySpan<KeyValuePair<byte[], byte[]>> entries, int depth)
    {
        var first = entries[0].Key;
        if (entries.Length == 1)
            return NodeEncoding.Short(NibblesOf(first, depth, first.Length * 2), true, entries[0].Value);

        var end = CommonEnd(first, entries[^1].Key, depth);
        if (end > depth)
            return NodeEncoding.Short(NibblesOf(first, depth, end), false, NodeEncoding.Reference(Node(entries, end)));

        return Branch(entries, depth);
    }

    private static byte[] Branch(ReadOnlySpan<KeyValuePair<byte[], byte[]>> entries, int depth)
    {
        var references = new byte[16][];
        byte[] value = [];
        var start = 0;
        if (entries[0].Key.Length * 2 == depth)
        {
            value = entries[0].Value;
            start = 1;
        }

        while (start < entries.Length)
        {
            var nibble = Nibble(entries[start].Key, depth);
            var end = start + 1;
            while (end < entries.Length && Nibble(entries[end].Key, depth) == nibble) end++;
            references[nibble] = NodeEncoding.Reference(Node(entries[start..end], depth + 1));
            start = end;
        }

        return NodeEncoding.Branch(references, value);
    }

    private static int CommonEnd(byte[] a, byte[] b, int depth)
    {
        var limit = Math.Min(a.Length, b.Length) * 2;
        var at = depth;
        while (at < limit && Nibble(a, at) == Nibble(b, at)) at++;
        return at;
    }

    private static int Nibble(byte[] key, int index) => (index & 1) == 0 ? key[index >> 1] >> 4 : key[index >> 1] & 15;

    private static byte[] NibblesOf(byte[] key, int from, int to)
    {
        var nibbles = new byte[to - from];
        for (var i = 0; i < nibbles.Length; i++)
            nibbles[i] = (byte)Nibble(key, from + i);
        return nibbles;
    }
}
