using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>Turns a layer's changes into store operations: flat values, code, and reverse diffs.</summary>
internal sealed class LayerWriter(IKeyValueReader store, StateKeys keys, KeyValueBatch batch)
{
    private readonly List<SlotKey> _changedSlots = [];
    private readonly List<SlotKey> _wipedSlots = [];

    /// <summary>Slots that had a value and went with all the storage of their account.</summary>
    public IReadOnlyList<SlotKey> WipedSlots => _wipedSlots;

    /// <param name="history">False for the first block: nothing is before it.</param>
    public void Write(ulong block, in Hash256 blockHash, LayerChanges changes, bool history)
    {
        // In the order of their keys, kind by kind: the store takes ascending keys faster.
        var sorted = Sorted(changes);
        foreach (var change in sorted)
            WriteAccount(change.Address, changes.AccountAfter(change));
        foreach (var change in sorted)
        {
            // Written also for an account that was absent: an empty row says "not there", a missing one "not changed".
            if (history) SealedValue.Put(batch, keys.AccountDiff(change.Address, block), SlimAccount.Encode(change.Old));
        }

        foreach (var change in sorted)
        {
            if (change.StorageWiped) WipeSlots(block, change, history);
            else WriteSlots(block, change, history);
        }

        // Code is keyed by its hash and shared by both states and all blocks. It is never deleted, for another account or a past
        // state may need it.
        foreach (var (hash, code) in changes.Source.Code)
            SealedValue.Put(batch, StateKeys.Code(hash), code);
        var record = history
            ? new BlockRecord(blockHash, changes.Root, [.. sorted.Select(static c => c.Address)], _changedSlots)
            : new BlockRecord(blockHash, changes.Root, [], []);
        record.Write(batch, keys, block);
    }

    /// <summary>The values alone, as they are after the changes.</summary>
    public void WriteValues(LayerChanges changes)
    {
        foreach (var change in Sorted(changes))
        {
            WriteAccount(change.Address, changes.AccountAfter(change));
            foreach (var (slot, (_, value)) in change.Storage)
                WriteSlot(change.Address, slot, value);
        }
    }

    private static AccountChange[] Sorted(LayerChanges changes)
    {
        AccountChange[] sorted = [.. changes.Source.Accounts.Values];
        Array.Sort(sorted, static (a, b) => a.Address.CompareTo(b.Address));
        return sorted;
    }

    private void WriteAccount(in Address address, Account? account)
    {
        var key = keys.Account(address);
        if (account is null) batch.Delete(key);
        else SealedValue.Put(batch, key, SlimAccount.Encode(account));
    }

    private void WriteSlot(in Address address, in UInt256 slot, in UInt256 value)
    {
        var key = keys.Slot(address, slot);
        if (value.IsZero) batch.Delete(key);
        // A zero slot has no row, as it has no leaf: table and trie hold the same keys, which the verifier compares.
        else SealedValue.Put(batch, key, value.ToMinimalBigEndian());
    }

    private void WriteSlots(ulong block, AccountChange change, bool history)
    {
        if (change.Storage.Count == 0) return;
        KeyValuePair<UInt256, (UInt256 Old, UInt256 New)>[] sorted = [.. change.Storage];
        Array.Sort(sorted, static (a, b) => a.Key.CompareTo(b.Key));
        foreach (var (slot, (_, value)) in sorted)
            WriteSlot(change.Address, slot, value);
        foreach (var (slot, (old, _)) in sorted)
        {
            if (history) WriteSlotDiff(block, change.Address, slot, old.ToMinimalBigEndian());
        }
    }

    // The change set does not know the slots of an account that goes, only the store does. Each gets its diff before it is
    // deleted: without it the states of before would read zero there.
    private void WipeSlots(ulong block, AccountChange change, bool history)
    {
        var stored = new HashSet<UInt256>();
        foreach (var (key, value) in store.Scan(keys.Slots(change.Address)))
        {
            var slot = keys.SlotOf(key);
            stored.Add(slot);
            _wipedSlots.Add(new SlotKey(change.Address, slot));
            if (history) WriteSlotDiff(block, change.Address, slot, SealedValue.Open(key, value));
            batch.Delete(key);
        }

        foreach (var (slot, (_, value)) in change.Storage)
        {
            if (value.IsZero) continue;
            WriteSlot(change.Address, slot, value);
            // Written anew in the same block; the old value was zero.
            if (history && !stored.Contains(slot)) WriteSlotDiff(block, change.Address, slot, []);
        }
    }

    private void WriteSlotDiff(ulong block, in Address address, in UInt256 slot, ReadOnlySpan<byte> old)
    {
        _changedSlots.Add(new SlotKey(address, slot));
        SealedValue.Put(batch, keys.SlotDiff(address, slot, block), old);
    }
}
