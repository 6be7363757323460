using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Integrity;

/// <summary>Which table a row is of. The numbers are part of every checksum.</summary>
public enum RowKind
{
    /// <summary>Columns: hash, encoded payload, codec, timestamp.</summary>
    Payload = 1,

    /// <summary>Columns: hash, encrypted key, encrypted payload, nonce, sender, timestamp.</summary>
    Raw = 2,

    /// <summary>Columns: sequence number, hash, own key, role.</summary>
    Participation = 3,
}

/// <summary>
/// The checksum over all other columns of a stored row, its key included. It finds accidents (flipped bits, torn writes), not forgers: who
/// can write to the database can write a checksum. That is why 16 bytes of SHA-256 are enough: two rows that differ share them once in
/// 2^128.
/// </summary>
/// <remarks>
/// Stored are 17 bytes: the version of the layout, then the first 16 bytes of SHA-256 over the layout. The layout is the version (one
/// byte), the kind of row (one byte), the number of columns (one byte), then each column in its order: one byte 0 for null; 1, a length of
/// four bytes and the bytes; 2, a length of four bytes and UTF-8; 3 and eight bytes of an integer; 4 and the eight bytes of a
/// floating-point number (never written, but a damaged file may give one). Numbers are big-endian. Every column ends where it says, so no
/// two rows have the same bytes.
/// </remarks>
public static class RowChecksum
{
    /// <summary>The layout's version, the first byte of each checksum.</summary>
    public const byte Version = 1;

    /// <summary>Bytes as stored: version and digest.</summary>
    public const int Size = 17;

    /// <param name="columns">Null, <see cref="byte"/>[], <see cref="string"/>, <see cref="int"/>, <see cref="long"/> or
    /// <see cref="double"/> each.</param>
    /// <returns>What is stored.</returns>
    public static byte[] Of(RowKind kind, params ReadOnlySpan<object?> columns)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        var size = LayoutSize(columns);
        var layout = ArrayPool<byte>.Shared.Rent(size);
        Fill(layout.AsSpan(0, size), kind, columns);
        SHA256.HashData(layout.AsSpan(0, size), digest);
        ArrayPool<byte>.Shared.Return(layout);
        return [Version, .. digest[..(Size - 1)]];
    }

    /// <summary>Whether a stored checksum is that of these columns.</summary>
    public static bool Fits(ReadOnlySpan<byte> stored, RowKind kind, params ReadOnlySpan<object?> columns) =>
        stored.Length == Size && stored.SequenceEqual(Of(kind, columns));

    /// <summary>The bytes that are hashed.</summary>
    internal static byte[] Layout(RowKind kind, params ReadOnlySpan<object?> columns)
    {
        var layout = new byte[LayoutSize(columns)];
        Fill(layout, kind, columns);
        return layout;
    }

    private static int LayoutSize(ReadOnlySpan<object?> columns)
    {
        var size = 3;
        foreach (var column in columns)
            size = checked(size + 1 + SizeOf(column));

        return size;
    }

    private static void Fill(Span<byte> layout, RowKind kind, ReadOnlySpan<object?> columns)
    {
        layout[0] = Version;
        layout[1] = (byte)kind;
        layout[2] = checked((byte)columns.Length);
        var rest = layout[3..];
        foreach (var column in columns)
            rest = rest[Write(column, rest)..];
    }

    private static int SizeOf(object? column) => column switch
    {
        null => 0,
        byte[] bytes => 4 + bytes.Length,
        string text => 4 + Encoding.UTF8.GetByteCount(text),
        int or long or double => 8,
        _ => throw new ArgumentException($"a column cannot hold a {column.GetType().Name}", nameof(column)),
    };

    private static int Write(object? column, Span<byte> to)
    {
        switch (column)
        {
            case null:
                to[0] = 0;
                return 1;
            case byte[] bytes:
                to[0] = 1;
                BinaryPrimitives.WriteInt32BigEndian(to[1..], bytes.Length);
                bytes.CopyTo(to[5..]);
                return 5 + bytes.Length;
            case string text:
                to[0] = 2;
                var length = Encoding.UTF8.GetBytes(text, to[5..]);
                BinaryPrimitives.WriteInt32BigEndian(to[1..], length);
                return 5 + length;
            case double number:
                to[0] = 4;
                BinaryPrimitives.WriteDoubleBigEndian(to[1..], number);
                return 9;
            default:
                to[0] = 3;
                BinaryPrimitives.WriteInt64BigEndian(to[1..], column is int small ? small : (long)column);
                return 9;
        }
    }
}
