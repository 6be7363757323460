using QuorumMesh.Chain;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Public states that were pruned, made again in memory by executing the stored chain from genesis, a few blocks at a time. Only a payload that comes later than
/// the kept history reaches needs it. Owned by the writer loop.
/// </summary>
internal sealed class PublicReplay(NodeStores stores)
{
    private const int BlocksPerStep = 32;

    private NodeStores? _scratch;
    private BlockHeader? _head;

    /// <returns>Null while it is not there yet: call again. Good until the next call.</returns>
    public IStateReader? StateAfter(ulong block)
    {
        if (_scratch is null || _head!.Number > block) Restart();
        for (var done = 0; _head!.Number < block; done++)
        {
            if (done == BlocksPerStep) return null;
            Next();
        }
        return _scratch!.Public.Head;
    }

    public void Drop() => (_scratch, _head) = (null, null);

    private void Restart()
    {
        _scratch = new NodeStores(new MemoryKeyValueStore(), stores.Rules, new StateStoreOptions { UnsavedBlocks = 0 });
        var genesis = GenesisStore.Load(stores.KeyValues) ?? throw new ChainCorruptException("the genesis file is not stored");
        Take(_scratch.Importer.Genesis(genesis).PublicLayer, ChainStore.GetHeader(stores.KeyValues, 0)!);
    }

    private void Next()
    {
        var block = ChainStore.GetBlock(stores.KeyValues, _head!.Number + 1) ?? throw new ChainCorruptException($"block {_head.Number + 1} is below the head and not stored");
        var transactions = stores.Senders.RecoverAll(block.Transactions, stores.Rules.SenderRulesAt(block.Number))
            ?? throw new ChainCorruptException($"the senders of stored block {block.Number} cannot be recovered");
        var imported = _scratch!.Importer.Import(block, _head, transactions, _scratch.Public.Head, privateParent: null, static _ => null,
            number => ChainStore.GetCanonicalHash(stores.KeyValues, number) ?? default);
        Take(imported.PublicLayer, block.Header);
    }

    /// <summary>Only the newest state is kept.</summary>
    private void Take(StateLayer layer, BlockHeader header)
    {
        var batch = new KeyValueBatch();
        _scratch!.Public.Flush(layer, header.Hash, batch);
        _scratch.KeyValues.Write(batch, sync: false);
        _scratch.Public.Advance(layer);
        _head = header;
        var pruned = new KeyValueBatch();
        if (header.Number > 0) _scratch.Public.Prune(header.Number, pruned, int.MaxValue);
        _scratch.KeyValues.Write(pruned, sync: false);
    }
}
