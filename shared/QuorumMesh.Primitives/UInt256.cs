using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace QuorumMesh.Primitives;

/// <summary>
/// Unsigned 256-bit word with the EVM's semantics: arithmetic wraps modulo 2^256, and division or remainder by zero is zero.
/// The limbs are little-endian: <see cref="U0"/> is the least significant.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly partial struct UInt256 : IEquatable<UInt256>, IComparable<UInt256>, IComparable
{
    public const int Size = 32;

    public readonly ulong U0;
    public readonly ulong U1;
    public readonly ulong U2;
    public readonly ulong U3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public UInt256(ulong u0, ulong u1 = 0, ulong u2 = 0, ulong u3 = 0)
    {
        U0 = u0;
        U1 = u1;
        U2 = u2;
        U3 = u3;
    }

    public static UInt256 Zero => default;
    public static UInt256 One => new(1);
    public static UInt256 MaxValue => new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    public bool IsZero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (U0 | U1 | U2 | U3) == 0;
    }

    /// <summary>True when the value fits in 64 bits.</summary>
    public bool IsUInt64
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (U1 | U2 | U3) == 0;
    }

    /// <summary>Position of the highest set bit plus one; 0 for zero.</summary>
    public int BitLength
    {
        get
        {
            if (U3 != 0) return 256 - BitOperations.LeadingZeroCount(U3);
            if (U2 != 0) return 192 - BitOperations.LeadingZeroCount(U2);
            if (U1 != 0) return 128 - BitOperations.LeadingZeroCount(U1);
            return 64 - BitOperations.LeadingZeroCount(U0);
        }
    }

    /// <summary>Length of the minimal big-endian form; 0 for zero.</summary>
    public int ByteLength => (BitLength + 7) >> 3;

    public static implicit operator UInt256(ulong value) => new(value);

    public static implicit operator UInt256(uint value) => new(value);

    /// <exception cref="OverflowException">The value is negative.</exception>
    public static implicit operator UInt256(int value) =>
        value >= 0 ? new((ulong)value) : throw new OverflowException("A negative number is not a 256-bit unsigned word.");

    /// <exception cref="OverflowException">The value does not fit.</exception>
    public static explicit operator ulong(in UInt256 value) => value.IsUInt64 ? value.U0 : throw TooLarge("64 bits");

    /// <exception cref="OverflowException">The value does not fit.</exception>
    public static explicit operator long(in UInt256 value) =>
        value.IsUInt64 && value.U0 <= long.MaxValue ? (long)value.U0 : throw TooLarge("a signed 64-bit number");

    /// <exception cref="OverflowException">The value does not fit.</exception>
    public static explicit operator uint(in UInt256 value) =>
        value.IsUInt64 && value.U0 <= uint.MaxValue ? (uint)value.U0 : throw TooLarge("32 bits");

    /// <exception cref="OverflowException">The value does not fit.</exception>
    public static explicit operator int(in UInt256 value) =>
        value.IsUInt64 && value.U0 <= int.MaxValue ? (int)value.U0 : throw TooLarge("a signed 32-bit number");

    private static OverflowException TooLarge(string target) => new($"The 256-bit word does not fit in {target}.");

    /// <summary>Reads up to 32 big-endian bytes; fewer are taken as left-padded with zeros.</summary>
    /// <exception cref="ArgumentException">More than 32 bytes.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static UInt256 FromBigEndian(ReadOnlySpan<byte> bytes) =>
        bytes.Length == Size ? FromWholeWord(ref MemoryMarshal.GetReference(bytes)) : FromFewBytes(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static UInt256 FromWholeWord(ref byte start) => Avx2.IsSupported
        ? Unsafe.BitCast<Vector256<ulong>, UInt256>(ReverseBytes(Vector256.LoadUnsafe(ref start)))
        : new(ReadBigEndian(ref start, 24), ReadBigEndian(ref start, 16), ReadBigEndian(ref start, 8), ReadBigEndian(ref start, 0));

    private static UInt256 FromFewBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Size)
            throw new ArgumentException($"A 256-bit word takes at most 32 bytes, got {bytes.Length}.", nameof(bytes));
        if (bytes.Length <= 8)
        {
            ulong low = 0;
            foreach (byte x in bytes) low = low << 8 | x;
            return new(low);
        }

        Span<byte> padded = stackalloc byte[Size];
        padded.Clear();
        bytes.CopyTo(padded[(Size - bytes.Length)..]);
        return FromWholeWord(ref MemoryMarshal.GetReference(padded));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ReadBigEndian(ref byte start, int offset)
    {
        ulong raw = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, offset));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(raw) : raw;
    }

    /// <summary>Reverses all 32 bytes: within each limb, then the limbs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> ReverseBytes(Vector256<byte> bytes)
    {
        Vector256<byte> order = Vector256.Create(
            (byte)7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
        return Avx2.Permute4x64(Avx2.Shuffle(bytes, order).AsUInt64(), 0b00_01_10_11);
    }

    /// <summary>Writes exactly 32 bytes.</summary>
    /// <exception cref="ArgumentException">The destination is shorter than 32 bytes.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteBigEndian(Span<byte> destination)
    {
        if (destination.Length < Size) ThrowShort();
        // Limb by limb on purpose: results are stored as limbs, and one wide load of them would wait until they have left the store buffer.
        BinaryPrimitives.WriteUInt64BigEndian(destination, U3);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], U2);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], U1);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], U0);
    }

    private static void ThrowShort() => throw new ArgumentException("The destination must hold 32 bytes.", "destination");

    /// <summary>Always 32 bytes.</summary>
    public byte[] ToBigEndian()
    {
        byte[] bytes = new byte[Size];
        WriteBigEndian(bytes);
        return bytes;
    }

    /// <summary>No leading zero bytes; empty for zero.</summary>
    public byte[] ToMinimalBigEndian()
    {
        Span<byte> bytes = stackalloc byte[Size];
        WriteBigEndian(bytes);
        return bytes[(Size - ByteLength)..].ToArray();
    }

    public BigInteger ToBigInteger()
    {
        Span<byte> bytes = stackalloc byte[Size];
        WriteBigEndian(bytes);
        return new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
    }

    /// <exception cref="OverflowException">Negative, or more than 256 bits.</exception>
    public static UInt256 FromBigInteger(BigInteger value)
    {
        if (value.Sign < 0 || value.GetBitLength() > 256)
            throw new OverflowException("The number does not fit in a 256-bit unsigned word.");
        return FromBigEndian(value.ToByteArray(isUnsigned: true, isBigEndian: true));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Equals(UInt256 other) => ((U0 ^ other.U0) | (U1 ^ other.U1) | (U2 ^ other.U2) | (U3 ^ other.U3)) == 0;

    public override bool Equals(object? obj) => obj is UInt256 other && Equals(other);

    public override int GetHashCode()
    {
        ulong mixed = U0 * 0x9E3779B97F4A7C15UL ^ BitOperations.RotateLeft(U1 * 0xC2B2AE3D27D4EB4FUL, 17)
            ^ BitOperations.RotateLeft(U2 * 0x165667B19E3779F9UL, 31) ^ BitOperations.RotateLeft(U3 * 0x27D4EB2F165667C5UL, 47);
        return (int)(mixed ^ mixed >> 32);
    }

    public int CompareTo(UInt256 other)
    {
        if (U3 != other.U3) return U3 < other.U3 ? -1 : 1;
        if (U2 != other.U2) return U2 < other.U2 ? -1 : 1;
        if (U1 != other.U1) return U1 < other.U1 ? -1 : 1;
        return U0.CompareTo(other.U0);
    }

    int IComparable.CompareTo(object? obj) => obj switch
    {
        null => 1,
        UInt256 other => CompareTo(other),
        _ => throw new ArgumentException("Only another 256-bit word can be compared.", nameof(obj)),
    };
}
