using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>What one unflushed layer changes: values, and the tries that follow from them.</summary>
internal sealed class LayerChanges
{
    /// <summary>A piece of work of its own is worth so many slots.</summary>
    private const int SlotsWorthSplitting = 64;

    private readonly SplitWork? _split;
    private int _slots;

    private LayerChanges(StateChangeSet source, SplitWork? split) => (Source, _split) = (source, split);

    public StateChangeSet Source { get; }

    public Hash256 Root => Tries.Accounts.RootHash;

    /// <summary>Accounts whose earlier storage, values and nodes, is gone.</summary>
    public HashSet<Address> Wiped { get; } = [];

    public LayerTries Tries { get; } = new();

    /// <summary>Flat keys that change: what a restart has to put into the tries when their nodes were not stored.</summary>
    public int KeyCount => Source.Accounts.Count + _slots;

    /// <param name="split">Null to use one core.</param>
    public static LayerChanges Compute(StateLayer parent, StateChangeSet source, SplitWork? split)
    {
        var result = new LayerChanges(source, split);
        foreach (var change in source.Accounts.Values)
            result.Note(change);
        // Storage first: the account's leaf holds the storage root.
        result.UpdateStorage(parent);
        result.UpdateAccounts(parent);
        return result;
    }

    /// <returns>The account with its new storage root; null when it is deleted.</returns>
    public Account? AccountAfter(AccountChange change)
    {
        if (change.New is not { } account) return null;
        if (Tries.Storage.TryGetValue(change.Address, out var trie)) return account with { StorageRoot = trie.RootHash };
        return account with { StorageRoot = change.StorageWiped ? Hash256.EmptyTrie : change.Old?.StorageRoot ?? Hash256.EmptyTrie };
    }

    /// <returns>False when the block left the slot alone, so that the parent has its value, unless the account was wiped.</returns>
    public bool TryGetSlot(in Address a, in UInt256 slot, out UInt256 value)
    {
        value = UInt256.Zero;
        if (!Source.Accounts.TryGetValue(a, out var change) || !change.Storage.TryGetValue(slot, out var entry)) return false;
        value = entry.New;
        return true;
    }

    private void Note(AccountChange change)
    {
        if (change.StorageWiped) Wiped.Add(change.Address);
        _slots += change.Storage.Count;
    }

    private void UpdateStorage(StateLayer parent)
    {
        var changed = Source.Accounts.Values.Where(static c => c is { New: not null, Storage.Count: > 0 }).ToArray();
        var tries = new (TrieChild Root, TrieUpdate Update)[changed.Length];
        // Many accounts go to several cores, one alone is split inside.
        if (_split is { } split && changed.Length > 1 && _slots >= SlotsWorthSplitting)
            split(changed.Length, i => tries[i] = UpdateStorage(parent, changed[i], null));
        else for (var i = 0; i < changed.Length; i++) tries[i] = UpdateStorage(parent, changed[i], _split);
        for (var i = 0; i < changed.Length; i++)
        {
            Tries.Storage.Add(changed[i].Address, tries[i].Root);
            Tries.Note(tries[i].Update, changed[i].Address);
        }
    }

    /// <summary>The storage root after the slots of one change.</summary>
    public static Hash256 StorageRootAfter(StateLayer parent, AccountChange change)
    {
        if (change.Storage.Count > 0) return UpdateStorage(parent, change, null).Root.RootHash;
        return change.StorageWiped ? Hash256.EmptyTrie : change.Old?.StorageRoot ?? Hash256.EmptyTrie;
    }

    private static (TrieChild Root, TrieUpdate Update) UpdateStorage(StateLayer parent, AccountChange change, SplitWork? split)
    {
        var leaves = new TrieChange[change.Storage.Count];
        Span<byte> word = stackalloc byte[32];
        var at = 0;
        foreach (var (slot, (before, value)) in change.Storage)
        {
            slot.WriteBigEndian(word);
            // A value of before that is not zero means a leaf in the trie, unless all of the trie goes: then the leaf need not be
            // loaded.
            leaves[at++] = new TrieChange(NibblePath.OfKey(Keccak.Hash(word).Bytes), value.IsZero ? [] : StorageValue.Encode(value),
                Exists: !change.StorageWiped && !before.IsZero);
        }

        // In the order of paths, so that the trie is walked once and each node on the way hashed once.
        Array.Sort(leaves);
        var update = new TrieUpdate(parent.Nodes, change.Address, parent.Epoch);
        var old = change.StorageWiped ? default : parent.StorageTrie(change.Address, change.Old?.StorageRoot ?? Hash256.EmptyTrie);
        return (update.Apply(old, leaves, split), update);
    }

    private void UpdateAccounts(StateLayer parent)
    {
        var leaves = new TrieChange[Source.Accounts.Count];
        var writer = new RlpWriter();
        Span<byte> bytes = stackalloc byte[Address.Size];
        var at = 0;
        foreach (var change in Source.Accounts.Values)
        {
            writer.Clear();
            AccountAfter(change)?.Write(writer);
            change.Address.CopyTo(bytes);
            leaves[at++] = new TrieChange(NibblePath.OfKey(Keccak.Hash(bytes).Bytes), writer.ToArray(), Exists: change.Old is not null);
        }

        Array.Sort(leaves);
        var update = new TrieUpdate(parent.Nodes, null, parent.Epoch);
        Tries.Accounts = update.Apply(parent.AccountTrie, leaves, _split);
        Tries.Note(update, null);
    }
}
