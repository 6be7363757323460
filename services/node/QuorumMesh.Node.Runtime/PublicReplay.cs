using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Public states that were pruned, made again by executing the stored chain from genesis, some blocks at a time. Only a payload
/// that comes later than the kept history reaches needs it. They lie in the store beside the chain's own, so that memory holds no
/// more than the caches, and a restart goes on where it was; they are erased when the private head is back in the kept history.
/// Owned by the writer loop.
/// </summary>
/// <param name="options">Null for the defaults.</param>
internal sealed class PublicReplay(NodeStores stores, StateStoreOptions? options = null)
{
    /// <summary>What one step executes at most, in gas: the loop has others to serve.</summary>
    private const long GasPerStep = 20_000_000;

    private const int ErasedPerBatch = 4_096;
    private const int ErasedPerStep = 16;
    private readonly StateStoreOptions _options = (options
        ?? new StateStoreOptions { NodeCacheBytes = 64 << 20, FlatCacheEntries = 65_536 }) with
    { SplitWork = Cores.Split };
    private readonly BlockExecutor _executor = new(stores.Rules);
    private StateStore? _state;
    private IKeyValueSnapshot? _snapshot;

    /// <summary>The oldest block asked for: states from there on are kept, for the private head comes through them.</summary>
    private ulong _floor = ulong.MaxValue;

    private byte[]? _eraseFrom;
    private bool _isEmpty;

    /// <summary>Accounts, slots and bytes of trie nodes in memory.</summary>
    public (int Accounts, int Slots, long TrieBytes) Held => _state?.Held ?? default;

    /// <summary>The last block made again.</summary>
    public ulong Reached => _state?.Head.Block ?? 0;

    /// <returns>Null while it is not there yet: call again. Good until <see cref="Close"/> or the next call.</returns>
    public IStateReader? StateAfter(ulong block)
    {
        Close();
        if (!IsOpenFor(block)) return null;
        _floor = Math.Min(_floor, block);
        for (var gas = 0L; _state!.Head.Block < block; gas += Next())
            if (gas >= GasPerStep) return null;
        if (_state.Head.Block == block) return _state.Head;
        _snapshot = stores.KeyValues.Snapshot();
        return _state.At(_snapshot, block);
    }

    /// <summary>
    /// The state given last has been read. A snapshot that stayed open would keep on disk whatever is replaced from then on.
    /// </summary>
    public void Close()
    {
        _snapshot?.Dispose();
        _snapshot = null;
    }

    /// <summary>They are no longer needed: puts the removal of a part into the batch of a block.</summary>
    public void Release(KeyValueBatch batch)
    {
        if (!_isEmpty) Erase(batch);
    }

    /// <returns>False while what is of no use is being erased.</returns>
    private bool IsOpenFor(ulong block)
    {
        if (_state is null && _eraseFrom is null && !_isEmpty) OpenLeft();
        if (_state is { } state && state.OldestBlock <= block) return true;
        for (var part = 0; part < ErasedPerStep && !_isEmpty; part++)
        {
            var batch = new KeyValueBatch();
            Erase(batch);
            stores.KeyValues.Write(batch, sync: false);
        }
        if (_isEmpty) Begin();
        return _state is not null;
    }

    /// <summary>What a run of the node before this one made.</summary>
    private void OpenLeft()
    {
        var left = new StateStore(stores.KeyValues, ChainStore.ReplayStateId, _options);
        if (left.IsInitialised && ChainStore.GetCanonicalHash(stores.KeyValues, left.Head.Block) == left.Head.BlockHash) _state = left;
    }

    private void Erase(KeyValueBatch batch)
    {
        (_state, _floor) = (null, ulong.MaxValue);
        _eraseFrom = StateStore.Erase(stores.KeyValues, ChainStore.ReplayStateId, _eraseFrom, batch, ErasedPerBatch);
        _isEmpty = _eraseFrom is null;
    }

    private void Begin()
    {
        _state = new StateStore(stores.KeyValues, ChainStore.ReplayStateId, _options);
        _isEmpty = false;
        var genesis = GenesisStore.Load(stores.KeyValues) ?? throw new ChainCorruptException("the genesis file is not stored");
        var noPrivate = new StateStore(new MemoryKeyValueStore(), ChainStore.PrivateStateId);
        var block = new BlockImporter(stores.Rules, _state, noPrivate).Genesis(genesis);
        Take(block.PublicLayer, block.Block.Header);
    }

    /// <returns>Gas that it was worth.</returns>
    private long Next()
    {
        var head = _state!.Head;
        var block = ChainStore.GetBlock(stores.KeyValues, head.Block + 1)
            ?? throw new ChainCorruptException($"block {head.Block + 1} is below the head and not stored");
        var transactions = stores.Senders.RecoverAll(block.Transactions, stores.Rules.SenderRulesAt(block.Number))
            ?? throw new ChainCorruptException($"the senders of stored block {block.Number} cannot be recovered");
        // The header was verified when the block came; the root says whether this is the state that it had.
        var execution = _executor.Execute(
            block.Header, transactions,
            new(head, PrivateState: null, number => ChainStore.GetCanonicalHash(stores.KeyValues, number) ?? default));
        var layer = _state.Extend(head, block.Number, execution.PublicChanges);
        if (layer.Root != block.Header.StateRoot)
            throw new ChainCorruptException(
                $"executing stored block {block.Number} again gives state root {layer.Root}, its header has {block.Header.StateRoot}");
        Take(layer, block.Header);
        return BlockWork.Of(block);
    }

    private void Take(StateLayer layer, BlockHeader header)
    {
        var batch = new KeyValueBatch();
        _state!.Flush(layer, header.Hash, batch);
        // Not past the trie nodes that are stored, or they would be stored with each block.
        var spare = _options.UnsavedBlocks + 2;
        var keepFrom = Math.Min(_floor, header.Number > spare ? header.Number - spare : 0);
        if (keepFrom > _state.OldestBlock) _state.Prune(keepFrom, batch, Math.Max(ErasedPerBatch, batch.Count));
        stores.KeyValues.Write(batch, sync: false);
        _state.Advance(layer);
    }
}
