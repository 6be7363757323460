using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>A header with its transactions. GoQuorum chains have no uncles.</summary>
public sealed record Block(BlockHeader Header, IReadOnlyList<Transaction> Transactions)
{
    public Hash256 Hash => Header.Hash;

    public ulong Number => Header.Number;

    /// <summary>What its private transactions name their payloads by, in their order; see <see cref="Transaction.PayloadHash"/>.</summary>
    public IEnumerable<PayloadHash> PayloadHashes
    {
        get
        {
            foreach (var tx in Transactions)
                if (tx.PayloadHash is { } hash) yield return hash;
        }
    }

    /// <summary>[header, transactions, uncles], as exported, stored in Raft entries and sent by NewBlock.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        Write(writer);
        return writer.ToArray();
    }

    public void Write(RlpWriter writer)
    {
        var mark = writer.BeginList();
        Header.Write(writer);
        WriteBodyItems(writer, Transactions);
        writer.EndList(mark);
    }

    /// <summary>[transactions, uncles], as BlockBodies carries it.</summary>
    public byte[] EncodeBody() => EncodeBody(Transactions);

    public static byte[] EncodeBody(IReadOnlyList<Transaction> transactions)
    {
        var writer = new RlpWriter();
        WriteBody(writer, transactions);
        return writer.ToArray();
    }

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

    public static Block Decode(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var header = BlockHeader.Decode(ref list);
        var transactions = ReadBodyItems(ref list);
        list.ExpectEnd();
        return new Block(header, transactions);
    }

    public static IReadOnlyList<Transaction> DecodeBody(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var transactions = DecodeBody(ref reader);
        reader.ExpectEnd();
        return transactions;
    }

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
