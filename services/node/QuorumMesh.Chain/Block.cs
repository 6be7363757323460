using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>A header with its transactions. GoQuorum chains have no uncles.</summary>
public sealed record Block(BlockHeader Header, IReadOnlyList<Transaction> Transactions)
{
    /// <summary>The header's hash, which under Istanbul leaves the committed seals out.</summary>
    public Hash256 Hash => Header.Hash;

    /// <summary>The header's number.</summary>
    public ulong Number => Header.Number;

    /// <summary>[header, transactions, uncles], as exported, stored in Raft entries and sent by NewBlock.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        Write(writer);
        return writer.ToArray();
    }

    /// <summary>As <see cref="Encode"/>, into a writer.</summary>
    public void Write(RlpWriter writer)
    {
        var mark = writer.BeginList();
        Header.Write(writer);
        WriteBodyItems(writer, Transactions);
        writer.EndList(mark);
    }

    /// <summary>[transactions, uncles], as BlockBodies carries it.</summary>
    public byte[] EncodeBody() => EncodeBody(Transactions);

    /// <summary>[transactions, uncles] of a block that is not there as a whole.</summary>
    public static byte[] EncodeBody(IReadOnlyList<Transaction> transactions)
    {
        var writer = new RlpWriter();
        WriteBody(writer, transactions);
        return writer.ToArray();
    }

    /// <summary>As <see cref="EncodeBody()"/>, into a writer.</summary>
    public void WriteBody(RlpWriter writer) => WriteBody(writer, Transactions);

    private static void WriteBody(RlpWriter writer, IReadOnlyList<Transaction> transactions)
    {
        var mark = writer.BeginList();
        WriteBodyItems(writer, transactions);
        writer.EndList(mark);
    }

    /// <exception cref="FormatException">Not a canonical block, or one with uncles.</exception>
    public static Block Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var block = Decode(ref reader);
        reader.ExpectEnd();
        return block;
    }

    /// <summary>The next item of a reader.</summary>
    public static Block Decode(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var header = BlockHeader.Decode(ref list);
        var transactions = ReadBodyItems(ref list);
        list.ExpectEnd();
        return new Block(header, transactions);
    }

    /// <summary>Reads what <see cref="EncodeBody()"/> writes. Throws <see cref="FormatException"/>.</summary>
    public static IReadOnlyList<Transaction> DecodeBody(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var transactions = DecodeBody(ref reader);
        reader.ExpectEnd();
        return transactions;
    }

    /// <summary>The next item of a reader. Throws <see cref="FormatException"/>.</summary>
    public static IReadOnlyList<Transaction> DecodeBody(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var transactions = ReadBodyItems(ref list);
        list.ExpectEnd();
        return transactions;
    }

    private static void WriteBodyItems(RlpWriter writer, IReadOnlyList<Transaction> transactions)
    {
        var mark = writer.BeginList();
        foreach (var tx in transactions)
            tx.WriteItem(writer);
        writer.EndList(mark);
        writer.WriteEmptyList();
    }

    private static List<Transaction> ReadBodyItems(ref RlpReader list)
    {
        var transactions = new List<Transaction>();
        for (var items = list.ReadList(); !items.End;)
            transactions.Add(Transaction.DecodeItem(ref items));
        var uncles = list.ReadList();
        if (!uncles.End)
            throw new FormatException("a block with uncles is not valid on a Quorum chain");
        return transactions;
    }
}
