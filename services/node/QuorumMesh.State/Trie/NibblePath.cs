using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QuorumMesh.State.Trie;

/// <summary>
/// Up to 64 nibbles, packed from the high end: the key of a leaf, or the position of a node in a trie. Ordered as the keys are, a
/// prefix first.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NibblePath : IEquatable<NibblePath>, IComparable<NibblePath>
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

    /// <summary>The nibble (0-15) at a place below <see cref="Length"/>.</summary>
    public int this[int index]
    {
        get
        {
            Debug.Assert((uint)index < Length, "beyond the path");
            return (int)(Unsafe.Add(ref Unsafe.AsRef(in _p0), index >> 4) >> (60 - 4 * (index & 15))) & 15;
        }
    }

    /// <param name="nibbles">One nibble (0-15) per byte.</param>
    public static NibblePath Of(ReadOnlySpan<byte> nibbles)
    {
        if (nibbles.Length > MaxLength)
            throw new ArgumentException($"a path has at most {MaxLength} nibbles, not {nibbles.Length}", nameof(nibbles));
        Span<ulong> words = stackalloc ulong[4];
        words.Clear();
        for (var i = 0; i < nibbles.Length; i++)
            words[i >> 4] |= (ulong)nibbles[i] << (60 - 4 * (i & 15));
        return new NibblePath(words[0], words[1], words[2], words[3], nibbles.Length);
    }

    /// <param name="key">At most 32 bytes, two nibbles each.</param>
    public static NibblePath OfKey(ReadOnlySpan<byte> key)
    {
        if (key.Length * 2 > MaxLength)
            throw new ArgumentException($"a key has at most {MaxLength / 2} bytes, not {key.Length}", nameof(key));
        Span<byte> whole = stackalloc byte[32];
        whole.Clear();
        key.CopyTo(whole);
        return new NibblePath(
            BinaryPrimitives.ReadUInt64BigEndian(whole),
            BinaryPrimitives.ReadUInt64BigEndian(whole[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(whole[16..]),
            BinaryPrimitives.ReadUInt64BigEndian(whole[24..]),
            key.Length * 2);
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

    /// <summary>The first nibbles, at most all.</summary>
    public NibblePath Take(int length)
    {
        Debug.Assert((uint)length <= Length, "longer than the path");
        return new NibblePath(Keep(_p0, length), Keep(_p1, length - 16), Keep(_p2, length - 32), Keep(_p3, length - 48), length);
    }

    /// <summary>How many nibbles agree from the start.</summary>
    public int CommonPrefix(in NibblePath other)
    {
        var shorter = Math.Min(Length, other.Length);
        var equal = Equal(_p0, other._p0);
        if (equal == 16) equal += Equal(_p1, other._p1);
        if (equal == 32) equal += Equal(_p2, other._p2);
        if (equal == 48) equal += Equal(_p3, other._p3);
        return Math.Min(shorter, equal);
    }

    /// <summary>Two nibbles per byte, an odd last one in the high half.</summary>
    public void WritePacked(Span<byte> target)
    {
        Span<byte> whole = stackalloc byte[32];
        Write(whole);
        whole[..PackedLength].CopyTo(target);
    }

    /// <summary>All 32 bytes, zeros behind the path.</summary>
    public void Write(Span<byte> whole)
    {
        BinaryPrimitives.WriteUInt64BigEndian(whole, _p0);
        BinaryPrimitives.WriteUInt64BigEndian(whole[8..], _p1);
        BinaryPrimitives.WriteUInt64BigEndian(whole[16..], _p2);
        BinaryPrimitives.WriteUInt64BigEndian(whole[24..], _p3);
    }

    public int CompareTo(NibblePath other)
    {
        if (_p0 != other._p0) return _p0 < other._p0 ? -1 : 1;
        if (_p1 != other._p1) return _p1 < other._p1 ? -1 : 1;
        if (_p2 != other._p2) return _p2 < other._p2 ? -1 : 1;
        if (_p3 != other._p3) return _p3 < other._p3 ? -1 : 1;
        return Length - other.Length;
    }

    public bool Equals(NibblePath other) =>
        _p0 == other._p0 && Length == other.Length && _p1 == other._p1 && _p2 == other._p2 && _p3 == other._p3;

    public override bool Equals(object? obj) => obj is NibblePath other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_p0, _p1 ^ _p2 ^ _p3, Length);

    public override string ToString()
    {
        Span<byte> packed = stackalloc byte[32];
        Write(packed);
        return Convert.ToHexStringLower(packed)[..Length];
    }

    private static int Equal(ulong a, ulong b) => BitOperations.LeadingZeroCount(a ^ b) / 4;

    private static ulong Keep(ulong word, int nibbles) =>
        nibbles <= 0 ? 0 : nibbles >= 16 ? word : word & ulong.MaxValue << (64 - 4 * nibbles);
}
