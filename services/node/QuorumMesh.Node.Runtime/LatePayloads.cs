using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Payloads that came later than the private state goes back for by itself, each with the first block that was run without it.
/// </summary>
internal static class LatePayloads
{
    /// <returns>False when it is noted already.</returns>
    public static bool Add(IKeyValueStore store, in PayloadHash hash, ulong block)
    {
        if (store.Get(Key(hash)) is not null) return false;
        var value = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, block);
        var batch = new KeyValueBatch();
        batch.Put(Key(hash), value);
        store.Write(batch, sync: false);
        return true;
    }

    /// <summary>The private state goes back to a block: what came late for those after it is run with them.</summary>
    public static void RemoveAfter(IKeyValueReader reader, ulong block, KeyValueBatch batch)
    {
        foreach (var (hash, first) in All(reader))
            if (first > block) batch.Delete(Key(hash));
    }

    public static IEnumerable<(PayloadHash Hash, ulong Block)> All(IKeyValueReader reader)
    {
        foreach (var (key, value) in reader.Scan([KeySpaces.LatePayload]))
            if (key.Length == 1 + PayloadHash.Size && value.Length == 8)
                yield return (new PayloadHash(key.AsSpan(1)), BinaryPrimitives.ReadUInt64BigEndian(value));
    }

    private static byte[] Key(in PayloadHash hash) => [KeySpaces.LatePayload, .. hash.ToArray()];
}
