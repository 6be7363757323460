using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Storage;

/// <summary>A transaction that creates a contract.</summary>
public readonly record struct Creation(Address Sender, ulong Block, bool IsPrivate);

/// <summary>How an account has made contracts, by the marks of its transactions: whether a creation succeeded does not matter.</summary>
/// <param name="FirstPrivate">Block of its first private creation; 0 when there is none.</param>
/// <param name="FirstPublic">Block of its first public creation; 0 when there is none.</param>
public readonly record struct CreationRecord(ulong FirstPrivate, ulong FirstPublic)
{
    private const int Size = 16;

    /// <summary>As of a head: what stands behind it in a store that went back does not count.</summary>
    public CreationRecord At(ulong head) => new(FirstPrivate <= head ? FirstPrivate : 0, FirstPublic <= head ? FirstPublic : 0);

    /// <exception cref="ChainCorruptException">The row is not of its length.</exception>
    public static CreationRecord Get(IKeyValueReader reader, in Address account)
    {
        if (reader.Get(Key(account)) is not { } row) return default;
        if (row.Length != Size) throw new ChainCorruptException($"the creations of {account} are stored in {row.Length} bytes");
        return new CreationRecord(BinaryPrimitives.ReadUInt64BigEndian(row), BinaryPrimitives.ReadUInt64BigEndian(row.AsSpan(8)));
    }

    /// <summary>Notes creations of one block or several. To go in the batch that moves the head, or in one of old blocks.</summary>
    /// <param name="reader">The rows as they are before the batch.</param>
    public static void Note(KeyValueBatch batch, IKeyValueReader reader, IEnumerable<Creation> creations)
    {
        foreach (var made in creations.GroupBy(c => c.Sender))
        {
            var before = Get(reader, made.Key);
            var after = made.Aggregate(before, (record, creation) => record.With(creation));
            if (after != before) batch.Put(Key(made.Key), after.Encode());
        }
    }

    /// <summary>The same with one more creation.</summary>
    public CreationRecord With(Creation creation) => creation.IsPrivate
        ? this with { FirstPrivate = First(FirstPrivate, creation.Block) } : this with { FirstPublic = First(FirstPublic, creation.Block) };

    /// <summary>The last block whose creations, with those of all before it, are noted.</summary>
    public static ulong IndexedTo(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, StoredNames.CreationsIndexed) is { Length: 8 } value
            ? BinaryPrimitives.ReadUInt64BigEndian(value.Span) : 0;

    public static void PutIndexedTo(KeyValueBatch batch, ulong block)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, block);
        ChainStore.PutMeta(batch, StoredNames.CreationsIndexed, value);
    }

    /// <summary>An earlier block stays; a later one is of a head that the store went back from.</summary>
    private static ulong First(ulong known, ulong block) => known == 0 || known > block ? block : known;

    private byte[] Encode()
    {
        var row = new byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(row, FirstPrivate);
        BinaryPrimitives.WriteUInt64BigEndian(row.AsSpan(8), FirstPublic);
        return row;
    }

    private static byte[] Key(in Address account) => [KeySpaces.Creations, .. account.ToArray()];
}
