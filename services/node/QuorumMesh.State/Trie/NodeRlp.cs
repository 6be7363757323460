using System.Buffers.Binary;
using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>
/// The RLP items that trie nodes consist of. A list is written behind room for its longest header and then moved up to its own.
/// </summary>
internal static class NodeRlp
{
    public const byte Empty = 0x80;
    public const byte HashHeader = 0xa0;

    /// <summary>Where a list's first item is written to.</summary>
    public const int HeaderRoom = 5;

    public static int WriteHash(Span<byte> target, int at, in Hash256 hash)
    {
        target[at] = HashHeader;
        hash.CopyTo(target[(at + 1)..]);
        return at + 33;
    }

    public static int WriteString(Span<byte> target, int at, ReadOnlySpan<byte> value)
    {
        if (value.Length != 1 || value[0] >= 0x80) at += WriteHeader(target[at..], value.Length, 0x80);
        value.CopyTo(target[at..]);
        return at + value.Length;
    }

    /// <param name="number">Not negative.</param>
    public static int WriteNumber(Span<byte> target, int number)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, number);
        return WriteString(target, 0, word.TrimStart((byte)0));
    }

    /// <summary>The nibbles of a path from a depth on, as an RLP string.</summary>
    public static int WriteHexPrefix(Span<byte> target, int at, in NibblePath path, int depth, bool isLeaf)
    {
        var count = path.Length - depth;
        var size = count / 2 + 1;
        if (size > 1) target[at++] = (byte)(0x80 + size);
        var flags = isLeaf ? 0x20 : 0;
        target[at] = (byte)((count & 1) == 0 ? flags : flags | 0x10 | path[depth]);
        Span<byte> whole = stackalloc byte[32];
        path.Write(whole);
        var from = depth + (count & 1);
        if ((from & 1) == 0)
        {
            whole.Slice(from / 2, size - 1).CopyTo(target[(at + 1)..]);
            return at + size;
        }

        for (var i = 1; i < size; i++, from += 2)
            target[at + i] = (byte)(whole[from / 2] << 4 | whole[from / 2 + 1] >> 4);
        return at + size;
    }

    /// <summary>The path to where the nibbles lead.</summary>
    public static NibblePath ReadHexPrefix(ReadOnlySpan<byte> hexPrefix, in NibblePath path, out bool isLeaf)
    {
        isLeaf = (hexPrefix[0] & 0x20) != 0;
        var end = (hexPrefix[0] & 0x10) != 0 ? path.Append(hexPrefix[0] & 15) : path;
        foreach (var pair in hexPrefix[1..])
            end = end.Append(pair >> 4).Append(pair & 15);
        return end;
    }

    /// <summary>Puts the header before what stands from <see cref="HeaderRoom"/> up to <paramref name="end"/>.</summary>
    /// <returns>The list's length.</returns>
    public static int CloseList(Span<byte> target, int end)
    {
        var payload = end - HeaderRoom;
        Span<byte> header = stackalloc byte[HeaderRoom];
        var size = WriteHeader(header, payload, 0xc0);
        if (size < HeaderRoom) target[HeaderRoom..end].CopyTo(target[size..]);
        header[..size].CopyTo(target);
        return size + payload;
    }

    /// <summary>Position of the first item of the list.</summary>
    public static int ListStart(ReadOnlySpan<byte> list) => list[0] < 0xf8 ? 1 : 1 + list[0] - 0xf7;

    public static int ItemEnd(ReadOnlySpan<byte> data, int at)
    {
        var first = data[at];
        if (first < 0x80) return at + 1;
        if (first < 0xb8) return at + 1 + first - 0x80;
        if (first < 0xc0) return LongEnd(data, at, first - 0xb7);
        return first < 0xf8 ? at + 1 + first - 0xc0 : LongEnd(data, at, first - 0xf7);
    }

    public static ReadOnlySpan<byte> String(ReadOnlySpan<byte> data, int at)
    {
        var end = ItemEnd(data, at);
        var first = data[at];
        var start = first < 0x80 ? at : first < 0xb8 ? at + 1 : at + 1 + first - 0xb7;
        return data[start..end];
    }

    private static int WriteHeader(Span<byte> target, int length, int shortBase)
    {
        if (length < 56)
        {
            target[0] = (byte)(shortBase + length);
            return 1;
        }

        var size = length < 1 << 8 ? 1 : length < 1 << 16 ? 2 : length < 1 << 24 ? 3 : 4;
        target[0] = (byte)(shortBase + 55 + size);
        for (var i = 0; i < size; i++)
            target[1 + i] = (byte)(length >> (8 * (size - 1 - i)));
        return 1 + size;
    }

    private static int LongEnd(ReadOnlySpan<byte> data, int at, int size)
    {
        var length = 0;
        for (var i = 1; i <= size; i++)
            length = length << 8 | data[at + i];
        return at + 1 + size + length;
    }
}
