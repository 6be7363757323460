using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

public sealed partial class StateStore
{
    /// <summary>Every account after a kept block, by address.</summary>
    /// <exception cref="StateUnavailableException">The block is above the snapshot's head or no longer kept.</exception>
    public IEnumerable<(Address Address, Account Account)> Accounts(IKeyValueReader snapshot, ulong block)
    {
        var head = HistoricalState.CheckKept(snapshot, _keys, block);
        var flat = Open(snapshot.Scan(_keys.AllAccounts), key => _keys.AddressOf(key));
        var values = head ? flat : Overlay(flat, FirstAfter(snapshot.Scan(_keys.AllAccountDiffs), block, key => _keys.AddressOf(key)));
        return values.Where(e => e.Value.Length > 0).Select(e => (e.Key, SlimAccount.Decode(e.Value)!.Value));
    }

    /// <summary>Every non-zero slot of an account after a kept block, by slot.</summary>
    /// <exception cref="StateUnavailableException">The block is above the snapshot's head or no longer kept.</exception>
    public IEnumerable<(UInt256 Slot, UInt256 Value)> Storage(IKeyValueReader snapshot, ulong block, Address address)
    {
        var head = HistoricalState.CheckKept(snapshot, _keys, block);
        var flat = Open(snapshot.Scan(_keys.Slots(address)), key => _keys.SlotOf(key));
        var values = head ? flat : Overlay(flat, FirstAfter(snapshot.Scan(_keys.AllSlotDiffs(address)), block, key => _keys.SlotOf(key)));
        return values.Where(e => e.Value.Length > 0).Select(e => (e.Key, UInt256.FromBigEndian(e.Value)));
    }

    private static IEnumerable<(TKey Key, byte[] Value)> Open<TKey>(IEnumerable<KeyValuePair<byte[], byte[]>> entries,
        Func<byte[], TKey> keyOf)
    {
        foreach (var (key, stored) in entries)
            yield return (keyOf(key), SealedValue.Open(key, stored).ToArray());
    }

    /// <summary>Of each key's diffs, which come in block order, the first one after the block.</summary>
    private static IEnumerable<(TKey Key, byte[] Value)> FirstAfter<TKey>(
        IEnumerable<KeyValuePair<byte[], byte[]>> diffs, ulong block, Func<byte[], TKey> keyOf)
        where TKey : struct, IEquatable<TKey>
    {
        TKey? last = null;
        foreach (var (key, stored) in diffs)
        {
            if (StateKeys.BlockOf(key) <= block) continue;
            var of = keyOf(key);
            if (last is { } same && same.Equals(of)) continue;
            last = of;
            yield return (of, SealedValue.Open(key, stored).ToArray());
        }
    }

    /// <summary>Merges two ascending sequences; where both have a key, the second wins.</summary>
    private static IEnumerable<(TKey Key, byte[] Value)> Overlay<TKey>(
        IEnumerable<(TKey Key, byte[] Value)> below, IEnumerable<(TKey Key, byte[] Value)> above)
        where TKey : IComparable<TKey>
    {
        using var upper = above.GetEnumerator();
        var hasUpper = upper.MoveNext();
        foreach (var entry in below)
        {
            while (hasUpper && upper.Current.Key.CompareTo(entry.Key) < 0)
            {
                yield return upper.Current;
                hasUpper = upper.MoveNext();
            }

            if (hasUpper && upper.Current.Key.CompareTo(entry.Key) == 0) continue;
            yield return entry;
        }

        for (; hasUpper; hasUpper = upper.MoveNext())
            yield return upper.Current;
    }
}
