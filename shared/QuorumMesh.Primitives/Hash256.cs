using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>32 bytes, mostly a Keccak-256 digest. The default value is all zeros.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Hash256 : IEquatable<Hash256>, IComparable<Hash256>
{
    public const int Size = 32;

    private readonly ulong _w0;
    private readonly ulong _w1;
    private readonly ulong _w2;
    private readonly ulong _w3;

    /// <exception cref="ArgumentException">Not exactly 32 bytes.</exception>
    public Hash256(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"A hash is 32 bytes, got {bytes.Length}.", nameof(bytes));
        this = Unsafe.ReadUnaligned<Hash256>(ref MemoryMarshal.GetReference(bytes));
    }

    private Hash256(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        _w0 = w0;
        _w1 = w1;
        _w2 = w2;
        _w3 = w3;
    }

    public static Hash256 Zero => default;

    /// <summary>Keccak-256 of no bytes: the code hash of an account without code.</summary>
    public static Hash256 EmptyCode { get; } = Parse("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

    /// <summary>Keccak-256 of the RLP of the empty string: the root of an empty trie.</summary>
    public static Hash256 EmptyTrie { get; } = Parse("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

    /// <summary>Keccak-256 of the RLP of the empty list: the uncles hash of a block without uncles.</summary>
    public static Hash256 EmptyUncles { get; } = Parse("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

    public bool IsZero => (_w0 | _w1 | _w2 | _w3) == 0;

    /// <summary>The 32 bytes in place; valid as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<Hash256>(in this));

    /// <summary>Reads 64 hex digits, with or without 0x.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static Hash256 Parse(string hex)
    {
        ArgumentNullException.ThrowIfNull(hex);
        return TryParse(hex, out Hash256 hash)
            ? hash
            : throw new FormatException("A hash is 64 hex digits, with or without 0x.");
    }

    public static bool TryParse([NotNullWhen(true)] string? hex, out Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bool read = Hex.TryDecodeExact(hex, bytes);
        hash = read ? new Hash256(bytes) : default;
        return read;
    }

    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    public void CopyTo(Span<byte> destination) => Bytes.CopyTo(destination);

    public byte[] ToArray() => Bytes.ToArray();

    /// <summary>0x and lower-case digits.</summary>
    public override string ToString() => Hex.ToHex(Bytes);

    public static Hash256 FromWord(in UInt256 word) => new(
        BinaryPrimitives.ReverseEndianness(word.U3),
        BinaryPrimitives.ReverseEndianness(word.U2),
        BinaryPrimitives.ReverseEndianness(word.U1),
        BinaryPrimitives.ReverseEndianness(word.U0));

    public UInt256 ToWord() => new(
        BinaryPrimitives.ReverseEndianness(_w3),
        BinaryPrimitives.ReverseEndianness(_w2),
        BinaryPrimitives.ReverseEndianness(_w1),
        BinaryPrimitives.ReverseEndianness(_w0));

    public bool Equals(Hash256 other) =>
        ((_w0 ^ other._w0) | (_w1 ^ other._w1) | (_w2 ^ other._w2) | (_w3 ^ other._w3)) == 0;

    public override bool Equals(object? obj) => obj is Hash256 other && Equals(other);

    public override int GetHashCode()
    {
        // Storage keys are small big-endian numbers as often as they are digests: all words take part.
        ulong mixed = _w0 ^ _w1 ^ _w2 ^ _w3 * 0x9E3779B97F4A7C15UL;
        return (int)(mixed ^ mixed >> 32);
    }

    /// <summary>Byte order, as for big-endian numbers.</summary>
    public int CompareTo(Hash256 other) => Bytes.SequenceCompareTo(other.Bytes);

    public static bool operator ==(in Hash256 a, in Hash256 b) => a.Equals(b);

    public static bool operator !=(in Hash256 a, in Hash256 b) => !a.Equals(b);
}
