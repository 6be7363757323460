using System.Diagnostics.CodeAnalysis;

namespace QuorumMesh.Primitives;

/// <summary>Place of one item's content: where it starts from the item's first byte, its length, and whether it is a list.</summary>
internal readonly struct RlpHeader(int contentStart, int contentLength, bool isList)
{
    public int ContentStart { get; } = contentStart;

    public int ContentLength { get; } = contentLength;

    public bool IsList { get; } = isList;

    public int ItemLength => ContentStart + ContentLength;

    /// <summary>
    /// Reads the header of the item that <paramref name="data"/> starts with; canonical form only (Yellow Paper, appendix B).
    /// </summary>
    /// <exception cref="RlpException">Not canonical, or longer than the data; positions start at <paramref name="position"/>.</exception>
    public static RlpHeader Read(ReadOnlySpan<byte> data, int position)
    {
        if (data.IsEmpty) Fail(position, "an item is missing");
        byte prefix = data[0];
        if (prefix < 0x80) return new(0, 1, false);
        bool isList = prefix >= 0xc0;
        int shortLength = prefix - (isList ? 0xc0 : 0x80);
        RlpHeader header = shortLength <= 55
            ? new(1, shortLength, isList)
            : new(1 + shortLength - 55, ReadLongLength(data[1..], shortLength - 55, position), isList);
        if (header.ContentLength > data.Length - header.ContentStart) Fail(position, "the item is longer than the data around it");
        // One value, one encoding: a second one would give the same transaction a second hash.
        if (prefix == 0x81 && data[1] < 0x80) Fail(position, "a single byte below 128 must stand for itself");
        return header;
    }

    private static int ReadLongLength(ReadOnlySpan<byte> data, int size, int position)
    {
        if (data.Length < size) Fail(position, "the length is cut off");
        if (data[0] == 0) Fail(position, "the length has leading zeros");
        ulong length = 0;
        foreach (byte b in data[..size]) length = length << 8 | b;
        if (length <= 55) Fail(position, "a length of at most 55 must be in the short form");
        if (length > int.MaxValue) Fail(position, "the item is longer than the data around it");
        return (int)length;
    }

    [DoesNotReturn]
    public static void Fail(int position, string reason) => throw new RlpException(position, reason);
}
