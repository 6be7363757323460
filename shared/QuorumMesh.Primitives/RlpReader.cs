using System.Diagnostics.CodeAnalysis;

namespace QuorumMesh.Primitives;

/// <summary>
/// Forward reader over a sequence of RLP items, without copying. Strict: only the canonical form is read, and every error is an
/// <see cref="RlpException"/>. After an error the reader stays where it was.
/// </summary>
public ref struct RlpReader
{
    /// <summary>Lists within lists that are followed at most.</summary>
    public const int MaxDepth = 1024;

    private readonly ReadOnlySpan<byte> _data;
    private readonly int _origin;
    private readonly int _depthLeft;
    private int _position;

    public RlpReader(ReadOnlySpan<byte> data)
        : this(data, 0, MaxDepth)
    {
    }

    private RlpReader(ReadOnlySpan<byte> data, int origin, int depthLeft)
    {
        _data = data;
        _origin = origin;
        _depthLeft = depthLeft;
    }

    /// <summary>True when no item is left.</summary>
    public readonly bool End => _position == _data.Length;

    /// <summary>Offset of the next item in the outermost data.</summary>
    public readonly int Position => _origin + _position;

    /// <summary>Bytes left in this reader.</summary>
    public readonly int Remaining => _data.Length - _position;

    /// <summary>True when there is a next item and it is a list.</summary>
    public readonly bool IsList => !End && _data[_position] >= 0xc0;

    /// <summary>The content of the next item, a string.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        RlpHeader header = PeekString();
        ReadOnlySpan<byte> content = _data.Slice(_position + header.ContentStart, header.ContentLength);
        _position += header.ItemLength;
        return content;
    }

    /// <summary>The content of the next item, a string of exactly this length.</summary>
    public ReadOnlySpan<byte> ReadBytes(int exactLength)
    {
        RlpHeader header = PeekString();
        if (header.ContentLength != exactLength) Fail($"expected {exactLength} bytes, got {header.ContentLength}");
        return ReadBytes();
    }

    /// <summary>A reader of the next item's content, a list; this reader moves behind the list.</summary>
    public RlpReader ReadList()
    {
        RlpHeader header = Peek();
        if (!header.IsList) Fail("expected a list, got a string");
        if (_depthLeft == 0) Fail($"lists are nested more than {MaxDepth} deep");
        int start = _position + header.ContentStart;
        _position += header.ItemLength;
        return new RlpReader(_data.Slice(start, header.ContentLength), _origin + start, _depthLeft - 1);
    }

    /// <summary>The next item with its header; the inside of a list is not looked at.</summary>
    public ReadOnlySpan<byte> ReadRaw()
    {
        int length = Peek().ItemLength;
        ReadOnlySpan<byte> item = _data.Slice(_position, length);
        _position += length;
        return item;
    }

    /// <summary>Moves behind the next item; the inside of a list is not looked at.</summary>
    public void Skip() => _position += Peek().ItemLength;

    /// <summary>How many items are left, without moving on; the insides of lists are not looked at.</summary>
    public readonly int CountItems()
    {
        int count = 0;
        for (int at = _position; at < _data.Length; count++) at += RlpHeader.Read(_data[at..], _origin + at).ItemLength;
        return count;
    }

    public readonly void ExpectEnd()
    {
        if (!End) Fail($"{Remaining} bytes too many");
    }

    public ulong ReadUInt64() => ReadInteger(8, "64");

    public uint ReadUInt32() => (uint)ReadInteger(4, "32");

    /// <summary>0 to 2^31 - 1.</summary>
    public int ReadInt32()
    {
        int before = _position;
        uint value = ReadUInt32();
        if (value <= int.MaxValue) return (int)value;
        _position = before;
        Fail("the number does not fit in 31 bits");
        return 0;
    }

    public UInt256 ReadUInt256() => UInt256.FromBigEndian(ReadIntegerBytes(UInt256.Size, "256"));

    /// <summary>0 or 1.</summary>
    public bool ReadBool()
    {
        int before = _position;
        uint value = ReadUInt32();
        if (value <= 1) return value == 1;
        _position = before;
        Fail("a boolean is 0 or 1");
        return false;
    }

    public Address ReadAddress() => new(ReadBytes(Address.Size));

    /// <summary>Null for the empty string: the recipient of a contract creation.</summary>
    public Address? ReadOptionalAddress()
    {
        RlpHeader header = PeekString();
        if (header.ContentLength != 0) return ReadAddress();
        _position += header.ItemLength;
        return null;
    }

    public Hash256 ReadHash256() => new(ReadBytes(Hash256.Size));

    /// <summary>Checks that the bytes are exactly one item, canonical all the way down.</summary>
    /// <exception cref="RlpException">They are not, or lists are nested deeper than <paramref name="maxDepth"/>.</exception>
    public static void Validate(ReadOnlySpan<byte> whole, int maxDepth = MaxDepth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDepth);
        int itemLength = RlpHeader.Read(whole, 0).ItemLength;
        if (itemLength != whole.Length) RlpHeader.Fail(itemLength, $"{whole.Length - itemLength} bytes too many");

        // Ends of the lists that the position is in, outermost first; grown as needed, so that a bound costs nothing.
        Span<int> ends = stackalloc int[64];
        int depth = 0;
        int position = 0;
        int end = whole.Length;
        while (position < end)
        {
            RlpHeader header = RlpHeader.Read(whole[position..end], position);
            if (header.IsList)
            {
                if (depth == maxDepth) RlpHeader.Fail(position, $"lists are nested more than {maxDepth} deep");
                if (depth == ends.Length) ends = Grow(ends);
                ends[depth++] = end;
                end = position + header.ItemLength;
                position += header.ContentStart;
            }
            else
            {
                position += header.ItemLength;
            }

            while (depth > 0 && position == end) end = ends[--depth];
        }
    }

    private static Span<int> Grow(ReadOnlySpan<int> ends)
    {
        int[] larger = new int[ends.Length * 2];
        ends.CopyTo(larger);
        return larger;
    }

    private readonly RlpHeader Peek() => RlpHeader.Read(_data[_position..], Position);

    private readonly RlpHeader PeekString()
    {
        RlpHeader header = Peek();
        if (header.IsList) Fail("expected a string, got a list");
        return header;
    }

    private ReadOnlySpan<byte> ReadIntegerBytes(int size, string bits)
    {
        RlpHeader header = PeekString();
        ReadOnlySpan<byte> bytes = _data.Slice(_position + header.ContentStart, header.ContentLength);
        if (bytes.Length > size) Fail($"the number does not fit in {bits} bits");
        if (bytes.Length > 0 && bytes[0] == 0) Fail("a number has leading zeros");
        _position += header.ItemLength;
        return bytes;
    }

    private ulong ReadInteger(int size, string bits)
    {
        ulong value = 0;
        foreach (byte b in ReadIntegerBytes(size, bits)) value = value << 8 | b;
        return value;
    }

    [DoesNotReturn]
    private readonly void Fail(string reason) => RlpHeader.Fail(Position, reason);
}
