using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QuorumMesh.Primitives;

/// <summary>Account address, 20 bytes. The default value is the zero address.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly struct Address : IEquatable<Address>, IComparable<Address>
{
    public const int Size = 20;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly uint _third;

    /// <exception cref="ArgumentException">Not exactly 20 bytes.</exception>
    public Address(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size) throw new ArgumentException($"An address is 20 bytes, got {bytes.Length}.", nameof(bytes));
        this = Unsafe.ReadUnaligned<Address>(ref MemoryMarshal.GetReference(bytes));
    }

    private Address(ulong first, ulong second, uint third)
    {
        _first = first;
        _second = second;
        _third = third;
    }

    public static Address Zero => default;

    public bool IsZero => (_first | _second | _third) == 0;

    /// <summary>The 20 bytes in place; valid as long as this value is.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<Address>(in this));

    /// <summary>Reads 40 hex digits, with or without 0x; the case is not checked against EIP-55.</summary>
    /// <exception cref="FormatException">Anything else.</exception>
    public static Address Parse(string hex)
    {
        ArgumentNullException.ThrowIfNull(hex);
        return TryParse(hex, out Address address)
            ? address
            : throw new FormatException("An address is 40 hex digits, with or without 0x.");
    }

    public static bool TryParse([NotNullWhen(true)] string? hex, out Address address)
    {
        Span<byte> bytes = stackalloc byte[Size];
        bool read = Hex.TryDecodeExact(hex, bytes);
        address = read ? new Address(bytes) : default;
        return read;
    }

    /// <exception cref="ArgumentException">The destination is shorter than 20 bytes.</exception>
    public void CopyTo(Span<byte> destination) => Bytes.CopyTo(destination);

    public byte[] ToArray() => Bytes.ToArray();

    /// <summary>0x and lower-case digits.</summary>
    public override string ToString() => Hex.ToHex(Bytes);

    /// <summary>Mixed case as a checksum (EIP-55).</summary>
    public string ToChecksumString()
    {
        string digits = Hex.ToHex(Bytes, prefix: false);
        Span<byte> ascii = stackalloc byte[2 * Size];
        for (int i = 0; i < ascii.Length; i++) ascii[i] = (byte)digits[i];
        Span<byte> hash = stackalloc byte[Hash256.Size];
        Keccak.Hash(ascii, hash);
        Span<char> text = stackalloc char[2 + 2 * Size];
        text[0] = '0';
        text[1] = 'x';
        for (int i = 0; i < digits.Length; i++)
        {
            int nibble = hash[i >> 1] >> ((i & 1) == 0 ? 4 : 0) & 0xf;
            text[2 + i] = nibble >= 8 ? char.ToUpperInvariant(digits[i]) : digits[i];
        }

        return new string(text);
    }

    /// <summary>The low 20 bytes of the word; the rest is dropped, as the EVM does.</summary>
    public static Address FromWord(in UInt256 word) => new(
        BinaryPrimitives.ReverseEndianness(word.U2 << 32 | word.U1 >> 32),
        BinaryPrimitives.ReverseEndianness(word.U1 << 32 | word.U0 >> 32),
        BinaryPrimitives.ReverseEndianness((uint)word.U0));

    public UInt256 ToWord()
    {
        ulong high = BinaryPrimitives.ReverseEndianness(_first);
        ulong middle = BinaryPrimitives.ReverseEndianness(_second);
        uint low = BinaryPrimitives.ReverseEndianness(_third);
        return new UInt256(middle << 32 | low, high << 32 | middle >> 32, high >> 32);
    }

    /// <summary>Address of the contract that the creator's transaction or CREATE makes (Yellow Paper, section 7).</summary>
    public static Address ForCreate(in Address creator, ulong nonce)
    {
        // list header, 21 bytes of address item, at most 9 bytes of nonce item: always a short list
        Span<byte> rlp = stackalloc byte[31];
        int end = 22;
        rlp[1] = 0x80 + Size;
        creator.CopyTo(rlp[2..]);
        if (nonce is > 0 and < 0x80)
        {
            rlp[end++] = (byte)nonce;
        }
        else
        {
            int length = new UInt256(nonce).ByteLength;
            rlp[end++] = (byte)(0x80 + length);
            for (int i = length - 1; i >= 0; i--) rlp[end++] = (byte)(nonce >> 8 * i);
        }

        rlp[0] = (byte)(0xc0 + end - 1);
        return FromHash(rlp[..end]);
    }

    /// <summary>Address that CREATE2 makes (EIP-1014).</summary>
    /// <exception cref="ArgumentException">The salt is not 32 bytes.</exception>
    public static Address ForCreate2(in Address creator, ReadOnlySpan<byte> salt, in Hash256 initCodeHash)
    {
        if (salt.Length != 32) throw new ArgumentException($"The salt is 32 bytes, got {salt.Length}.", nameof(salt));
        Span<byte> data = stackalloc byte[1 + Size + 32 + Hash256.Size];
        // No RLP list of ForCreate begins so: the two kinds never give the same address (EIP-1014).
        data[0] = 0xff;
        creator.CopyTo(data[1..]);
        salt.CopyTo(data[(1 + Size)..]);
        initCodeHash.CopyTo(data[(1 + Size + 32)..]);
        return FromHash(data);
    }

    internal static Address FromHash(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[Hash256.Size];
        Keccak.Hash(data, hash);
        return new Address(hash[12..]);
    }

    public bool Equals(Address other) =>
        ((_first ^ other._first) | (_second ^ other._second) | (_third ^ other._third)) == 0;

    public override bool Equals(object? obj) => obj is Address other && Equals(other);

    public override int GetHashCode()
    {
        // Addresses are mostly hash output, but precompiles and test accounts differ in few bytes only: mix.
        ulong mixed = (_first ^ _second * 0x9E3779B97F4A7C15UL ^ _third * 0xC2B2AE3D27D4EB4FUL) * 0x165667B19E3779F9UL;
        return (int)(mixed >> 32);
    }

    /// <summary>Byte order, as for big-endian numbers.</summary>
    public int CompareTo(Address other) => Bytes.SequenceCompareTo(other.Bytes);

    public static bool operator ==(in Address a, in Address b) => a.Equals(b);

    public static bool operator !=(in Address a, in Address b) => !a.Equals(b);
}
