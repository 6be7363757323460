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

    /// <summary>Whether any hash is noted.</summary>
    public static bool Any(IKeyValueReader reader) => reader.Scan([KeySpaces.SkippedPayload]).Any();

    private static byte[] Key(in PayloadHash hash) => [KeySpaces.SkippedPayload, .. hash.ToArray()];
}
