using QuorumMesh.Primitives;

namespace QuorumMesh.State.Store;

public sealed partial class StateStore
{
    /// <summary>Keys of one read: several reads for each core of a block's keys.</summary>
    private const int KeysOfARead = 128;

    /// <summary>Fewer are as well read one by one, when they are asked for.</summary>
    private const int KeysWorthReadingAhead = 8;

    /// <summary>
    /// Reads accounts and slots that are about to be asked for into the head's caches, as many at a time as the store gives together, on
    /// the cores that the state has. No read gives another value for it, and what is damaged is left to the read that needs it. For the
    /// writer. At most a quarter of what the caches hold, so that nothing that was read goes again before its use.
    /// </summary>
    public void ReadAhead(IEnumerable<Address> accounts, IEnumerable<(Address Address, UInt256 Slot)> slots)
    {
        var most = _options.FlatCacheEntries / 4;
        var addresses = accounts.Where(a => !_accountCache.TryGet(a, out _)).Distinct().Take(most).ToArray();
        var places = slots.Select(static s => new SlotKey(s.Address, s.Slot)).Where(s => !_slotCache.TryGet(s, out _)).Distinct().Take(most)
            .ToArray();
        if (addresses.Length + places.Length < KeysWorthReadingAhead) return;
        ReadAccounts(addresses);
        ReadSlots(places);
    }

    private void ReadAccounts(Address[] addresses)
    {
        var read = new (bool IsGood, Account? Account)[addresses.Length];
        ReadInParts(addresses.Length, i => _keys.Account(addresses[i]),
            (i, key, stored) => read[i] = Opened(key, stored, SlimAccount.Decode));
        for (var i = 0; i < read.Length; i++)
        {
            if (read[i].IsGood) _accountCache.Set(addresses[i], read[i].Account);
        }
    }

    private void ReadSlots(SlotKey[] places)
    {
        var read = new (bool IsGood, UInt256 Value)[places.Length];
        ReadInParts(places.Length, i => _keys.Slot(places[i].Address, places[i].Slot),
            (i, key, stored) => read[i] = Opened(key, stored, UInt256.FromBigEndian));
        for (var i = 0; i < read.Length; i++)
        {
            if (read[i].IsGood) _slotCache.Set(places[i], read[i].Value);
        }
    }

    /// <param name="take">From any thread, each index once; the value is null where the key is absent.</param>
    private void ReadInParts(int count, Func<int, byte[]> keyOf, Action<int, byte[], byte[]?> take)
    {
        var parts = (count + KeysOfARead - 1) / KeysOfARead;
        if (_options.SplitWork is { } split && parts > 1) split(parts, ReadPart);
        else for (var part = 0; part < parts; part++) ReadPart(part);

        void ReadPart(int part)
        {
            var first = part * KeysOfARead;
            var keys = new byte[Math.Min(KeysOfARead, count - first)][];
            for (var i = 0; i < keys.Length; i++) keys[i] = keyOf(first + i);
            var values = _store.GetMany(keys);
            for (var i = 0; i < keys.Length; i++) take(first + i, keys[i], values[i]);
        }
    }

    private delegate T Decoder<out T>(ReadOnlySpan<byte> value);

    private static (bool IsGood, T? Value) Opened<T>(byte[] key, byte[]? stored, Decoder<T> decode)
    {
        if (stored is null) return (true, default);
        try
        {
            return (true, decode(SealedValue.Open(key, stored)));
        }
        catch (StateCorruptException)
        {
            return (false, default);
        }
    }
}
