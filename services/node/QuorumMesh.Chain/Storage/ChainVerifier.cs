using QuorumMesh.Chain.Execution;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Chain.Storage;

/// <summary>
/// Checks stored blocks from the head down to the genesis: hashes, links, transactions and receipts against their roots, the
/// indexes, and private receipts' form.
/// </summary>
public static class ChainVerifier
{
    /// <summary>What is broken, one sentence each; empty when all is well. Stops after <paramref name="limit"/> faults.</summary>
    public static IReadOnlyList<string> Verify(IKeyValueReader store, int limit = 100)
    {
        var faults = new List<string>();
        CheckSeals(store, faults, limit);
        BlockPointer? head = null;
        Guard(faults, "public head", () => head = ChainStore.GetPublicHead(store));
        if (head is null)
        {
            if (faults.Count == 0) faults.Add("chain: there is no public head");
            return faults;
        }

        Hash256? child = null;
        for (var number = head.Value.Number; faults.Count < limit; number--)
        {
            var expected = child ?? head.Value.Hash;
            child = null;
            var at = number;
            Guard(faults, $"block {number}", () => child = CheckBlock(store, at, expected));
            if (number == 0) break;
            // Behind a block that cannot be read its parent is known only from the table of canonical hashes.
            if (child is null)
                Guard(faults, $"block {number - 1}",
                () => child = ChainStore.GetCanonicalHash(store, at - 1)
                ?? throw new ChainCorruptException("its canonical hash is missing"));
        }

        return faults;
    }

    /// <summary>Every record, also those that no block leads to.</summary>
    private static void CheckSeals(IKeyValueReader store, List<string> faults, int limit)
    {
        foreach (var (key, record) in store.Scan(ChainKeys.All))
        {
            if (faults.Count >= limit) return;
            Guard(faults, "records", () => ChainRecord.Check(key, record, $"record {Convert.ToHexStringLower(key)}"));
        }
    }

    /// <returns>The hash that the parent must have.</returns>
    private static Hash256 CheckBlock(IKeyValueReader store, ulong number, Hash256 expected)
    {
        var canonical = ChainStore.GetCanonicalHash(store, number) ?? throw new ChainCorruptException("its canonical hash is missing");
        if (canonical != expected)
            throw new ChainCorruptException($"its canonical hash is {canonical}, the block above or the head says {expected}");
        var block = ChainStore.GetBlock(store, canonical) ?? throw new ChainCorruptException("its header or body is missing");
        if (block.Header.Hash != canonical)
            throw new ChainCorruptException($"its header has the hash {block.Header.Hash} and is stored under {canonical}");
        if (block.Header.Number != number) throw new ChainCorruptException($"its header says block {block.Header.Number}");
        if (BlockValidator.TransactionsRoot(block.Transactions) != block.Header.TransactionsRoot)
            throw new ChainCorruptException("its transactions do not give the transactions root");
        if (number > 0) CheckReceipts(store, block);
        CheckIndexes(store, block);
        ChainStore.GetPrivateReceipts(store, ChainStore.PrivateStateId, canonical);
        return block.Header.ParentHash;
    }

    private static void CheckReceipts(IKeyValueReader store, Block block)
    {
        var receipts = ChainStore.GetReceipts(store, block.Header.Hash);
        if (receipts is null && block.Transactions.Count > 0) throw new ChainCorruptException("its receipts are missing");
        if (receipts is { Count: > 0 } && TrieRoot.OfOrderedList([.. receipts.Select(static r => r.Encode())]) != block.Header.ReceiptsRoot)
            throw new ChainCorruptException("its receipts do not give the receipts root");
    }

    private static void CheckIndexes(IKeyValueReader store, Block block)
    {
        for (var i = 0; i < block.Transactions.Count; i++)
        {
            var transaction = block.Transactions[i];
            var place = new TransactionLocation(block.Header.Number, (uint)i);
            if (ChainStore.GetTransactionLocation(store, transaction.Hash) != place)
                throw new ChainCorruptException($"the index does not lead to its transaction {transaction.Hash}");
            if (transaction.PayloadHash is { } payload && !ChainStore.GetPayloadUses(store, payload).Contains(place))
                throw new ChainCorruptException($"the payload index does not lead to its transaction {transaction.Hash}");
        }
    }

    private static void Guard(List<string> faults, string what, Action check)
    {
        try
        {
            check();
        }
        catch (Exception e) when (e is ChainCorruptException or RlpException or InvalidBlockException)
        {
            faults.Add($"chain, {what}: {e.Message}");
        }
    }
}
