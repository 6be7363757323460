using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// A block of a log entry without transactions that its receiver holds: RLP <c>[digest, header, [item, …]]</c>. An item of 32 bytes is
/// the hash of a transaction, every other one a transaction as the block has it. The digest is Keccak-256 of the entry's data, so that
/// what is put together is that data, byte for byte, or nothing. Ours alone: between members that have agreed on it.
/// </summary>
public sealed class CompactBlock
{
    /// <summary>Bytes of a hash as an item.</summary>
    private const int HashItem = 1 + Hash256.Size;

    /// <summary>Of two lists, each with a header of up to five bytes.</summary>
    private const int Slack = 10;

    private readonly ReadOnlyMemory<byte> _form;
    private readonly Hash256 _digest;
    private readonly Range _header;
    private readonly Range _items;

    private CompactBlock(ReadOnlyMemory<byte> form, in Hash256 digest, Range header, Range items, List<Hash256> named) =>
        (_form, _digest, _header, _items, Named) = (form, digest, header, items, named);

    /// <summary>Hashes of the transactions that are left out, in the block's order.</summary>
    public IReadOnlyList<Hash256> Named { get; }

    /// <param name="form">Not to be changed while this is in use.</param>
    /// <exception cref="FormatException">Not of the form.</exception>
    public static CompactBlock Decode(ReadOnlyMemory<byte> form)
    {
        var reader = new RlpReader(form.Span);
        var parts = reader.ReadList();
        reader.ExpectEnd();
        var digest = parts.ReadHash256();
        var start = parts.Position;
        parts.Skip();
        var header = start..parts.Position;
        var list = parts.ReadList();
        parts.ExpectEnd();
        var items = list.Position..(list.Position + list.Remaining);
        var named = new List<Hash256>();
        while (!list.End)
            if (IsHash(list.ReadRaw(), out var hash)) named.Add(hash);
        return new CompactBlock(form, digest, header, items, named);
    }

    /// <summary>The entry's data, in an array of its own.</summary>
    /// <param name="transactions">For each of <see cref="Named"/> the consensus form: an RLP list, or type and payload (EIP-2718).</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <exception cref="RaftFormatException">It is longer, or not what the sender has.</exception>
    public byte[] Rebuild(IReadOnlyList<ReadOnlyMemory<byte>> transactions, int most)
    {
        if (transactions.Count != Named.Count)
            throw new ArgumentException($"{Named.Count} transactions are left out, not {transactions.Count}.", nameof(transactions));
        // Before anything is put together: a short form may name the same large transaction many times.
        var size = LeastSize(transactions);
        if (size > most) throw new RaftFormatException($"a compact block of {size} bytes; at most {most}");
        var data = Write(transactions, (int)size + Slack);
        return data.Length <= most && Keccak.Hash(data) == _digest ? data
            : throw new RaftFormatException("what was made of a compact block is not what its sender has");
    }

    /// <summary>What goes is the digest and the hashes, what comes the transactions; headers differ by a little.</summary>
    private long LeastSize(IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        long size = _form.Length - (HashItem * (1L + Named.Count)) - Slack;
        foreach (var transaction in transactions) size += transaction.Length;
        return Math.Max(0, size);
    }

    private byte[] Write(IReadOnlyList<ReadOnlyMemory<byte>> transactions, int capacity)
    {
        var writer = new RlpWriter(capacity);
        var block = writer.BeginList();
        writer.WriteRaw(_form.Span[_header]);
        var items = writer.BeginList();
        var next = 0;
        for (var list = new RlpReader(_form.Span[_items]); !list.End;)
        {
            var item = list.ReadRaw();
            if (IsHash(item, out _)) WriteItem(writer, transactions[next++].Span);
            else writer.WriteRaw(item);
        }
        writer.EndList(items);
        writer.WriteEmptyList();
        writer.EndList(block);
        return writer.ToArray();
    }

    /// <summary>As a block has it: what is no list stands in a string.</summary>
    private static void WriteItem(RlpWriter writer, ReadOnlySpan<byte> transaction)
    {
        if (transaction.Length > 0 && transaction[0] >= 0xc0) writer.WriteRaw(transaction);
        else writer.Write(transaction);
    }

    private static bool IsHash(ReadOnlySpan<byte> item, out Hash256 hash)
    {
        const byte stringOf32 = 0x80 + Hash256.Size;
        var isHash = item.Length == HashItem && item[0] == stringOf32;
        hash = isHash ? new Hash256(item[1..]) : default;
        return isHash;
    }
}
