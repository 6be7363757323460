using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>
/// Stored values carry a CRC-32C over key and value at their end, so that a flipped bit or a misplaced value is found on read.
/// </summary>
internal static class SealedValue
{
    private const int SealSize = 4;

    public static void Put(KeyValueBatch batch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var stored = batch.Put(key, value.Length + SealSize);
        value.CopyTo(stored);
        BinaryPrimitives.WriteUInt32LittleEndian(stored[value.Length..], Checksum(key, value));
    }

    /// <exception cref="StateCorruptException">The checksum does not fit.</exception>
    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> stored)
    {
        if (stored.Length >= SealSize)
        {
            var value = stored[..^SealSize];
            if (BinaryPrimitives.ReadUInt32LittleEndian(stored[^SealSize..]) == Checksum(key, value)) return value;
        }

        throw new StateCorruptException($"damaged state value: the checksum at key {Convert.ToHexStringLower(key)} does not fit");
    }

    // The key counts too: a value that is intact but stands at another key is damage as well. Trie nodes have no checksum, they
    // are compared with their hash.
    private static uint Checksum(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => ~Append(Append(uint.MaxValue, key), value);

    // CRC-32C because processors compute it: it is against faults of memory and disks, not against people.
    private static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(data))
            crc = BitOperations.Crc32C(crc, word);
        foreach (var single in data[(data.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, single);
        return crc;
    }
}
