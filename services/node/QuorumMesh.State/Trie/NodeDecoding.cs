using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Reads node RLP that was written here and verified by hash, so it is known to be well formed.</summary>
internal static class NodeDecoding
{
    public static TrieNode Node(byte[] encoded, in Hash256 hash)
    {
        var node = Node(encoded);
        node.MarkClean(encoded, hash);
        return node;
    }

    /// <summary>Position of the first item of the list.</summary>
    public static int ListStart(byte[] list) => list[0] < 0xf8 ? 1 : 1 + list[0] - 0xf7;

    public static int ItemEnd(byte[] data, int at)
    {
        var first = data[at];
        if (first < 0x80) return at + 1;
        if (first < 0xb8) return at + 1 + first - 0x80;
        if (first < 0xc0) return LongEnd(data, at, first - 0xb7);
        return first < 0xf8 ? at + 1 + first - 0xc0 : LongEnd(data, at, first - 0xf7);
    }

    public static ReadOnlySpan<byte> String(byte[] data, int at)
    {
        var end = ItemEnd(data, at);
        var first = data[at];
        var start = first < 0x80 ? at : first < 0xb8 ? at + 1 : at + 1 + first - 0xb7;
        return data.AsSpan(start, end - start);
    }

    /// <summary>What a parent holds: nothing, a hash, or a whole small node.</summary>
    public static TrieNode? Reference(byte[] data, int at)
    {
        if (data[at] == 0x80) return null;
        if (data[at] == 0xa0) return new HashNode(new Hash256(data.AsSpan(at + 1, 32)));
        return Node(data.AsSpan(at, ItemEnd(data, at) - at).ToArray(), default);
    }

    private static TrieNode Node(byte[] encoded)
    {
        var first = ListStart(encoded);
        var second = ItemEnd(encoded, first);
        if (ItemEnd(encoded, second) != encoded.Length) return new BranchNode(encoded);
        var nibbles = Nibbles(String(encoded, first), out var leaf);
        return leaf ? new LeafNode(nibbles, String(encoded, second).ToArray()) : new ExtensionNode(nibbles, Reference(encoded, second)!);
    }

    /// <summary>Undoes the hex-prefix encoding (Yellow Paper, appendix C).</summary>
    private static byte[] Nibbles(ReadOnlySpan<byte> compact, out bool leaf)
    {
        leaf = (compact[0] & 0x20) != 0;
        var odd = (compact[0] & 0x10) != 0;
        var nibbles = new byte[compact.Length * 2 - (odd ? 1 : 2)];
        var at = 0;
        if (odd) nibbles[at++] = (byte)(compact[0] & 15);
        foreach (var pair in compact[1..])
        {
            nibbles[at++] = (byte)(pair >> 4);
            nibbles[at++] = (byte)(pair & 15);
        }

        return nibbles;
    }

    private static int LongEnd(byte[] data, int at, int size)
    {
        var length = 0;
        for (var i = 1; i <= size; i++)
            length = length << 8 | data[at + i];
        return at + 1 + size + length;
    }
}
