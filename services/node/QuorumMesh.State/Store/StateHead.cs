using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>The persisted head of a state, as stored: block number, block hash, root.</summary>
internal readonly record struct StateHead(ulong Block, Hash256 BlockHash, Hash256 Root)
{
    private const int Size = 8 + 2 * Hash256.Size;

    public static StateHead? Read(IKeyValueReader reader, StateKeys keys)
    {
        if (reader.Get(keys.Head) is not { } stored) return null;
        var value = SealedValue.Open(keys.Head, stored);
        if (value.Length != Size) throw new StateCorruptException($"the state head has {value.Length} bytes instead of {Size}");
        return new StateHead(BinaryPrimitives.ReadUInt64BigEndian(value), new Hash256(value.Slice(8, Hash256.Size)),
            new Hash256(value[(8 + Hash256.Size)..]));
    }

    public static ulong ReadOldest(IKeyValueReader reader, StateKeys keys)
    {
        if (reader.Get(keys.Oldest) is not { } stored) return 0;
        return BinaryPrimitives.ReadUInt64BigEndian(SealedValue.Open(keys.Oldest, stored));
    }

    public void Write(KeyValueBatch batch, StateKeys keys)
    {
        var value = new byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(value, Block);
        BlockHash.CopyTo(value.AsSpan(8));
        Root.CopyTo(value.AsSpan(8 + Hash256.Size));
        SealedValue.Put(batch, keys.Head, value);
    }

    /// <summary>The block whose trie nodes are stored: the head, or some blocks below it.</summary>
    public static ulong ReadTrieBlock(IKeyValueReader reader, StateKeys keys, ulong head) =>
        reader.Get(keys.TrieHead) is { } stored ? BinaryPrimitives.ReadUInt64BigEndian(SealedValue.Open(keys.TrieHead, stored)) : head;

    public static void WriteTrieBlock(KeyValueBatch batch, StateKeys keys, ulong block) => WriteNumber(batch, keys.TrieHead, block);

    public static void WriteOldest(KeyValueBatch batch, StateKeys keys, ulong block) => WriteNumber(batch, keys.Oldest, block);

    private static void WriteNumber(KeyValueBatch batch, byte[] key, ulong number)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, number);
        SealedValue.Put(batch, key, value);
    }
}
