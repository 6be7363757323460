using System.Buffers.Binary;
using System.Text;

namespace QuorumMesh.Contracts;

/// <summary>
/// Reads Tessera's binary form: 8-byte big-endian lengths and counts, then the bytes. Nothing is allocated before its length was
/// checked.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> data = data;

    public int Position { get; private set; }

    public readonly bool End => Position == data.Length;

    /// <summary>A length or count between 0 and <paramref name="max"/>.</summary>
    public int ReadLength(string what, int max)
    {
        if (data.Length - Position < 8)
        {
            throw new WireFormatException($"{what}: the input ends inside an 8-byte length", Position);
        }

        long value = BinaryPrimitives.ReadInt64BigEndian(data[Position..]);
        if (value < 0 || value > max)
        {
            throw new WireFormatException($"{what}: length {value} is not between 0 and {max}", Position);
        }

        Position += 8;
        return (int)value;
    }

    public ReadOnlySpan<byte> ReadField(string what, int max = int.MaxValue)
    {
        int start = Position;
        int length = ReadLength(what, max);
        if (length > data.Length - Position)
        {
            throw new WireFormatException($"{what}: {length} bytes are announced, {data.Length - Position} are left", start);
        }

        ReadOnlySpan<byte> field = data.Slice(Position, length);
        Position += length;
        return field;
    }

    /// <summary>A count of items that have at least 8 bytes each, so it is bounded by what is left as well.</summary>
    public int ReadCount(string what, int max)
    {
        int start = Position;
        int count = ReadLength(what, max);
        if (count > (data.Length - Position) / 8)
        {
            throw new WireFormatException($"{what}: {count} items are announced, {data.Length - Position} bytes are left", start);
        }

        return count;
    }

    public PublicKey ReadKey(string what)
    {
        int start = Position;
        ReadOnlySpan<byte> bytes = ReadField(what, PublicKey.MaxSize);
        return bytes.IsEmpty ? throw new WireFormatException($"{what}: an empty key", start) : new PublicKey(bytes);
    }

    public PublicKey[] ReadKeys(string what, int max)
    {
        var keys = new PublicKey[ReadCount(what, max)];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = ReadKey(what);
        }

        return keys;
    }

    public string ReadText(string what, int max)
    {
        int start = Position;
        ReadOnlySpan<byte> bytes = ReadField(what, max);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new WireFormatException($"{what}: not UTF-8", start);
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(false, true);
}
