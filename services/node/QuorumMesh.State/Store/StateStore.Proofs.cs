using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

public sealed partial class StateStore
{
    /// <summary>How far below the head proofs are given.</summary>
    public const ulong MostProofBlocks = 128;

    /// <summary>How many accounts and slots, counted once for each block that changed them, a proof below the head takes back.</summary>
    public const int MostProofKeys = 100_000;

    private readonly object _proofGate = new();

    // The tries that the last proof went through.
    private ProofTries? _proofs;

    /// <summary>True while tries for proofs are in memory: at most those of one head, and of one block below it.</summary>
    internal bool HoldsProofTries => Volatile.Read(ref _proofs) is not null;

    /// <summary>
    /// Merkle proofs in the state after a kept block, as the snapshot has it; from any thread, one at a time. Trie nodes are
    /// stored for some block at or below the head: the tries are taken from there to the head by the values changed since, and
    /// for an older block back by the reverse diffs, over at most <see cref="MostProofBlocks"/> blocks and
    /// <see cref="MostProofKeys"/> keys. They stay for the next proof, which goes on from them; the snapshot does not.
    /// </summary>
    /// <exception cref="StateUnavailableException">
    /// The block is above the snapshot's head, no longer kept, or too far back for a proof.
    /// </exception>
    public StateProof Prove(IKeyValueReader snapshot, ulong block, in Address a, IReadOnlyList<UInt256> slots)
    {
        HistoricalState.CheckKept(snapshot, _keys, block);
        var head = StateHead.Read(snapshot, _keys)!.Value;
        if (head.Block - block > MostProofBlocks)
            throw new StateUnavailableException(
                $"a proof in block {block} is too far back: at most {MostProofBlocks} blocks below the head, block {head.Block}");
        var address = a;
        return InTries(snapshot, head, block, layer => layer.Prove(address, slots)) ?? throw TooFarBack(snapshot, block, head.Block);
    }

    /// <summary>
    /// The storage root of an account after changes to a kept block's state, as the snapshot has it; from any thread, one at a time. As far
    /// back as proofs go it costs what the changes do, further back all slots of the account are read.
    /// </summary>
    private Hash256 StorageRootAfter(IKeyValueReader snapshot, ulong block, AccountChange change)
    {
        var head = StateHead.Read(snapshot, _keys)!.Value;
        var root = head.Block - block > MostProofBlocks ? null
            : InTries(snapshot, head, block, layer => new StrongBox<Hash256>(layer.StorageRootAfter(change)));
        if (root is not null) return root.Value;
        var slots = change.StorageWiped ? [] : Storage(snapshot, block, change.Address).ToDictionary(s => s.Slot, s => s.Value);
        foreach (var (slot, (_, value)) in change.Storage) slots[slot] = value;
        return StateRoot.OfStorage(slots);
    }

    /// <returns>Null when the block is too far back.</returns>
    private T? InTries<T>(IKeyValueReader snapshot, in StateHead head, ulong block, Func<StateLayer, T> ask) where T : class
    {
        // Proofs below the head are rare and their tries large: one set of tries at a time bounds memory, whatever clients ask
        // for.
        lock (_proofGate)
        {
            var tries = Interlocked.Exchange(ref _proofs, null); // what fails is not gone on from
            if (tries is null || !tries.MoveTo(snapshot, head)) tries = new ProofTries(snapshot, _keys.Id);
            var answer = tries.LayerAt(block) is { } layer ? ask(layer) : null;
            tries.TakeBackSnapshot();
            Volatile.Write(ref _proofs, tries);
            return answer;
        }
    }

    /// <summary>
    /// Lets tries for proofs go when the trie nodes have been stored anew since: from those a proof gets to the head sooner. For
    /// the writer, after each block.
    /// </summary>
    public void ReleaseProofs()
    {
        if (_saving is { Work: var work } && work.IsDone()) Settle();
        if (Volatile.Read(ref _proofs) is { } held && held.StoredBlock != _trieBlock) Interlocked.CompareExchange(ref _proofs, null, held);
    }

    /// <summary>
    /// A state store over a snapshot that is lent to it, and another one later. Its nodes that the store lacks are all in memory,
    /// so it is good for as long as no others are stored.
    /// </summary>
    private sealed class ProofTries
    {
        private static readonly StateStoreOptions Options = new() { NodeCacheBytes = 4 << 20, FlatCacheEntries = 4096 };

        private readonly FrozenStore _lent;
        private readonly StateStore _state;
        private readonly Hash256 _storedRoot;
        private StateLayer? _back;

        public ProofTries(IKeyValueReader snapshot, string id)
        {
            _lent = new FrozenStore(snapshot);
            _state = new StateStore(_lent, id, Options);
            _storedRoot = _state.RecordOf(StoredBlock).Root;
        }

        /// <summary>Of the nodes in the store.</summary>
        public ulong StoredBlock => _state._trieBlock;

        /// <returns>False when these tries do not lead to that head.</returns>
        public bool MoveTo(IKeyValueReader snapshot, in StateHead head)
        {
            var own = _state.Head;
            // Nodes stored anew stand at the same places: tries that lead on from the old ones would load the wrong rows.
            if (head.Block < own.Block || StateHead.ReadTrieBlock(snapshot, _state._keys, head.Block) != StoredBlock) return false;
            // The private state can have gone back and come another way since.
            if (BlockRecord.Read(snapshot, _state._keys, StoredBlock) is not { } stored || stored.Root != _storedRoot) return false;
            if (BlockRecord.Read(snapshot, _state._keys, own.Block) is not { } reached || reached.Root != own.Root
                || reached.BlockHash != own.BlockHash) return false;
            _lent.Reader = snapshot;
            if (head.Block == own.Block) return true;
            _state.Follow(head);
            _back = null;
            return true;
        }

        /// <returns>Null when too many keys changed since.</returns>
        public StateLayer? LayerAt(ulong block)
        {
            if (block == _state.Head.Block) return _state.Head;
            if (_back is { } held && held.Block == block) return held;
            _back = null;
            if (_state.ProvableFrom(_lent, block, _state.Head.Block) > block) return null;
            var root = _state.RecordOf(block).Root;
            return _back = new StateLayer(_state, _state.Head, block, root, _state.TakeBack(block, root));
        }

        public void TakeBackSnapshot() => _lent.Reader = null;
    }

    /// <returns>The given block, or the first one above it between which and the head few enough keys changed.</returns>
    private ulong ProvableFrom(IKeyValueReader reader, ulong block, ulong head)
    {
        var keys = 0L;
        for (var above = head; above > block; above--)
        {
            if (BlockRecord.Read(reader, _keys, above) is { } record) keys += record.Accounts.Count + record.Slots.Count;
            if (keys > MostProofKeys) return above;
        }

        return block;
    }

    private StateUnavailableException TooFarBack(IKeyValueReader snapshot, ulong block, ulong head) =>
        new($"a proof in block {block} is too far back: the blocks above it changed more than {MostProofKeys} accounts and slots; ask for "
            + $"block {ProvableFrom(snapshot, block, head)} or later (the head is block {head})");

    /// <summary>The store shows a later head over the same trie nodes: puts the values changed since into the tries.</summary>
    private void Follow(in StateHead head)
    {
        var changes = ChangesAbove(Head.Block, head.Block, new HistoricalState(_store, _keys, Head.Block),
            new HistoricalState(_store, _keys, head.Block));
        var computed = LayerChanges.Compute(Head, changes, _options.SplitWork);
        if (computed.Root != head.Root)
            throw new StateCorruptException(
                $"going on from block {Head.Block} to block {head.Block} gives root {computed.Root} instead of {head.Root}");
        UpdateCaches(computed);
        _tries.Take(computed, isSaved: false);
        Head = new StateLayer(this, null, head.Block, head.Root, null) { BlockHash = head.BlockHash };
    }
}
