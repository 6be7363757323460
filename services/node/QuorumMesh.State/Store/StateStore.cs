using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// The persisted state of one id ("public", "private") in a key-value store: a flat table of accounts and slots, trie nodes by path,
/// a reverse diff per block, and unflushed layers above. Trie nodes are stored every some blocks; opening the store puts into the
/// tries what the flat table has since. One writer; other threads read through <see cref="At"/> with a snapshot.
/// </summary>
public sealed partial class StateStore : ITrieNodeSource
{
    private readonly IKeyValueStore _store;
    private readonly StateKeys _keys;
    private readonly StateStoreOptions _options;
    private readonly LiveTries _tries;
    private readonly AccountCache _accountCache;
    private readonly ClockCache<SlotKey, UInt256> _slotCache;
    private StateLayer? _flushed;
    private TrieSave? _saved;
    private IReadOnlyList<SlotKey> _wipedSlots = [];
    private ulong _trieBlock;
    private bool _saveNext;

    /// <exception cref="StateCorruptException">The stored head is damaged.</exception>
    public StateStore(IKeyValueStore store, string id, StateStoreOptions? options = null)
    {
        _store = store;
        _keys = new StateKeys(id);
        _options = options ?? new StateStoreOptions();
        _tries = new(_options.NodeCacheBytes);
        _accountCache = new(_options.FlatCacheEntries);
        _slotCache = new(_options.FlatCacheEntries);
        var head = StateHead.Read(store, _keys);
        IsInitialised = head is not null;
        Head = new StateLayer(this, null, head?.Block ?? 0, head?.Root ?? Hash256.EmptyTrie,
            null)
        { BlockHash = head?.BlockHash ?? default };
        OldestBlock = StateHead.ReadOldest(store, _keys);
        // Without the row the nodes are the head's.
        _trieBlock = StateHead.ReadTrieBlock(store, _keys, Head.Block);
        _tries.Accounts = TrieChild.OfRoot(Head.Root);
        if (_trieBlock < Head.Block) CatchUpTries();
    }

    /// <summary>False until the first block is flushed; the head is then the empty state, and any block number may follow it.</summary>
    public bool IsInitialised { get; private set; }

    /// <summary>The persisted state.</summary>
    public StateLayer Head { get; private set; }

    /// <summary>The first block whose state can still be read.</summary>
    public ulong OldestBlock { get; private set; }

    /// <summary>The state after one more block, in memory only. Nothing of it is stored until <see cref="Flush"/>.</summary>
    /// <param name="parent">The head, or an unflushed layer above it.</param>
    /// <exception cref="ArgumentException">The block number does not follow the parent's.</exception>
    /// <exception cref="StateUnavailableException">The parent is no longer on top of the head.</exception>
    /// <exception cref="InvalidOperationException">Too many layers are waiting to be flushed.</exception>
    public StateLayer Extend(StateLayer parent, ulong blockNumber, StateChangeSet changes)
    {
        var first = !IsInitialised && ReferenceEquals(parent, Head);
        if (!first && blockNumber != parent.Block + 1)
            throw new ArgumentException($"block {blockNumber} does not follow the parent state's block {parent.Block}",
                nameof(blockNumber));
        CheckParent(parent);
        var computed = LayerChanges.Compute(parent, changes, _options.SplitWork);
        return new StateLayer(this, parent, blockNumber, computed.Root, computed);
    }

    /// <summary>
    /// Puts the layer into the batch. When the caller has written that, it calls <see cref="Advance"/>; when it has not, nothing
    /// has changed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The layer's parent is not the head.</exception>
    /// <remarks>All of the block goes in the caller's one batch: values, diffs, record, head, and the nodes when they are due. A
    /// crash leaves the block before or this one, nothing between. Memory changes in Advance alone, when the batch is
    /// written.</remarks>
    public void Flush(StateLayer layer, Hash256 blockHash, KeyValueBatch batch)
    {
        if (layer.Changes is not { } changes || !ReferenceEquals(layer.Parent, Head))
            throw new InvalidOperationException($"the layer of block {layer.Block} is not next after the head, block {Head.Block}");
        var writer = new LayerWriter(_store, _keys, batch);
        writer.Write(layer.Block, blockHash, changes, history: IsInitialised);
        _wipedSlots = writer.WipedSlots;
        new StateHead(layer.Block, blockHash, layer.Root).Write(batch, _keys);
        if (!IsInitialised) StateHead.WriteOldest(batch, _keys, layer.Block);
        _saved = IsSavedWith(layer.Block, changes) ? SaveWith(layer.Block, changes, batch) : null;
        layer.BlockHash = blockHash;
        _flushed = layer;
    }

    /// <summary>
    /// Makes the layer of the last <see cref="Flush"/> or <see cref="Rewind"/> the head, after its batch has been written. May
    /// wait for trie nodes that are being stored beside the blocks, and throws what storing them threw; the layer is the head
    /// then all the same.
    /// </summary>
    public void Advance(StateLayer layer)
    {
        if (!ReferenceEquals(layer, _flushed) || layer.Changes is not { } changes || !ReferenceEquals(layer.Parent, Head))
            throw new InvalidOperationException($"the layer of block {layer.Block} is not the one flushed last");
        UpdateCaches(changes);
        if (_saved is not null) NoteSaved(_saved);
        // Caches and tries follow the written batch, never lead it: after a failed write memory still shows the old head.
        _tries.Take(changes, _saved is not null);
        if (!IsInitialised) OldestBlock = layer.Block;
        IsInitialised = true;
        Head = layer;
        (_flushed, _saved, _wipedSlots) = (null, null, []);
        layer.BecomePersisted();
        SaveBeside();
    }

    internal Account? ReadAccount(StateLayer layer, in Address a)
    {
        CheckCurrent(layer);
        if (_accountCache.TryGet(a, out var account)) return account;
        account = FlatState.Account(_store, _keys, a);
        _accountCache.Set(a, account);
        return account;
    }

    internal UInt256 ReadSlot(StateLayer layer, in SlotKey key)
    {
        CheckCurrent(layer);
        if (_slotCache.TryGet(key, out var value)) return value;
        value = FlatState.Slot(_store, _keys, key.Address, key.Slot);
        _slotCache.Set(key, value);
        return value;
    }

    internal byte[]? ReadCode(in Hash256 hash) => FlatState.Code(_store, hash);

    internal int Epoch => _tries.Epoch;

    internal TrieChild AccountTrie(StateLayer layer)
    {
        CheckCurrent(layer);
        return _tries.Accounts;
    }

    internal TrieChild StorageTrie(StateLayer layer, in Address a, in Hash256 root)
    {
        CheckCurrent(layer);
        return _tries.Storage(a, root);
    }

    byte[] ITrieNodeSource.LoadNode(in TrieNodeKey key, in Hash256 hash)
    {
        var stored = _keys.Node(key);
        return Checked(key, hash, stored, _store.Get(stored));
    }

    byte[][] ITrieNodeSource.LoadNodes(ReadOnlySpan<(TrieNodeKey Key, Hash256 Hash)> nodes)
    {
        var stored = new byte[nodes.Length][];
        for (var i = 0; i < stored.Length; i++) stored[i] = _keys.Node(nodes[i].Key);
        var rows = _store.GetMany(stored);
        for (var i = 0; i < stored.Length; i++) Checked(nodes[i].Key, nodes[i].Hash, stored[i], rows[i]);
        return rows!;
    }

    private static byte[] Checked(in TrieNodeKey key, in Hash256 hash, byte[] stored, byte[]? row)
    {
        if (row is not { } encoded)
            throw new StateCorruptException($"missing trie node: {key}, key {Convert.ToHexStringLower(stored)}");
        // Places are reused by later blocks. The hash tells a node of another block from the one that is meant.
        if (!NodeRow.Fits(encoded, hash))
            throw new StateCorruptException(
                $"damaged trie node: the hash of the {key}, key {Convert.ToHexStringLower(stored)}, does not fit");
        return encoded;
    }

    /// <summary>The nodes stored are of an earlier block: puts the values changed since into its tries.</summary>
    private void CatchUpTries()
    {
        var target = Head;
        var start = BlockRecord.Read(_store, _keys, _trieBlock)
            ?? throw new StateCorruptException($"the record of block {_trieBlock}, whose trie nodes are stored, is missing");
        Head = new StateLayer(this, null, _trieBlock, start.Root, null);
        _tries.Accounts = TrieChild.OfRoot(start.Root);
        var past = new HistoricalState(_store, _keys, _trieBlock);
        var changes = ChangesAbove(_trieBlock, target.Block, past, new HistoricalState(_store, _keys, target.Block));
        var computed = LayerChanges.Compute(Head, changes, _options.SplitWork);
        // What the blocks since have changed must lead to the root in the head row: a start on a wrong state is worse than none.
        if (computed.Root != target.Root)
            throw new StateCorruptException($"going on from the trie nodes of block {_trieBlock} to block {target.Block} gives root "
                + $"{computed.Root} instead of {target.Root}");
        _tries.Take(computed, isSaved: false);
        Head = target;
    }

    private void CheckCurrent(StateLayer layer)
    {
        if (!ReferenceEquals(layer, Head))
            throw new StateUnavailableException(
                $"the state of block {layer.Block} was superseded by block {Head.Block}; read it through a snapshot");
    }

    private void CheckParent(StateLayer parent)
    {
        var layer = parent;
        for (var depth = 0; layer.Changes is not null; layer = layer.Parent!)
        {
            if (++depth >= _options.MaxLayers)
                throw new InvalidOperationException($"{depth} state layers wait above block {Head.Block}; flush some first");
        }

        CheckCurrent(layer);
    }

    private void UpdateCaches(LayerChanges changes)
    {
        // Only cached ones need the zero; others are read from the store, where they are gone.
        foreach (var key in _wipedSlots)
            _slotCache.TryUpdate(key, UInt256.Zero);
        foreach (var (address, change) in changes.Source.Accounts)
        {
            _accountCache.Set(address, changes.AccountAfter(change));
            foreach (var (slot, (_, value)) in change.Storage)
                _slotCache.Set(new SlotKey(address, slot), value);
        }
    }
}
