using System.Buffers.Binary;
using System.Numerics;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Storage;

/// <summary>
/// Stored values end in a CRC-32C over key and value, so that a flipped bit or a value under a wrong key is found on reading.
/// </summary>
internal static class ChainRecord
{
    private const int ChecksumSize = 4;

    public static void Put(KeyValueBatch batch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var record = batch.Put(key, value.Length + ChecksumSize);
        value.CopyTo(record);
        BinaryPrimitives.WriteUInt32LittleEndian(record[value.Length..], Checksum(key, value));
    }

    /// <returns>Null when the key is absent.</returns>
    /// <exception cref="ChainCorruptException">The checksum does not match.</exception>
    public static ReadOnlyMemory<byte>? Get(IKeyValueReader reader, ReadOnlySpan<byte> key, string what)
    {
        if (reader.Get(key) is not { } record)
            return null;
        return Check(key, record, what);
    }

    public static ReadOnlyMemory<byte> Check(ReadOnlySpan<byte> key, byte[] record, string what)
    {
        var length = record.Length - ChecksumSize;
        if (length < 0 || BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan(length)) != Checksum(key, record.AsSpan(0, length)))
            throw new ChainCorruptException(
                $"the stored {what} is damaged (checksum mismatch): restore the data directory, or remove it and sync again");
        return record.AsMemory(0, length);
    }

    private static uint Checksum(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(Add(uint.MaxValue, key), value) ^ uint.MaxValue;

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
