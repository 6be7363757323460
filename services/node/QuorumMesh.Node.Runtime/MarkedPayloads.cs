using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The payloads of private transactions in markers, by the block whose private side was run with them: no block names them, and without
/// this note the manager would have to be asked to find them again.
/// </summary>
internal static class MarkedPayloads
{
    /// <summary>What the run of a block found; an older note of the block goes.</summary>
    public static void Put(KeyValueBatch batch, ulong block, IReadOnlyList<MarkedPayload> payloads)
    {
        var value = new byte[payloads.Count * PayloadHash.Size];
        for (var i = 0; i < payloads.Count; i++) payloads[i].Hash.ToArray().CopyTo(value, i * PayloadHash.Size);
        batch.Put(Key(block), value);
    }

    /// <summary>All payloads of a block whose private side was run: those that it names, and those in its markers.</summary>
    public static IEnumerable<PayloadHash> WithNamed(IKeyValueReader reader, ChainRules rules, Block block)
    {
        foreach (var hash in rules.PayloadsOf(block)) yield return hash;
        var value = reader.Get(Key(block.Number)) ?? [];
        for (var at = 0; at + PayloadHash.Size <= value.Length; at += PayloadHash.Size)
            yield return new PayloadHash(value.AsSpan(at, PayloadHash.Size));
    }

    private static byte[] Key(ulong block)
    {
        var key = new byte[9];
        key[0] = KeySpaces.MarkedPayload;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), block);
        return key;
    }
}
