using System.Runtime.InteropServices;
using QuorumMesh.Primitives;

namespace QuorumMesh.State;

public sealed partial class WorldState
{
    private readonly Dictionary<SlotKey, UInt256> _transient = [];

    public UInt256 GetStorage(in Address a, in UInt256 slot)
    {
        var entry = Load(a);
        return entry.Exists ? Slot(entry, slot).Current : UInt256.Zero;
    }

    public UInt256 GetCommittedStorage(in Address a, in UInt256 slot)
    {
        var entry = Load(a);
        return entry.Exists ? Slot(entry, slot).Committed : UInt256.Zero;
    }

    public bool HasStorage(in Address a)
    {
        var entry = Load(a);
        if (entry.HasOriginStorage) return true;
        return entry.Exists && entry.Slots is { } slots && slots.Values.Any(s => !s.Committed.IsZero);
    }

    public void SetStorage(in Address a, in UInt256 slot, in UInt256 value)
    {
        var entry = LoadOrCreate(a);
        ref var current = ref Slot(entry, slot);
        if (current.Current == value) return;
        Record(new JournalEntry { Kind = JournalKind.Storage, Account = entry, Key = new SlotKey(a, slot), Value = current.Current });
        current.Current = value;
    }

    public UInt256 GetTransient(in Address a, in UInt256 slot) =>
        _transient.TryGetValue(new SlotKey(a, slot), out var value) ? value : UInt256.Zero;

    public void SetTransient(in Address a, in UInt256 slot, in UInt256 value)
    {
        ref var current = ref CollectionsMarshal.GetValueRefOrAddDefault(_transient, new SlotKey(a, slot), out _);
        if (current == value) return;
        Record(new JournalEntry { Kind = JournalKind.Transient, Key = new SlotKey(a, slot), Value = current });
        current = value;
    }

    /// <summary>The reference is good until the next slot of the same account is loaded.</summary>
    private ref SlotEntry Slot(AccountEntry entry, in UInt256 slot)
    {
        entry.Slots ??= [];
        ref var loaded = ref CollectionsMarshal.GetValueRefOrAddDefault(entry.Slots, slot, out var present);
        if (!present && entry.HasOriginStorage)
        {
            var origin = _parent.GetStorage(entry.Address, slot);
            loaded.Origin = loaded.Committed = loaded.Current = origin;
        }

        return ref loaded;
    }
}
