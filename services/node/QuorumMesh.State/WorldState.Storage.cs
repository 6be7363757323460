using System.Runtime.InteropServices;
using QuorumMesh.Primitives;
using QuorumMesh.State.Journal;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    private readonly Dictionary<SlotKey, UInt256> _transient = [];

    /// <inheritdoc/>
    public UInt256 GetStorage(in Address a, in UInt256 slot)
    {
        var entry = Load(a);
        return entry.Exists ? Loaded(entry, slot).Current : UInt256.Zero;
    }

    /// <inheritdoc/>
    public UInt256 GetCommittedStorage(in Address a, in UInt256 slot)
    {
        var entry = Load(a);
        return entry.Exists ? Loaded(entry, slot).Committed : UInt256.Zero;
    }

    /// <summary>Whether the account had storage at the start of the transaction: what EIP-7610 looks at before a creation.</summary>
    public bool HasStorage(in Address a)
    {
        var entry = Load(a);
        if (entry.HasOriginStorage) return true;
        if (!entry.Exists || entry.Slots is not { } slots) return false;
        for (var i = 0; i < slots.Count; i++)
            if (!slots[i].Committed.IsZero)
                return true;
        return false;
    }

    /// <inheritdoc/>
    public void SetStorage(in Address a, in UInt256 slot, in UInt256 value)
    {
        var entry = LoadOrCreate(a);
        var slots = entry.Slots ??= new SlotTable();
        int index = slots.FindOrAdd(slot);
        ref var current = ref Loaded(entry, slots, index);
        if (current.Current == value) return;
        ref var undo = ref _journal.Add(JournalKind.Storage, entry);
        undo.SlotIndex = index;
        undo.Value = current.Current;
        current.Current = value;
    }

    /// <inheritdoc/>
    public UInt256 GetTransient(in Address a, in UInt256 slot) =>
        _transient.TryGetValue(new SlotKey(a, slot), out var value) ? value : UInt256.Zero;

    /// <inheritdoc/>
    public void SetTransient(in Address a, in UInt256 slot, in UInt256 value)
    {
        ref var current = ref CollectionsMarshal.GetValueRefOrAddDefault(_transient, new SlotKey(a, slot), out _);
        if (current == value) return;
        _journal.Add(JournalKind.Transient, null);
        _oldTransients.Push((new SlotKey(a, slot), current));
        current = value;
    }

    /// <summary>The reference is good until the next slot of the same account is added.</summary>
    private ref SlotEntry Loaded(AccountEntry entry, in UInt256 slot)
    {
        var slots = entry.Slots ??= new SlotTable();
        return ref Loaded(entry, slots, slots.FindOrAdd(slot));
    }

    private ref SlotEntry Loaded(AccountEntry entry, SlotTable slots, int index)
    {
        ref var slot = ref slots[index];
        if (slot.IsLoaded) return ref slot;
        slot.IsLoaded = true;
        if (entry.HasOriginStorage) slot.Origin = slot.Committed = slot.Current = _parent.GetStorage(entry.Address, slot.Slot);
        return ref slot;
    }
}
