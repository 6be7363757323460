using System.Numerics;

namespace QuorumMesh.State;

/// <summary>Writes to apply together, in the order given. Keys and values are copied in.</summary>
public sealed class KeyValueBatch
{
    private const byte Deletion = 0;
    private const byte Value = 1;
    private byte[] _records = new byte[1024];
    private int _length;

    public int Count { get; private set; }

    /// <summary>Bytes of all records.</summary>
    public int ByteSize => _length;

    /// <summary>
    /// The operations one behind the other: a byte, 1 to put and 0 to delete; the key's length as LEB128 and the key; with a put the value's length and the value.
    /// Valid until the next change.
    /// </summary>
    public ReadOnlySpan<byte> Records => _records.AsSpan(0, _length);

    /// <summary>In order of application; a null value deletes the key.</summary>
    public IEnumerable<(byte[] Key, byte[]? Value)> Operations
    {
        get
        {
            for (var at = 0; at < _length;)
            {
                var puts = _records[at++] == Value;
                var key = Read(ref at);
                yield return (key, puts ? Read(ref at) : null);
            }
        }
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => value.CopyTo(Put(key, value.Length));

    /// <summary>Puts a value that the caller writes into the answer, before the next call.</summary>
    public Span<byte> Put(ReadOnlySpan<byte> key, int valueLength)
    {
        var at = Start(Value, key, SizeOf(valueLength) + valueLength);
        at = WriteLength(at, valueLength);
        _length = at + valueLength;
        return _records.AsSpan(at, valueLength);
    }

    public void Delete(ReadOnlySpan<byte> key) => _length = Start(Deletion, key, 0);

    public void Clear()
    {
        _length = 0;
        Count = 0;
    }

    private int Start(byte kind, ReadOnlySpan<byte> key, int more)
    {
        var needed = _length + 1 + SizeOf(key.Length) + key.Length + more;
        if (needed > _records.Length) Array.Resize(ref _records, (int)Math.Min(Array.MaxLength, 2L * needed));
        _records[_length] = kind;
        var at = WriteLength(_length + 1, key.Length);
        key.CopyTo(_records.AsSpan(at));
        Count++;
        return at + key.Length;
    }

    private byte[] Read(ref int at)
    {
        var (length, shift) = (0, 0);
        byte part;
        do
        {
            part = _records[at++];
            length |= (part & 0x7f) << shift;
            shift += 7;
        }
        while (part >= 0x80);
        var bytes = _records.AsSpan(at, length).ToArray();
        at += length;
        return bytes;
    }

    private int WriteLength(int at, int length)
    {
        for (; length >= 0x80; length >>= 7) _records[at++] = (byte)(length | 0x80);
        _records[at++] = (byte)length;
        return at;
    }

    private static int SizeOf(int length) => length < 0x80 ? 1 : (BitOperations.Log2((uint)length) + 7) / 7;
}
