using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Simulation.Node;

/// <summary>The same blocks on a node that never crashed and had every payload from the start.</summary>
internal static class ReferenceChain
{
    /// <param name="stores">Of a new chain.</param>
    /// <returns>The private root after each block, genesis first.</returns>
    public static IReadOnlyList<Hash256> PrivateRoots(NodeStores stores, IReadOnlyList<Block> blocks,
        IReadOnlyDictionary<PayloadHash, byte[]> payloads)
    {
        var roots = new List<Hash256> { stores.Private.Head.Root };
        var head = ChainStore.GetHeader(stores.KeyValues, 0)!;
        foreach (var block in blocks)
        {
            var transactions = stores.Senders.RecoverAll(block.Transactions, stores.Rules.SenderRulesAt(block.Number))!;
            var imported = stores.Importer.Import(block, head, transactions, new(
                stores.Public.Head, stores.Private.Head, number => ChainStore.GetCanonicalHash(stores.KeyValues, number) ?? default,
                hash => payloads.TryGetValue(hash, out var payload) ? PayloadAnswer.Here(hash, payload) : PayloadAnswer.NotAParty(hash)));
            var batch = new KeyValueBatch();
            stores.Importer.Put(batch, imported, UInt256.Zero);
            stores.KeyValues.Write(batch, sync: false);
            stores.Importer.Advance(imported);
            head = block.Header;
            roots.Add(stores.Private.Head.Root);
        }
        return roots;
    }
}
