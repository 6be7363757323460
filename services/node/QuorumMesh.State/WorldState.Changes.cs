using QuorumMesh.Primitives;
using QuorumMesh.State.Journal;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    /// <summary>Net changes against the parent, all transactions so far included. The state stays usable.</summary>
    public StateChangeSet TakeChanges()
    {
        var changes = new StateChangeSet();
        foreach (var entry in _accounts.Values)
        {
            if (ChangeOf(entry) is not { } change) continue;
            changes.Add(change);
            if (change.New is { } account && account.CodeHash != Hash256.EmptyCode && account.CodeHash != change.Old?.CodeHash)
                changes.Code[account.CodeHash] = entry.Code!;
        }

        return changes;
    }

    /// <summary>The state root now: for receipts before Byzantium, genesis and state tests.</summary>
    /// <exception cref="InvalidOperationException">The parent state has no trie.</exception>
    public Hash256 IntermediateRoot() => _parent is IStateRootSource source
        ? source.RootAfter(TakeChanges())
        : throw new InvalidOperationException($"no state root over a {_parent.GetType().Name}: only over a state layer or the empty state");

    /// <summary>
    /// The account as it is now, its storage root included: what a hash over some accounts in the middle of a block is made of. Null when
    /// it is absent; one that destroyed itself in this transaction is still there.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has storage, and the parent state gives no storage roots.</exception>
    public Account? AccountNow(in Address a)
    {
        var entry = Load(a);
        if (!entry.Exists) return null;
        var now = new Account(entry.Nonce, entry.Balance, Hash256.EmptyTrie, entry.CodeHash) { Privacy = entry.Privacy };
        return now with { StorageRoot = StorageRootOf(entry, now) };
    }

    private Hash256 StorageRootOf(AccountEntry entry, in Account now)
    {
        var isWiped = entry is { Wiped: true, Origin.HasStorage: true };
        var change = new AccountChange(entry.Address, entry.Origin, now) { StorageWiped = isWiped };
        if (entry.Slots is not null) AddStorage(change, entry);
        if (!entry.HasOriginStorage)
            return StateRoot.OfStorage(change.Storage.Select(s => new KeyValuePair<UInt256, UInt256>(s.Key, s.Value.New)));
        return _parent is IStorageRootSource source
            ? source.StorageRootAfter(change)
            : throw new InvalidOperationException($"no storage root over a {_parent.GetType().Name}");
    }

    private AccountChange? ChangeOf(AccountEntry entry)
    {
        // Created and gone within the block: the parent never had it, so nothing changes.
        if (!entry.Exists)
            return entry.Origin is { } gone ? new AccountChange(entry.Address, gone, null) { StorageWiped = gone.HasStorage } : null;

        var storageRoot = entry.Origin?.StorageRoot ?? Hash256.EmptyTrie;
        var account = new Account(entry.Nonce, entry.Balance, storageRoot, entry.CodeHash) { Privacy = entry.Privacy };
        var change = new AccountChange(entry.Address, entry.Origin,
            account)
        { StorageWiped = entry.Wiped && entry.Origin is { HasStorage: true } };
        if (entry.Slots is not null) AddStorage(change, entry);
        return change.StorageWiped || change.Storage.Count > 0 || entry.Origin != account ? change : null;
    }

    private static int CountChanged(SlotTable slots)
    {
        var count = 0;
        for (var i = 0; i < slots.Count; i++)
        {
            if (slots[i].Current != slots[i].Origin) count++;
        }

        return count;
    }

    private void AddStorage(AccountChange change, AccountEntry entry)
    {
        var slots = entry.Slots!;
        change.Storage.EnsureCapacity(CountChanged(slots));
        for (var i = 0; i < slots.Count; i++)
        {
            ref readonly var slot = ref slots[i];
            if (change.StorageWiped)
            {
                // The parent's own value, not the origin, which is zero after the wipe: it is the old value for the reverse diff.
                if (!slot.Current.IsZero) change.Storage[slot.Slot] = (_parent.GetStorage(entry.Address, slot.Slot), slot.Current);
            }
            else if (slot.Current != slot.Origin)
            {
                change.Storage[slot.Slot] = (slot.Origin, slot.Current);
            }
        }
    }
}
