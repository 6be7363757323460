using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Storage;

/// <summary>A block by number and hash.</summary>
public readonly record struct BlockPointer(ulong Number, Hash256 Hash);

/// <summary>Where a transaction is in the canonical chain.</summary>
public readonly record struct TransactionLocation(ulong BlockNumber, uint Index);

/// <summary>
/// Blocks, receipts, indexes and heads over a key-value store. Writes go into the caller's batch, so that everything
/// that moves with a head moves in one step; reads take a reader, live or a snapshot. The class holds no state.
/// </summary>
public static class ChainStore
{
    /// <summary>The id of the one private state until there are several.</summary>
    public const string PrivateStateId = "private";

    /// <summary>
    /// The id of public history that is made again for private payloads that came late; nothing is stored under it at other
    /// times.
    /// </summary>
    public const string ReplayStateId = "replay";


    /// <summary>Header, body and total difficulty; not yet canonical.</summary>
    public static void PutBlock(KeyValueBatch batch, Block block, in UInt256 totalDifficulty)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        block.Header.Write(writer);
        writer.Write(totalDifficulty);
        writer.EndList(mark);
        ChainRecord.Put(batch, ChainKeys.Header(block.Hash), writer.WrittenSpan);
        writer.Clear();
        block.WriteBody(writer);
        ChainRecord.Put(batch, ChainKeys.Body(block.Hash), writer.WrittenSpan);
    }

    /// <summary>Makes a stored block canonical: number, transaction and payload indexes.</summary>
    public static void PutCanonical(KeyValueBatch batch, Block block)
    {
        ChainRecord.Put(batch, ChainKeys.Canonical(block.Number), block.Hash.ToArray());
        Span<byte> location = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(location, block.Number);
        // In the order of their keys: the store takes ascending keys faster.
        var hashes = new (Hash256 Hash, int Index)[block.Transactions.Count];
        for (var i = 0; i < hashes.Length; i++)
            hashes[i] = (block.Transactions[i].Hash, i);
        Array.Sort(hashes, static (a, b) => a.Hash.CompareTo(b.Hash));
        foreach (var (hash, i) in hashes)
        {
            BinaryPrimitives.WriteUInt32BigEndian(location[8..], (uint)i);
            ChainRecord.Put(batch, ChainKeys.TransactionLookup(hash), location);
            var tx = block.Transactions[i];
            if (tx.PayloadHash is { } payload)
                ChainRecord.Put(batch, ChainKeys.PayloadUse(payload, block.Number, (uint)i), []);
        }
    }

    /// <summary>
    /// A payload of a marker or of the private transaction in it, or of data that is no hash as it is. <see cref="PutCanonical"/> puts
    /// those of all others.
    /// </summary>
    public static void PutPayloadUse(KeyValueBatch batch, in PayloadHash payload, ulong block, uint index) =>
        ChainRecord.Put(batch, ChainKeys.PayloadUse(payload, block, index), []);

    /// <summary>Takes a block out of the canonical chain; header and body stay.</summary>
    internal static void RemoveCanonical(KeyValueBatch batch, Block block)
    {
        batch.Delete(ChainKeys.Canonical(block.Number));
        for (var i = 0; i < block.Transactions.Count; i++)
        {
            var tx = block.Transactions[i];
            batch.Delete(ChainKeys.TransactionLookup(tx.Hash));
            if (tx.PayloadHash is { } payload)
                batch.Delete(ChainKeys.PayloadUse(payload, block.Number, (uint)i));
        }
    }

    /// <summary>The public receipts, one per transaction: what the header's root is over.</summary>
    public static void PutReceipts(KeyValueBatch batch, in Hash256 blockHash, IReadOnlyList<Receipt> receipts) =>
        ChainRecord.Put(batch, ChainKeys.Receipts(blockHash), StoredReceipts.Encode(receipts));

    /// <summary>One entry per transaction, null for a public one. A block without private transactions may be left out.</summary>
    public static void PutPrivateReceipts(KeyValueBatch batch, string stateId, in Hash256 blockHash, IReadOnlyList<Receipt?> receipts) =>
        ChainRecord.Put(batch, ChainKeys.PrivateReceipts(stateId, blockHash), StoredReceipts.Encode(receipts));

    /// <summary>In the batch of all that moves with it: block, indexes, receipts, public state.</summary>
    public static void PutPublicHead(KeyValueBatch batch, BlockPointer head) => PutPointer(batch, StoredNames.PublicHead, head);

    /// <summary>Must not pass the public head.</summary>
    public static void PutPrivateHead(KeyValueBatch batch, string stateId, BlockPointer head) =>
        PutPointer(batch, StoredNames.PrivateHead + stateId, head);

    /// <summary>In the batch of the block that the entry carried: after a crash both are there, or neither, so no entry is
    /// applied twice.</summary>
    public static void PutAppliedRaftIndex(KeyValueBatch batch, ulong index)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, index);
        PutMeta(batch, StoredNames.RaftApplied, bytes);
    }

    /// <summary>A small named value beside the chain: genesis file, profile, Raft membership.</summary>
    public static void PutMeta(KeyValueBatch batch, string name, ReadOnlySpan<byte> value) =>
        ChainRecord.Put(batch, ChainKeys.Meta(name), value);

    public static ReadOnlyMemory<byte>? GetMeta(IKeyValueReader reader, string name) =>
        ChainRecord.Get(reader, ChainKeys.Meta(name), $"value '{name}'");

    /// <summary>Null before the genesis is stored.</summary>
    public static BlockPointer? GetPublicHead(IKeyValueReader reader) => GetPointer(reader, StoredNames.PublicHead);

    public static BlockPointer? GetPrivateHead(IKeyValueReader reader, string stateId = PrivateStateId) =>
        GetPointer(reader, StoredNames.PrivateHead + stateId);

    /// <summary>0 when none was ever applied.</summary>
    public static ulong GetAppliedRaftIndex(IKeyValueReader reader) =>
        GetMeta(reader, StoredNames.RaftApplied) is { Length: 8 } value ? BinaryPrimitives.ReadUInt64BigEndian(value.Span) : 0;

    /// <summary>Hash of the block of this number in the head's chain; null above the head.</summary>
    public static Hash256? GetCanonicalHash(IKeyValueReader reader, ulong number) =>
        ChainRecord.Get(reader, ChainKeys.Canonical(number), $"hash of block {number}") is { Length: Hash256.Size } value
            ? new Hash256(value.Span) : null;

    /// <summary>Null when the block is not stored. Like all reads here it throws <see cref="ChainCorruptException"/> on a damaged
    /// record.</summary>
    public static BlockHeader? GetHeader(IKeyValueReader reader, in Hash256 hash) => GetHeaderRecord(reader, hash)?.Header;

    /// <summary>Whether a block is in the chain of the head.</summary>
    public static bool IsCanonical(IKeyValueReader reader, in Hash256 hash) =>
        GetHeader(reader, hash) is { } header && GetCanonicalHash(reader, header.Number) == hash;

    public static BlockHeader? GetHeader(IKeyValueReader reader, ulong number) =>
        GetCanonicalHash(reader, number) is { } hash ? GetHeader(reader, hash) : null;

    /// <summary>The sum of the difficulties up to the block, its own included, as eth/63 and eth/64 tell it.</summary>
    public static UInt256? GetTotalDifficulty(IKeyValueReader reader, in Hash256 hash) => GetHeaderRecord(reader, hash)?.TotalDifficulty;

    /// <summary>The stored [transactions, uncles] bytes, as BlockBodies sends them.</summary>
    public static ReadOnlyMemory<byte>? GetEncodedBody(IKeyValueReader reader, in Hash256 hash) =>
        ChainRecord.Get(reader, ChainKeys.Body(hash), $"body of block {hash}");

    /// <summary>Header and body; null when either is not stored.</summary>
    public static Block? GetBlock(IKeyValueReader reader, in Hash256 hash)
    {
        if (GetHeader(reader, hash) is not { } header || GetEncodedBody(reader, hash) is not { } body)
            return null;
        return new Block(header, Decode(body.Span, $"body of block {hash}", static b => Block.DecodeBody(b)));
    }

    public static Block? GetBlock(IKeyValueReader reader, ulong number) =>
        GetCanonicalHash(reader, number) is { } hash ? GetBlock(reader, hash) : null;

    /// <summary>The public receipts; null when none are stored.</summary>
    public static IReadOnlyList<Receipt>? GetReceipts(IKeyValueReader reader, in Hash256 blockHash) =>
        ChainRecord.Get(reader, ChainKeys.Receipts(blockHash), $"receipts of block {blockHash}") is { } value
            ? [.. Decode(value.Span, $"receipts of block {blockHash}", static b => StoredReceipts.Decode(b)).Select(static r => r!)]
            : null;

    /// <summary>Null when the private side of the block was not executed, or it has no private transactions.</summary>
    public static IReadOnlyList<Receipt?>? GetPrivateReceipts(IKeyValueReader reader, string stateId, in Hash256 blockHash) =>
        ChainRecord.Get(reader, ChainKeys.PrivateReceipts(stateId, blockHash), $"private receipts of block {blockHash}") is { } value
            ? Decode(value.Span, $"private receipts of block {blockHash}", static b => StoredReceipts.Decode(b))
            : null;

    /// <summary>Null for a transaction that is in no canonical block.</summary>
    public static TransactionLocation? GetTransactionLocation(IKeyValueReader reader, in Hash256 transactionHash) =>
        ChainRecord.Get(reader, ChainKeys.TransactionLookup(transactionHash),
            $"place of transaction {transactionHash}") is { Length: 12 } value
            ? new TransactionLocation(BinaryPrimitives.ReadUInt64BigEndian(value.Span),
                BinaryPrimitives.ReadUInt32BigEndian(value.Span[8..]))
            : null;

    /// <summary>Every transaction that carries this payload hash, in chain order.</summary>
    public static IEnumerable<TransactionLocation> GetPayloadUses(IKeyValueReader reader, PayloadHash hash)
    {
        var prefix = ChainKeys.Payload(hash);
        foreach (var (key, value) in reader.Scan(prefix))
        {
            var tail = key.AsMemory(prefix.Length);
            if (ChainRecord.Check(key, value, $"use of payload {hash}").Length == 0 && tail.Length == 12)
                yield return new TransactionLocation(BinaryPrimitives.ReadUInt64BigEndian(tail.Span),
                    BinaryPrimitives.ReadUInt32BigEndian(tail.Span[8..]));
        }
    }

    private static (BlockHeader Header, UInt256 TotalDifficulty)? GetHeaderRecord(IKeyValueReader reader, in Hash256 hash)
    {
        if (ChainRecord.Get(reader, ChainKeys.Header(hash), $"header {hash}") is not { } value)
            return null;
        return Decode(value.Span, $"header {hash}", static bytes =>
        {
            var list = new RlpReader(bytes).ReadList();
            return (BlockHeader.Decode(ref list), list.ReadUInt256());
        });
    }

    private static void PutPointer(KeyValueBatch batch, string name, BlockPointer pointer)
    {
        Span<byte> bytes = stackalloc byte[8 + Hash256.Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, pointer.Number);
        pointer.Hash.CopyTo(bytes[8..]);
        PutMeta(batch, name, bytes);
    }

    private static BlockPointer? GetPointer(IKeyValueReader reader, string name) =>
        GetMeta(reader, name) is { Length: 8 + Hash256.Size } value
            ? new BlockPointer(BinaryPrimitives.ReadUInt64BigEndian(value.Span), new Hash256(value.Span[8..]))
            : null;

    private delegate T Decoder<out T>(ReadOnlySpan<byte> bytes);

    private static T Decode<T>(ReadOnlySpan<byte> bytes, string what, Decoder<T> decode)
    {
        try
        {
            return decode(bytes);
        }
        catch (FormatException e)
        {
            throw new ChainCorruptException($"the stored {what} cannot be read: {e.Message}");
        }
    }
}
