using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// The state after one block. Before its flush it holds the block's changes and reads through to its parent; after
/// <see cref="StateStore.Advance"/> it reads the store; once another layer has become the head it is no longer readable. For the
/// store's one writer: other threads read through <see cref="StateStore.At"/>.
/// </summary>
public sealed class StateLayer : IStateReader, IStateRootSource, IStorageRootSource
{
    private readonly StateStore _store;
    private LayerChanges? _changes;

    internal StateLayer(StateStore store, StateLayer? parent, ulong block, in Hash256 root, LayerChanges? changes)
    {
        _store = store;
        _changes = changes;
        Parent = parent;
        Block = block;
        Root = root;
    }

    /// <summary>Block number.</summary>
    public ulong Block { get; }

    /// <summary>Hash of the block; zero until flushed.</summary>
    public Hash256 BlockHash { get; internal set; }

    /// <summary>State root after the block.</summary>
    public Hash256 Root { get; }

    /// <summary>Null once persisted.</summary>
    public StateLayer? Parent { get; private set; }

    internal LayerChanges? Changes => _changes;

    /// <inheritdoc/>
    public Account? GetAccount(in Address a)
    {
        var layer = this;
        for (; layer._changes is { } changes; layer = layer.Parent!)
        {
            if (changes.Source.Accounts.TryGetValue(a, out var change)) return changes.AccountAfter(change);
        }

        return layer._store.ReadAccount(layer, a);
    }

    /// <inheritdoc/>
    public UInt256 GetStorage(in Address a, in UInt256 slot)
    {
        var layer = this;
        for (; layer._changes is { } changes; layer = layer.Parent!)
        {
            if (changes.TryGetSlot(a, slot, out var value)) return value;
            // Below this layer lies the storage of the account's earlier life.
            if (changes.Wiped.Contains(a)) return UInt256.Zero;
        }

        return layer._store.ReadSlot(layer, new SlotKey(a, slot));
    }

    /// <inheritdoc/>
    public byte[]? GetCode(in Hash256 codeHash)
    {
        var layer = this;
        for (; layer._changes is { } changes; layer = layer.Parent!)
        {
            if (changes.Source.Code.TryGetValue(codeHash, out var code)) return code;
        }

        return layer._store.ReadCode(codeHash);
    }

    /// <summary>Merkle proofs in this state: the account's, and one for each slot.</summary>
    public StateProof Prove(in Address a, IReadOnlyList<UInt256> slots)
    {
        var account = GetAccount(a);
        var accountNodes = new MerkleTrie(Nodes, null, AccountTrie).Prove(Keccak.Hash(a.ToArray()).Bytes);
        var storage = new MerkleTrie(Nodes, a, StorageTrie(a, account?.StorageRoot ?? Hash256.EmptyTrie));
        var proofs = new List<StorageProof>(slots.Count);
        foreach (var slot in slots)
            proofs.Add(new StorageProof(slot, GetStorage(a, slot), storage.Prove(Keccak.Hash(slot.ToBigEndian()).Bytes)));
        return new StateProof(a, account, accountNodes, proofs);
    }

    Hash256 IStateRootSource.RootAfter(StateChangeSet changes) => LayerChanges.Compute(this, changes, split: null).Root;

    /// <inheritdoc/>
    public Hash256 StorageRootAfter(AccountChange change) => LayerChanges.StorageRootAfter(this, change);

    /// <summary>Where nodes that are not in memory are read from.</summary>
    internal ITrieNodeSource Nodes => _store;

    internal int Epoch => _store.Epoch;

    internal TrieChild AccountTrie => _changes?.Tries.Accounts ?? _store.AccountTrie(this);

    internal TrieChild StorageTrie(in Address a, in Hash256 root)
    {
        var layer = this;
        for (; layer._changes is { } changes; layer = layer.Parent!)
        {
            if (changes.Tries.Storage.TryGetValue(a, out var trie)) return trie;
            if (changes.Wiped.Contains(a)) return default;
        }

        return layer._store.StorageTrie(layer, a, root);
    }

    internal void BecomePersisted()
    {
        _changes = null;
        Parent = null;
    }
}
