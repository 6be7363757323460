using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Turns a layer's changes into store operations: flat values, code, and reverse diffs.</summary>
internal sealed class LayerWriter(IKeyValueReader store, StateKeys keys, KeyValueBatch batch)
{
    private readonly List<SlotKey> _changedSlots = [];

    /// <param name="history">False for the first block: nothing is before it.</param>
    public void Write(ulong block, in Hash256 blockHash, LayerChanges changes, bool history)
    {
        foreach (var (address, change) in changes.Source.Accounts)
        {
            WriteAccount(address, changes.Accounts[address]);
            if (history) WriteDiff(keys.AccountDiff(address, block), SlimAccount.Encode(change.Old));
            if (change.StorageWiped) WipeSlots(block, change, history);
            else WriteSlots(block, change, history);
        }

        foreach (var (hash, code) in changes.Source.Code)
        {
            SealedValue.Put(batch, StateKeys.Code(hash), code);
        }

        var record = history
            ? new BlockRecord(blockHash, changes.Root, [.. changes.Source.Accounts.Keys], _changedSlots)
            : new BlockRecord(blockHash, changes.Root, [], []);
        record.Write(batch, keys, block);
    }

    public void WriteAccount(in Address address, Account? account)
    {
        var key = keys.Account(address);
        if (account is null) batch.Delete(key);
        else SealedValue.Put(batch, key, SlimAccount.Encode(account));
    }

    public void WriteSlot(in Address address, in UInt256 slot, in UInt256 value)
    {
        var key = keys.Slot(address, slot);
        if (value.IsZero) batch.Delete(key);
        else SealedValue.Put(batch, key, value.ToMinimalBigEndian());
    }

    private void WriteSlots(ulong block, AccountChange change, bool history)
    {
        foreach (var (slot, (old, value)) in change.Storage)
        {
            WriteSlot(change.Address, slot, value);
            if (history) WriteSlotDiff(block, change.Address, slot, old.ToMinimalBigEndian());
        }
    }

    private void WipeSlots(ulong block, AccountChange change, bool history)
    {
        var stored = new HashSet<UInt256>();
        foreach (var (key, value) in store.Scan(keys.Slots(change.Address)))
        {
            var slot = keys.SlotOf(key);
            stored.Add(slot);
            if (history) WriteSlotDiff(block, change.Address, slot, SealedValue.Open(key, value));
            batch.Delete(key);
        }

        foreach (var (slot, (_, value)) in change.Storage)
        {
            if (value.IsZero) continue;
            WriteSlot(change.Address, slot, value);
            if (history && !stored.Contains(slot)) WriteSlotDiff(block, change.Address, slot, []);
        }
    }

    private void WriteSlotDiff(ulong block, in Address address, in UInt256 slot, ReadOnlySpan<byte> old)
    {
        _changedSlots.Add(new SlotKey(address, slot));
        WriteDiff(keys.SlotDiff(address, slot, block), old);
    }

    private void WriteDiff(byte[] key, ReadOnlySpan<byte> old) => SealedValue.Put(batch, key, old);
}
