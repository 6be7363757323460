using System.Numerics;

namespace QuorumMesh.State.KeyValue;

/// <summary>Writes to apply together, in the order given. Keys and values are copied in.</summary>
public sealed class KeyValueBatch
{
    private const byte Deletion = 0;
    private const byte Value = 1;

    /// <summary>Small enough to stay out of the large object heap, which blocks after blocks would have collected all the time.</summary>
    private const int ChunkSize = 64 << 10;

    private readonly List<(byte[] Bytes, int Length)> _full = [];
    private byte[] _chunk = [];
    private int _length;
    private int _fullLength;

    /// <summary>Number of operations.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all records.</summary>
    public int ByteSize => _fullLength + _length;

    /// <summary>In order of application; a null value deletes the key.</summary>
    public IEnumerable<(byte[] Key, byte[]? Value)> Operations
    {
        get
        {
            foreach (var (bytes, length) in _full.Append((_chunk, _length)))
            {
                for (var at = 0; at < length;)
                {
                    var puts = bytes[at++] == Value;
                    var key = Read(bytes, ref at);
                    yield return (key, puts ? Read(bytes, ref at) : null);
                }
            }
        }
    }

    /// <summary>
    /// Copies the operations one behind the other: a byte, 1 to put and 0 to delete; the key's length as LEB128 and the key; with
    /// a put the value's length and the value.
    /// </summary>
    /// <param name="target">At least <see cref="ByteSize"/> long.</param>
    public void CopyRecords(Span<byte> target)
    {
        foreach (var (bytes, length) in _full)
        {
            bytes.AsSpan(0, length).CopyTo(target);
            target = target[length..];
        }

        _chunk.AsSpan(0, _length).CopyTo(target);
    }

    /// <summary>Sets a key; a later operation on the same key wins.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => value.CopyTo(Put(key, value.Length));

    /// <summary>Puts a value that the caller writes into the answer, before the next call.</summary>
    public Span<byte> Put(ReadOnlySpan<byte> key, int valueLength)
    {
        Start(Value, key, SizeOf(valueLength) + valueLength);
        WriteLength(valueLength);
        _length += valueLength;
        return _chunk.AsSpan(_length - valueLength, valueLength);
    }

    /// <summary>Removes a key, whether it is there or not.</summary>
    public void Delete(ReadOnlySpan<byte> key) => Start(Deletion, key, 0);

    /// <summary>The operations of another batch, behind those that are here.</summary>
    public void Append(KeyValueBatch other)
    {
        foreach (var (key, value) in other.Operations)
        {
            if (value is null) Delete(key);
            else Put(key, value);
        }
    }

    /// <summary>Forgets all operations.</summary>
    public void Clear()
    {
        _full.Clear();
        _length = _fullLength = Count = 0;
    }

    private void Start(byte kind, ReadOnlySpan<byte> key, int more)
    {
        var size = 1 + SizeOf(key.Length) + key.Length + more;
        if (size > _chunk.Length - _length) NextChunk(size);
        _chunk[_length++] = kind;
        WriteLength(key.Length);
        key.CopyTo(_chunk.AsSpan(_length));
        _length += key.Length;
        Count++;
    }

    private void NextChunk(int size)
    {
        if (_length > 0) _full.Add((_chunk, _length));
        _fullLength = checked(_fullLength + _length);
        _chunk = new byte[Math.Max(size, _full.Count == 0 ? 1 << 10 : ChunkSize)];
        _length = 0;
    }

    private static byte[] Read(byte[] records, ref int at)
    {
        var (length, shift) = (0, 0);
        byte part;
        do
        {
            part = records[at++];
            length |= (part & 0x7f) << shift;
            shift += 7;
        }
        while (part >= 0x80);
        at += length;
        return records.AsSpan(at - length, length).ToArray();
    }

    private void WriteLength(int length)
    {
        for (; length >= 0x80; length >>= 7) _chunk[_length++] = (byte)(length | 0x80);
        _chunk[_length++] = (byte)length;
    }

    private static int SizeOf(int length) => length < 0x80 ? 1 : (BitOperations.Log2((uint)length) + 7) / 7;
}
