using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The participation notes of executed blocks: payload hashes that this node skipped as not a party, so that a payload which
/// turns up later undoes the skip.
/// </summary>
internal static class SkippedPayloads
{
    public static void Add(KeyValueBatch batch, in PayloadHash hash) => batch.Put(Key(hash), [1]);

    public static void Remove(KeyValueBatch batch, in PayloadHash hash) => batch.Delete(Key(hash));

    public static bool Contains(IKeyValueReader reader, in PayloadHash hash) => reader.Get(Key(hash)) is not null;

    /// <summary>The same for a payload that no transaction names: it was needed for a state that a contract extension shared.</summary>
    public static void AddShared(KeyValueBatch batch, in PayloadHash hash, ulong block)
    {
        Add(batch, hash);
        batch.Put(SharedKey(hash, block), [1]);
    }

    /// <summary>It was there when the block was run, perhaps again.</summary>
    public static void RemoveShared(KeyValueBatch batch, in PayloadHash hash, ulong block)
    {
        Remove(batch, hash);
        batch.Delete(SharedKey(hash, block));
    }

    /// <summary>All of <see cref="AddShared"/>, with the blocks that were run without them: few.</summary>
    public static IEnumerable<(PayloadHash Hash, ulong Block)> Shared(IKeyValueReader reader)
    {
        foreach (var (key, _) in reader.Scan([KeySpaces.SkippedShare]))
            if (key.Length == 1 + sizeof(ulong) + PayloadHash.Size)
                yield return (new PayloadHash(key.AsSpan(1 + sizeof(ulong))), BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(1)));
    }

    /// <summary>Whether any hash is noted.</summary>
    public static bool Any(IKeyValueReader reader) => reader.Scan([KeySpaces.SkippedPayload]).Any();

    private static byte[] SharedKey(in PayloadHash hash, ulong block)
    {
        var key = new byte[1 + sizeof(ulong) + PayloadHash.Size];
        key[0] = KeySpaces.SkippedShare;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), block);
        hash.CopyTo(key.AsSpan(1 + sizeof(ulong)));
        return key;
    }

    private static byte[] Key(in PayloadHash hash) => [KeySpaces.SkippedPayload, .. hash.ToArray()];
}
