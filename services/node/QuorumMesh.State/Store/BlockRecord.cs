using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Store;

/// <summary>Per block: its hash, the state root after it, and which keys it changed (those have a reverse diff).</summary>
internal sealed record BlockRecord(Hash256 BlockHash, Hash256 Root, IReadOnlyList<Address> Accounts, IReadOnlyList<SlotKey> Slots)
{
    private const int HeaderSize = 2 * Hash256.Size + 4;
    private const int SlotSize = Address.Size + 32;

    public static BlockRecord? Read(IKeyValueReader reader, StateKeys keys, ulong block)
    {
        var key = keys.Block(block);
        return reader.Get(key) is { } stored ? Decode(key, SealedValue.Open(key, stored)) : null;
    }

    // Diffs are keyed by account and slot, so that a read at a past block finds them by one seek. Without this list nobody could
    // find the diffs of one block again, to prune them or to go back.
    public void Write(KeyValueBatch batch, StateKeys keys, ulong block)
    {
        var value = new byte[HeaderSize + Accounts.Count * Address.Size + Slots.Count * SlotSize];
        BlockHash.CopyTo(value);
        Root.CopyTo(value.AsSpan(Hash256.Size));
        BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(2 * Hash256.Size), Accounts.Count);
        var at = HeaderSize;
        foreach (var account in Accounts)
        {
            account.CopyTo(value.AsSpan(at));
            at += Address.Size;
        }

        foreach (var slot in Slots)
        {
            slot.Address.CopyTo(value.AsSpan(at));
            slot.Slot.WriteBigEndian(value.AsSpan(at + Address.Size, 32));
            at += SlotSize;
        }

        SealedValue.Put(batch, keys.Block(block), value);
    }

    private static BlockRecord Decode(byte[] key, ReadOnlySpan<byte> value)
    {
        var count = value.Length < HeaderSize ? -1 : BinaryPrimitives.ReadInt32BigEndian(value[(2 * Hash256.Size)..]);
        var slotBytes = value.Length - HeaderSize - (long)count * Address.Size;
        if (count < 0 || slotBytes < 0 || slotBytes % SlotSize != 0)
            throw new StateCorruptException($"the block record at key {Convert.ToHexStringLower(key)} has an impossible length");

        var accounts = new Address[count];
        for (var i = 0; i < count; i++)
            accounts[i] = new Address(value.Slice(HeaderSize + i * Address.Size, Address.Size));
        var rest = value[(HeaderSize + count * Address.Size)..];
        var slots = new SlotKey[rest.Length / SlotSize];
        for (var i = 0; i < slots.Length; i++)
            slots[i] = new SlotKey(new Address(rest.Slice(i * SlotSize, Address.Size)),
                UInt256.FromBigEndian(rest.Slice(i * SlotSize + Address.Size, 32)));
        return new BlockRecord(new Hash256(value[..Hash256.Size]), new Hash256(value.Slice(Hash256.Size, Hash256.Size)), accounts, slots);
    }
}
