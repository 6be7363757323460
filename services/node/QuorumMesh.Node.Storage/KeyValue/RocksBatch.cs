using System.Buffers.Binary;
using QuorumMesh.State;

namespace QuorumMesh.Node.Storage;

/// <summary>A batch in RocksDB's own byte form (db/write_batch.cc): one native call instead of one per key.</summary>
internal static class RocksBatch
{
    private const int HeaderSize = 12; // sequence number, set by the database; count
    private const byte Deletion = 0;
    private const byte Value = 1;

    public static byte[] Encode(KeyValueBatch batch)
    {
        var size = HeaderSize;
        foreach (var (key, value) in batch.Operations)
            size += 1 + Length(key) + (value is null ? 0 : Length(value));
        var bytes = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), batch.Count);
        var at = HeaderSize;
        foreach (var (key, value) in batch.Operations)
        {
            bytes[at++] = value is null ? Deletion : Value;
            at = Write(bytes, at, key);
            if (value is not null) at = Write(bytes, at, value);
        }

        return bytes;
    }

    private static int Length(byte[] data)
    {
        var size = 1;
        for (var rest = data.Length >> 7; rest > 0; rest >>= 7) size++;
        return size + data.Length;
    }

    private static int Write(byte[] bytes, int at, byte[] data)
    {
        var length = (uint)data.Length;
        for (; length >= 0x80; length >>= 7) bytes[at++] = (byte)(length | 0x80);
        bytes[at++] = (byte)length;
        data.CopyTo(bytes, at);
        return at + data.Length;
    }
}
