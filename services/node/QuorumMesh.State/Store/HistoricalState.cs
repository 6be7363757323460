using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>
/// The state after a past block: the first reverse diff of a key after that block holds its value then; without one, the flat table
/// does.
/// </summary>
internal sealed class HistoricalState : IStateReader, IStorageRootSource
{
    private readonly IKeyValueReader _snapshot;
    private readonly StateKeys _keys;
    private readonly bool _isHead;

    public HistoricalState(IKeyValueReader snapshot, StateKeys keys, ulong block)
    {
        _snapshot = snapshot;
        _keys = keys;
        Block = block;
        // By the snapshot's own head row: the store's may have moved on since the snapshot was taken.
        _isHead = CheckKept(snapshot, keys, block);
    }

    public ulong Block { get; }

    /// <summary>Gives storage roots after changes; null where none are asked for.</summary>
    public Func<AccountChange, Hash256>? StorageRoots { private get; init; }

    /// <returns>True when the block is the head.</returns>
    public static bool CheckKept(IKeyValueReader snapshot, StateKeys keys, ulong block)
    {
        if (StateHead.Read(snapshot, keys) is not { } head)
            throw new StateUnavailableException($"the state of block {block} is not available: no block is stored yet");
        if (block > head.Block)
            throw new StateUnavailableException($"the state of block {block} is not available yet: the head is block {head.Block}");
        var oldest = StateHead.ReadOldest(snapshot, keys);
        if (block < oldest)
            throw new StateUnavailableException($"the state of block {block} is not kept: the oldest one is of block {oldest}");
        return block == head.Block;
    }

    // A diff at block n holds the value before n. So the first one above the asked block holds the value after it, and a key
    // without one has not changed since.
    public Account? GetAccount(in Address a)
    {
        if (!_isHead && FirstAfter(_keys.AccountDiffs(a), _keys.AccountDiff(a, Block + 1)) is { } diff)
            return SlimAccount.Decode(SealedValue.Open(diff.Key, diff.Value));
        return FlatState.Account(_snapshot, _keys, a);
    }

    public UInt256 GetStorage(in Address a, in UInt256 slot)
    {
        if (!_isHead && FirstAfter(_keys.SlotDiffs(a, slot), _keys.SlotDiff(a, slot, Block + 1)) is { } diff)
            return UInt256.FromBigEndian(SealedValue.Open(diff.Key, diff.Value));
        return FlatState.Slot(_snapshot, _keys, a, slot);
    }

    public byte[]? GetCode(in Hash256 codeHash) => FlatState.Code(_snapshot, codeHash);

    /// <inheritdoc/>
    public Hash256 StorageRootAfter(AccountChange change)
    {
        if (change.Storage.Count == 0 && !change.StorageWiped) return change.Old?.StorageRoot ?? Hash256.EmptyTrie;
        return StorageRoots?.Invoke(change) ?? throw new InvalidOperationException("this state gives no storage roots");
    }

    private KeyValuePair<byte[], byte[]>? FirstAfter(byte[] prefix, byte[] from)
    {
        // Keys end with the block, big endian, so the first of the scan is the nearest above.
        foreach (var entry in _snapshot.Scan(prefix, from))
            return entry;
        return null;
    }
}
