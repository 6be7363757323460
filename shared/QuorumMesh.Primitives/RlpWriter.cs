using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace QuorumMesh.Primitives;

/// <summary>
/// Growing RLP writer. A list is everything written between <see cref="BeginList"/> and <see cref="EndList"/>; lists are closed in
/// reverse order of opening. Not safe for use by several threads at once.
/// </summary>
public sealed class RlpWriter
{
    private byte[] _buffer;
    private int _length;
    private int _open;

    public RlpWriter(int capacity = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        _buffer = new byte[Math.Max(capacity, 16)];
    }

    public int Length => _length;

    /// <summary>Everything written up to now; valid until the next write.</summary>
    /// <exception cref="InvalidOperationException">A list is still open.</exception>
    public ReadOnlySpan<byte> WrittenSpan
    {
        get
        {
            if (_open != 0) throw new InvalidOperationException("A list is still open: call EndList for each BeginList.");
            return _buffer.AsSpan(0, _length);
        }
    }

    /// <exception cref="InvalidOperationException">A list is still open.</exception>
    public byte[] ToArray() => WrittenSpan.ToArray();

    /// <summary>Forgets everything written and keeps the buffer.</summary>
    public void Clear()
    {
        _length = 0;
        _open = 0;
    }

    /// <summary>Opens a list; the result is for <see cref="EndList"/>.</summary>
    public int BeginList()
    {
        _open++;
        return _length;
    }

    /// <exception cref="InvalidOperationException">No list is open.</exception>
    public void EndList(int mark)
    {
        if (_open == 0) throw new InvalidOperationException("No list is open: call BeginList first.");
        ArgumentOutOfRangeException.ThrowIfNegative(mark);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mark, _length);
        int content = _length - mark;
        int header = HeaderLength(content);
        Reserve(header);
        _buffer.AsSpan(mark, content).CopyTo(_buffer.AsSpan(mark + header));
        WriteHeader(_buffer.AsSpan(mark), content, 0xc0);
        _length += header;
        _open--;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 1 && bytes[0] < 0x80)
        {
            Reserve(1)[0] = bytes[0];
            _length++;
            return;
        }

        int header = HeaderLength(bytes.Length);
        Span<byte> target = Reserve(header + bytes.Length);
        WriteHeader(target, bytes.Length, 0x80);
        bytes.CopyTo(target[header..]);
        _length += header + bytes.Length;
    }

    public void Write(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        Write(bytes.AsSpan());
    }

    /// <summary>As a number: minimal big-endian bytes, the empty string for zero.</summary>
    [SkipLocalsInit]
    public void Write(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        Write(bytes[(BitOperations.LeadingZeroCount(value) >> 3)..]);
    }

    /// <summary>As a number: minimal big-endian bytes, the empty string for zero.</summary>
    [SkipLocalsInit]
    public void Write(in UInt256 value)
    {
        Span<byte> bytes = stackalloc byte[UInt256.Size];
        value.WriteBigEndian(bytes);
        Write(bytes[(UInt256.Size - value.ByteLength)..]);
    }

    /// <summary>As the number 0 or 1.</summary>
    public void Write(bool value) => Write(value ? 1UL : 0UL);

    public void Write(in Address address) => Write(address.Bytes);

    /// <summary>Null is the empty string.</summary>
    public void Write(Address? address)
    {
        if (address is { } present) Write(present.Bytes);
        else Write(ReadOnlySpan<byte>.Empty);
    }

    public void Write(in Hash256 hash) => Write(hash.Bytes);

    /// <exception cref="ArgumentException">A character outside ASCII.</exception>
    public void WriteString(string ascii)
    {
        ArgumentNullException.ThrowIfNull(ascii);
        if (!System.Text.Ascii.IsValid(ascii)) throw new ArgumentException("Only ASCII text can be written.", nameof(ascii));
        Write(System.Text.Encoding.ASCII.GetBytes(ascii));
    }

    /// <summary>Appends bytes that are RLP already; they are not checked.</summary>
    public void WriteRaw(ReadOnlySpan<byte> encoded)
    {
        encoded.CopyTo(Reserve(encoded.Length));
        _length += encoded.Length;
    }

    public void WriteEmptyList()
    {
        Reserve(1)[0] = 0xc0;
        _length++;
    }

    /// <summary>Length of the header of a string (not a lone byte below 128) or list with this much content.</summary>
    public static int HeaderLength(int contentLength) => contentLength <= 55 ? 1 : 1 + LengthOfLength(contentLength);

    private static int LengthOfLength(int length) => (39 - BitOperations.LeadingZeroCount((uint)length)) >> 3;

    private static void WriteHeader(Span<byte> target, int contentLength, int offset)
    {
        if (contentLength <= 55)
        {
            target[0] = (byte)(offset + contentLength);
            return;
        }

        int size = LengthOfLength(contentLength);
        target[0] = (byte)(offset + 55 + size);
        for (int i = 0; i < size; i++) target[1 + i] = (byte)(contentLength >> 8 * (size - 1 - i));
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
        {
            long wanted = Math.Max((long)_length + count, Math.Min(2L * _buffer.Length, Array.MaxLength));
            if (wanted > Array.MaxLength) throw new InvalidOperationException("The RLP is too large for one array.");
            Array.Resize(ref _buffer, (int)wanted);
        }

        return _buffer.AsSpan(_length);
    }
}
