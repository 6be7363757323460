using System.Buffers.Binary;
using System.Text;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>
/// Keys of one state in the store: 'S', the state's id, 0, a kind byte, then the kind's parts. Code is shared by all states: 'C' and
/// its hash (<see cref="KeySpaces"/>).
/// </summary>
internal sealed class StateKeys
{
    private const byte AccountKind = (byte)'a';
    private const byte SlotKind = (byte)'s';
    private const byte AccountDiffKind = (byte)'A';
    private const byte SlotDiffKind = (byte)'D';
    private const byte BlockKind = (byte)'b';
    private const byte HeadKind = (byte)'h';
    private const byte OldestKind = (byte)'o';
    private const byte TrieHeadKind = (byte)'t';
    private const byte AccountNodeKind = (byte)'n';
    private const byte StorageNodeKind = (byte)'m';
    private readonly byte[] _prefix;

    public StateKeys(string id)
    {
        if (id.Length is 0 or > 64 || id.Any(c => c is <= ' ' or > '~'))
            throw new ArgumentException("a state id has 1 to 64 printable ASCII characters without spaces", nameof(id));
        Id = id;
        // The 0 ends the id, so that no state's keys are among those of one whose id only begins the same.
        _prefix = [KeySpaces.State, .. Encoding.ASCII.GetBytes(id), 0];
        Head = Start(HeadKind, 0, out _);
        Oldest = Start(OldestKind, 0, out _);
        TrieHead = Start(TrieHeadKind, 0, out _);
        AllAccounts = Start(AccountKind, 0, out _);
        AllAccountDiffs = Start(AccountDiffKind, 0, out _);
        AllSlots = Start(SlotKind, 0, out _);
        AllStorageDiffs = Start(SlotDiffKind, 0, out _);
        AllAccountNodes = Start(AccountNodeKind, 0, out _);
        AllBlocks = Start(BlockKind, 0, out _);
    }

    public string Id { get; }

    public byte[] Head { get; }

    public byte[] Oldest { get; }

    public byte[] TrieHead { get; }

    public byte[] AllAccounts { get; }

    public byte[] AllAccountDiffs { get; }

    public byte[] AllSlots { get; }

    public byte[] AllStorageDiffs { get; }

    public byte[] AllAccountNodes { get; }

    public byte[] AllBlocks { get; }

    public static byte[] Code(in Hash256 hash)
    {
        var key = new byte[1 + Hash256.Size];
        key[0] = KeySpaces.Code;
        hash.CopyTo(key.AsSpan(1));
        return key;
    }

    // By plain address and slot, not by their hashes as in geth's snapshots: a dump would need the preimages there.
    public byte[] Account(in Address a) => WithAddress(AccountKind, a, 0, out _);

    public byte[] AccountDiffs(in Address a) => WithAddress(AccountDiffKind, a, 0, out _);

    // The number comes last and big endian: a seek to the key and block + 1 gives the next diff above.
    public byte[] AccountDiff(in Address a, ulong block)
    {
        var key = WithAddress(AccountDiffKind, a, 8, out var at);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(at), block);
        return key;
    }

    public byte[] Slots(in Address a) => WithAddress(SlotKind, a, 0, out _);

    public byte[] Slot(in Address a, in UInt256 slot) => WithSlot(SlotKind, a, slot, 0, out _);

    public byte[] AllSlotDiffs(in Address a) => WithAddress(SlotDiffKind, a, 0, out _);

    public byte[] SlotDiffs(in Address a, in UInt256 slot) => WithSlot(SlotDiffKind, a, slot, 0, out _);

    public byte[] SlotDiff(in Address a, in UInt256 slot, ulong block)
    {
        var key = WithSlot(SlotDiffKind, a, slot, 8, out var at);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(at), block);
        return key;
    }

    public byte[] Block(ulong block)
    {
        var key = Start(BlockKind, 8, out var at);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(at), block);
        return key;
    }

    public byte[] StorageNodes(in Address owner) => WithAddress(StorageNodeKind, owner, 0, out _);

    /// <summary>The packed path, then its length in nibbles: neighbours in the trie are neighbours in the store.</summary>
    public byte[] Node(in TrieNodeKey node)
    {
        var packed = node.Path.PackedLength;
        int at;
        var key = node.IsStorage ? WithAddress(StorageNodeKind, node.Owner, packed + 1, out at)
            : Start(AccountNodeKind, packed + 1, out at);
        node.Path.WritePacked(key.AsSpan(at));
        // Two paths that differ by a last nibble of 0 pack to the same bytes. Only the length tells them apart.
        key[^1] = node.Path.Length;
        return key;
    }

    /// <summary>The address of any key of a kind that starts with one.</summary>
    public Address AddressOf(ReadOnlySpan<byte> key) => new(key.Slice(_prefix.Length + 1, Address.Size));

    public UInt256 SlotOf(ReadOnlySpan<byte> key) => UInt256.FromBigEndian(key.Slice(_prefix.Length + 1 + Address.Size, 32));

    /// <summary>The block at the end of a diff's or block record's key.</summary>
    public static ulong BlockOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt64BigEndian(key[^8..]);

    private byte[] WithSlot(byte kind, in Address a, in UInt256 slot, int more, out int at)
    {
        var key = WithAddress(kind, a, 32 + more, out at);
        slot.WriteBigEndian(key.AsSpan(at, 32));
        at += 32;
        return key;
    }

    private byte[] WithAddress(byte kind, in Address a, int more, out int at)
    {
        var key = Start(kind, Address.Size + more, out at);
        a.CopyTo(key.AsSpan(at));
        at += Address.Size;
        return key;
    }

    private byte[] Start(byte kind, int more, out int at)
    {
        var key = new byte[_prefix.Length + 1 + more];
        _prefix.CopyTo(key, 0);
        key[_prefix.Length] = kind;
        at = _prefix.Length + 1;
        return key;
    }
}
