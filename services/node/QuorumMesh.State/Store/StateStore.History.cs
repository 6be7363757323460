using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

public sealed partial class StateStore
{
    /// <summary>Accounts, slots and approximate bytes of trie nodes that are in memory.</summary>
    public (int Accounts, int Slots, long TrieBytes) Held => (_accountCache.Count, _slotCache.Count, _tries.Bytes);

    /// <summary>The state after a kept block, as the snapshot has it; good for as long as the snapshot, from any thread.</summary>
    /// <exception cref="StateUnavailableException">The block is above the snapshot's head or no longer kept.</exception>
    public IStateReader At(IKeyValueReader snapshot, ulong block) =>
        new HistoricalState(snapshot, _keys, block) { StorageRoots = change => StorageRootAfter(snapshot, block, change) };

    /// <summary>Number, hash and root of the head that a snapshot has; null when no block is stored in it.</summary>
    internal (ulong Block, Hash256 BlockHash, Hash256 Root)? HeadOf(IKeyValueReader snapshot) =>
        StateHead.Read(snapshot, _keys) is { } head ? (head.Block, head.BlockHash, head.Root) : null;

    /// <summary>Hash and state root of a kept block; null when it is not kept.</summary>
    public (Hash256 BlockHash, Hash256 Root)? BlockAt(IKeyValueReader snapshot, ulong block) =>
        BlockRecord.Read(snapshot, _keys, block) is { } record ? (record.BlockHash, record.Root) : null;

    /// <summary>
    /// Puts the removal of history into the batch: afterwards the states from <paramref name="keepFrom"/> on can be read. Stops after
    /// about <paramref name="maxKeys"/> keys; call again while it returns true. What lies above the block whose trie nodes are
    /// stored is the way from there to the head: it stays until they are stored anew, which begins with the next block.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Above the head: the head's own state is always kept.</exception>
    public bool Prune(ulong keepFrom, KeyValueBatch batch, int maxKeys)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keepFrom, Head.Block);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxKeys, 1);
        if (!IsInitialised) return false;
        // The blocks from the stored trie nodes to the head are the only way back to the head's trie. If history is to go beyond,
        // the nodes are stored anew first.
        _saveNext = keepFrom > _trieBlock;
        keepFrom = Math.Min(keepFrom, _trieBlock);
        var reached = OldestBlock;
        var left = maxKeys;
        var more = false;
        byte[]? previous = null; // the record of the oldest readable block stays, for its hash and root
        foreach (var (key, _) in _store.Scan(_keys.AllBlocks, _keys.Block(OldestBlock)))
        {
            var block = StateKeys.BlockOf(key);
            if (block > keepFrom) break;
            if (left <= 0)
            {
                more = true;
                break;
            }

            if (previous is not null)
            {
                batch.Delete(previous);
                left--;
            }

            previous = key;
            reached = Math.Max(reached, block);
            if (!PruneBlock(block, batch, ref left))
            {
                more = true;
                break;
            }
        }

        if (reached > OldestBlock)
        {
            OldestBlock = reached;
            StateHead.WriteOldest(batch, _keys, reached);
        }

        return more;
    }

    /// <summary>
    /// Puts the way back to an earlier kept block into the batch and gives that state. When the batch is written the caller calls
    /// <see cref="Advance"/>; layers above the old head are void then.
    /// </summary>
    /// <exception cref="StateUnavailableException">The block is not kept.</exception>
    /// <exception cref="StateCorruptException">The diffs do not lead to the root that the block had.</exception>
    public StateLayer Rewind(ulong block, KeyValueBatch batch)
    {
        HistoricalState.CheckKept(_store, _keys, block);
        // A save under way is of a block that will no longer be on the chain: its rows must not come after this batch.
        Settle();
        if (block == Head.Block) throw new ArgumentException($"block {block} is the head already", nameof(block));
        var target = RecordOf(block);
        for (var above = Head.Block; above > block; above--)
        {
            var record = RecordOf(above);
            // Left behind, they would be taken for diffs of the blocks that come in their place.
            DeleteDiffs(above, record.Accounts, record.Slots, batch);
            batch.Delete(_keys.Block(above));
        }

        var computed = TakeBack(block, target.Root);
        var writer = new LayerWriter(_store, _keys, batch);
        writer.WriteValues(computed);
        new StateHead(block, target.BlockHash, target.Root).Write(batch, _keys);
        // The records above are gone, so no way leads from older trie nodes to this block: the nodes go in the same batch.
        _saved = SaveWith(block, computed, batch);
        _wipedSlots = []; // each is among the values
        return _flushed = new StateLayer(this, Head, block, target.Root, computed) { BlockHash = target.BlockHash };
    }

    /// <summary>
    /// Puts the removal of everything that is stored for a state into the batch, part by part. The state is void from the first
    /// part on: all must follow before it can begin anew.
    /// </summary>
    /// <param name="from">Null at first, then what the part before gave.</param>
    /// <returns>Where to go on; null when nothing is left.</returns>
    public static byte[]? Erase(IKeyValueReader store, string id, byte[]? from, KeyValueBatch batch, int maxKeys)
    {
        var keys = new StateKeys(id);
        // The head first: a crash between two parts leaves rows that belong to no state, never a state with holes.
        if (from is null && store.Get(keys.Head) is not null) batch.Delete(keys.Head);
        foreach (var (key, _) in store.Scan(keys.Head[..^1], from))
        {
            if (maxKeys-- <= 0) return key;
            batch.Delete(key);
        }

        return null;
    }

    /// <summary>What leads from the head to an earlier kept state.</summary>
    private LayerChanges TakeBack(ulong block, in Hash256 root)
    {
        var changes = ChangesAbove(block, Head.Block, Head, new HistoricalState(_store, _keys, block));
        var computed = LayerChanges.Compute(Head, changes, _options.SplitWork);
        // History is believed only if it leads to the root that the block had.
        return computed.Root == root ? computed
            : throw new StateCorruptException($"going back to block {block} gives root {computed.Root} instead of {root}");
    }

    private BlockRecord RecordOf(ulong block) =>
        BlockRecord.Read(_store, _keys, block) ?? throw new StateCorruptException($"the record of block {block} is missing");

    /// <summary>What differs between two states in the keys that the blocks above one and up to another changed.</summary>
    private StateChangeSet ChangesAbove(ulong block, ulong last, IStateReader old, IStateReader @new)
    {
        var accounts = new HashSet<Address>();
        var slots = new HashSet<SlotKey>();
        for (var above = block + 1; above <= last; above++)
        {
            var record = RecordOf(above);
            accounts.UnionWith(record.Accounts);
            slots.UnionWith(record.Slots);
        }

        var changes = new StateChangeSet();
        foreach (var address in accounts)
        {
            var (before, after) = (old.GetAccount(address), @new.GetAccount(address));
            changes.Add(new AccountChange(address, before, after) { StorageWiped = after is null && before is { HasStorage: true } });
        }

        foreach (var key in slots)
        {
            var (now, then) = (old.GetStorage(key.Address, key.Slot), @new.GetStorage(key.Address, key.Slot));
            if (now != then || changes.Accounts[key.Address].New is null) changes.Accounts[key.Address].Storage[key.Slot] = (now, then);
        }

        return changes;
    }

    /// <summary>What a block's record still lists is written again after each part.</summary>
    private const int LargeBlockParts = 8;

    /// <returns>False when the key budget ended inside the block: its record then lists what is left.</returns>
    private bool PruneBlock(ulong block, KeyValueBatch batch, ref int left)
    {
        var record = BlockRecord.Read(_store, _keys, block)!;
        left = Math.Max(left, (record.Accounts.Count + record.Slots.Count) / LargeBlockParts);
        var accounts = Math.Min(Math.Max(left, 0), record.Accounts.Count);
        var slots = Math.Min(Math.Max(left - accounts, 0), record.Slots.Count);
        DeleteDiffs(block, record.Accounts.Take(accounts), record.Slots.Take(slots), batch);
        left -= accounts + slots;
        var rest = record with { Accounts = [.. record.Accounts.Skip(accounts)], Slots = [.. record.Slots.Skip(slots)] };
        // The record shrinks in the batch that deletes its diffs. After a crash it lists exactly what is still there.
        if (record.Accounts.Count + record.Slots.Count > 0) rest.Write(batch, _keys, block);
        return rest.Accounts.Count + rest.Slots.Count == 0;
    }

    private void DeleteDiffs(ulong block, IEnumerable<Address> accounts, IEnumerable<SlotKey> slots, KeyValueBatch batch)
    {
        foreach (var address in accounts)
            batch.Delete(_keys.AccountDiff(address, block));
        foreach (var key in slots)
            batch.Delete(_keys.SlotDiff(key.Address, key.Slot, block));
    }
}
