using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>RLP of trie nodes, each in one exact allocation.</summary>
internal static class NodeEncoding
{
    /// <summary>Leaf or extension: [hex-prefix(nibbles), item]; a leaf's item is a string, an extension's is a finished reference.</summary>
    public static byte[] Short(ReadOnlySpan<byte> nibbles, bool leaf, ReadOnlySpan<byte> item)
    {
        var compactLength = nibbles.Length / 2 + 1;
        var odd = (nibbles.Length & 1) == 1;
        var first = (byte)((leaf ? 0x20 : 0) | (odd ? 0x10 | nibbles[0] : 0));
        var keyLength = compactLength == 1 ? 1 : LengthOfString(compactLength, first);
        var itemLength = leaf ? LengthOfString(item.Length, item.Length > 0 ? item[0] : (byte)0x80) : item.Length;
        var encoded = StartList(keyLength + itemLength, out var at);
        if (compactLength > 1) at = WriteStringHeader(encoded, at, compactLength);
        encoded[at++] = first;
        for (var i = odd ? 1 : 0; i < nibbles.Length; i += 2)
            encoded[at++] = (byte)(nibbles[i] << 4 | nibbles[i + 1]);
        if (leaf) WriteString(encoded, at, item);
        else item.CopyTo(encoded.AsSpan(at));
        return encoded;
    }

    /// <summary>References of the 16 children (null = none), then the value (empty = none).</summary>
    public static byte[] Branch(byte[]?[] references, ReadOnlySpan<byte> value)
    {
        var length = LengthOfString(value.Length, value.Length > 0 ? value[0] : (byte)0x80);
        foreach (var reference in references)
            length += reference?.Length ?? 1;
        var encoded = StartList(length, out var at);
        foreach (var reference in references)
        {
            if (reference is null)
            {
                encoded[at++] = 0x80;
                continue;
            }

            reference.CopyTo(encoded, at);
            at += reference.Length;
        }

        WriteString(encoded, at, value);
        return encoded;
    }

    /// <summary>What a parent holds: the node itself when shorter than 32 bytes, else its hash as an RLP string.</summary>
    public static byte[] Reference(byte[] node)
    {
        if (node.Length < 32) return node;
        var reference = new byte[33];
        reference[0] = 0xa0;
        Keccak.Hash(node, reference.AsSpan(1));
        return reference;
    }

    public static byte[] StartList(int payload, out int at)
    {
        var header = payload < 56 ? 1 : 1 + BytesOf(payload);
        var encoded = new byte[header + payload];
        at = WriteHeader(encoded, 0, payload, 0xc0);
        return encoded;
    }

    public static int LengthOfString(int length, byte first)
    {
        if (length == 1 && first < 0x80) return 1;
        return length < 56 ? 1 + length : 1 + BytesOf(length) + length;
    }

    public static int WriteString(byte[] target, int at, ReadOnlySpan<byte> value)
    {
        if (value.Length != 1 || value[0] >= 0x80) at = WriteStringHeader(target, at, value.Length);
        value.CopyTo(target.AsSpan(at));
        return at + value.Length;
    }

    private static int WriteStringHeader(byte[] target, int at, int length) => WriteHeader(target, at, length, 0x80);

    private static int WriteHeader(byte[] target, int at, int length, int shortBase)
    {
        if (length < 56)
        {
            target[at] = (byte)(shortBase + length);
            return at + 1;
        }

        var size = BytesOf(length);
        target[at++] = (byte)(shortBase + 55 + size);
        for (var shift = (size - 1) * 8; shift >= 0; shift -= 8)
            target[at++] = (byte)(length >> shift);
        return at;
    }

    private static int BytesOf(int length) => length < 1 << 8 ? 1 : length < 1 << 16 ? 2 : length < 1 << 24 ? 3 : 4;
}
