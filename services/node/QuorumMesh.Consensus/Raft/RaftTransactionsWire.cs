using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// What a member asks for that lacks transactions of a <see cref="CompactBlock"/>, and the answer. The question is the hashes, one after
/// the other; the answer an RLP list of strings, the transactions' consensus forms in the order asked.
/// </summary>
public static class RaftTransactionsWire
{
    /// <summary>32 bytes for each.</summary>
    public static byte[] EncodeQuestion(IReadOnlyList<Hash256> hashes)
    {
        var question = new byte[hashes.Count * Hash256.Size];
        for (var i = 0; i < hashes.Count; i++) hashes[i].Bytes.CopyTo(question.AsSpan(i * Hash256.Size));
        return question;
    }

    /// <exception cref="RaftFormatException">No hash, or one that is cut.</exception>
    public static Hash256[] DecodeQuestion(ReadOnlySpan<byte> question)
    {
        if (question.IsEmpty || question.Length % Hash256.Size != 0)
            throw new RaftFormatException($"hashes of transactions are 32 bytes each, and {question.Length} came");
        var hashes = new Hash256[question.Length / Hash256.Size];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = new Hash256(question.Slice(i * Hash256.Size, Hash256.Size));
        return hashes;
    }

    /// <param name="transactions">All that were asked for.</param>
    public static byte[] EncodeAnswer(IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        foreach (var transaction in transactions) writer.Write(transaction.Span);
        writer.EndList(mark);
        return writer.ToArray();
    }

    /// <param name="count">How many were asked for.</param>
    /// <returns>Slices of the answer.</returns>
    /// <exception cref="FormatException">Not of the form, or of another number.</exception>
    public static ReadOnlyMemory<byte>[] DecodeAnswer(ReadOnlyMemory<byte> answer, int count)
    {
        var reader = new RlpReader(answer.Span);
        var list = reader.ReadList();
        reader.ExpectEnd();
        var transactions = new ReadOnlyMemory<byte>[count];
        for (var i = 0; i < count; i++)
        {
            var length = list.ReadBytes().Length;
            transactions[i] = answer.Slice(list.Position - length, length);
        }
        list.ExpectEnd();
        return transactions;
    }
}
