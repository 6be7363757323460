using System.Buffers.Binary;

namespace QuorumMesh.State;

/// <summary>Position of a node in a trie: up to 64 nibbles, packed from the high end.</summary>
internal readonly struct NibblePath : IEquatable<NibblePath>
{
    public const int MaxLength = 64;
    private readonly ulong _p0;
    private readonly ulong _p1;
    private readonly ulong _p2;
    private readonly ulong _p3;

    private NibblePath(ulong p0, ulong p1, ulong p2, ulong p3, int length)
    {
        _p0 = p0;
        _p1 = p1;
        _p2 = p2;
        _p3 = p3;
        Length = (byte)length;
    }

    public byte Length { get; }

    /// <summary>Bytes needed by <see cref="WritePacked"/>.</summary>
    public int PackedLength => (Length + 1) / 2;

    /// <param name="nibbles">One nibble (0-15) per byte.</param>
    public static NibblePath Of(ReadOnlySpan<byte> nibbles)
    {
        if (nibbles.Length > MaxLength) throw new ArgumentException($"a path has at most {MaxLength} nibbles, not {nibbles.Length}", nameof(nibbles));
        Span<ulong> words = stackalloc ulong[4];
        words.Clear();
        for (var i = 0; i < nibbles.Length; i++)
            words[i >> 4] |= (ulong)nibbles[i] << (60 - 4 * (i & 15));
        return new NibblePath(words[0], words[1], words[2], words[3], nibbles.Length);
    }

    public NibblePath Append(int nibble)
    {
        var bits = (ulong)nibble << (60 - 4 * (Length & 15));
        return (Length >> 4) switch
        {
            0 => new(_p0 | bits, _p1, _p2, _p3, Length + 1),
            1 => new(_p0, _p1 | bits, _p2, _p3, Length + 1),
            2 => new(_p0, _p1, _p2 | bits, _p3, Length + 1),
            3 => new(_p0, _p1, _p2, _p3 | bits, Length + 1),
            _ => throw new InvalidOperationException("a path has at most 64 nibbles"),
        };
    }

    public NibblePath Append(ReadOnlySpan<byte> nibbles)
    {
        var path = this;
        foreach (var nibble in nibbles)
            path = path.Append(nibble);
        return path;
    }

    /// <summary>Two nibbles per byte, an odd last one in the high half.</summary>
    public void WritePacked(Span<byte> target)
    {
        Span<byte> whole = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64BigEndian(whole, _p0);
        BinaryPrimitives.WriteUInt64BigEndian(whole[8..], _p1);
        BinaryPrimitives.WriteUInt64BigEndian(whole[16..], _p2);
        BinaryPrimitives.WriteUInt64BigEndian(whole[24..], _p3);
        whole[..PackedLength].CopyTo(target);
    }

    public bool Equals(NibblePath other) =>
        _p0 == other._p0 && Length == other.Length && _p1 == other._p1 && _p2 == other._p2 && _p3 == other._p3;

    public override bool Equals(object? obj) => obj is NibblePath other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_p0, _p1 ^ _p2 ^ _p3, Length);

    public override string ToString()
    {
        Span<byte> packed = stackalloc byte[32];
        WritePacked(packed);
        return Convert.ToHexStringLower(packed)[..Length];
    }
}
