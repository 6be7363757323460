using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Eth;

/// <summary>
/// Encodings of the eth messages. Headers, bodies and transactions stay raw RLP: their meaning is the chain's. Every decoder throws
/// <see cref="FormatException"/> on anything that is not exactly one message.
/// </summary>
public static class EthMessages
{
    /// <summary>Transactions, each an RLP list or (EIP-2718) type byte and payload, which go as an RLP string.</summary>
    public static byte[] EncodeTransactions(IReadOnlyList<ReadOnlyMemory<byte>> raw)
    {
        int size = 16;
        foreach (var transaction in raw)
            size += transaction.Length + 9;
        var writer = new RlpWriter(size);
        int list = writer.BeginList();
        foreach (var transaction in raw)
        {
            if (IsTyped(transaction.Span))
                writer.Write(transaction.Span);
            else
                writer.WriteRaw(transaction.Span);
        }
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>Slices of the payload, not copies: they hold it alive.</summary>
    public static List<ReadOnlyMemory<byte>> DecodeTransactions(ReadOnlyMemory<byte> payload)
    {
        var list = OnlyList(payload.Span);
        var transactions = new List<ReadOnlyMemory<byte>>();
        while (!list.End)
        {
            if (transactions.Count == EthLimits.TransactionsPerMessage)
                throw new FormatException($"A Transactions message has more than {EthLimits.TransactionsPerMessage} items.");
            bool typed = !list.IsList;
            int start = list.Position;
            int length = typed ? list.ReadBytes().Length : list.ReadRaw().Length;
            if (typed)
                start = list.Position - length;
            if (length == 0 || typed && !IsTyped(payload.Span[start..]))
                throw new FormatException("A Transactions message has an item that is neither a list nor a typed transaction.");
            transactions.Add(payload.Slice(start, length));
        }
        return transactions;
    }

    /// <summary>[origin, amount, skip, reverse]; the origin is a hash or a number.</summary>
    public static byte[] EncodeGetHeaders(HeaderQuery query)
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        if (query.Hash is { } hash)
            writer.Write(hash);
        else
            writer.Write(query.Number);
        writer.Write((ulong)query.Amount);
        writer.Write(query.Skip);
        writer.Write(query.Reverse);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>The amount comes back capped at <see cref="EthLimits.HeadersPerReply"/>.</summary>
    public static HeaderQuery DecodeGetHeaders(ReadOnlySpan<byte> payload)
    {
        var list = OnlyList(payload);
        var origin = list.ReadBytes();
        Hash256? hash = null;
        ulong number = 0;
        if (origin.Length == Hash256.Size)
            hash = new Hash256(origin);
        else if (origin.Length <= 8 && (origin.Length == 0 || origin[0] != 0))
            foreach (byte b in origin)
                number = (number << 8) | b;
        else
            throw new FormatException($"The origin of GetBlockHeaders has {origin.Length} bytes: neither a hash nor a block number.");
        int amount = (int)Math.Min(list.ReadUInt64(), EthLimits.HeadersPerReply);
        ulong skip = list.ReadUInt64();
        bool reverse = list.ReadBool();
        list.ExpectEnd();
        return new HeaderQuery(hash, number, amount, skip, reverse);
    }

    /// <summary>A list of hashes: GetBlockBodies.</summary>
    public static byte[] EncodeHashes(IReadOnlyList<Hash256> hashes)
    {
        var writer = new RlpWriter(hashes.Count * 33 + 8);
        int list = writer.BeginList();
        foreach (var hash in hashes)
            writer.Write(hash);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>The first <paramref name="max"/> hashes; the form of the others is not looked at.</summary>
    public static List<Hash256> DecodeHashes(ReadOnlySpan<byte> payload, int max)
    {
        var list = OnlyList(payload);
        var hashes = new List<Hash256>();
        while (!list.End && hashes.Count < max)
            hashes.Add(list.ReadHash256());
        return hashes;
    }

    /// <summary>A list of raw RLP items, cut after the count or once it passes <see cref="EthLimits.ReplyBytes"/>.</summary>
    public static byte[] EncodeReply(IReadOnlyList<byte[]> items, int maxCount)
    {
        int count = 0;
        int bytes = 0;
        while (count < items.Count && count < maxCount && bytes < EthLimits.ReplyBytes)
            bytes += items[count++].Length;
        var writer = new RlpWriter(bytes + 16);
        int list = writer.BeginList();
        for (int i = 0; i < count; i++)
            writer.WriteRaw(items[i]);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>Items of a reply to a request for <paramref name="asked"/>: each a list, at most as many as asked.</summary>
    public static List<byte[]> DecodeReply(ReadOnlySpan<byte> payload, int asked)
    {
        var list = OnlyList(payload);
        var items = new List<byte[]>();
        while (!list.End)
        {
            if (items.Count == asked)
                throw new FormatException($"A reply has more than the {asked} items asked for.");
            if (!list.IsList)
                throw new FormatException("A reply has an item that is not a list.");
            items.Add(list.ReadRaw().ToArray());
        }
        return items;
    }

    /// <summary>The first <see cref="EthLimits.AnnouncementsPerMessage"/> pairs.</summary>
    public static List<(Hash256 Hash, ulong Number)> DecodeNewBlockHashes(ReadOnlySpan<byte> payload)
    {
        var list = OnlyList(payload);
        var announced = new List<(Hash256, ulong)>();
        while (!list.End && announced.Count < EthLimits.AnnouncementsPerMessage)
        {
            var pair = list.ReadList();
            announced.Add((pair.ReadHash256(), pair.ReadUInt64()));
            pair.ExpectEnd();
        }
        return announced;
    }

    /// <summary>[[hash, number]]: announces one block.</summary>
    public static byte[] EncodeNewBlockHash(in Hash256 hash, ulong number)
    {
        var writer = new RlpWriter(64);
        int list = writer.BeginList();
        int pair = writer.BeginList();
        writer.Write(hash);
        writer.Write(number);
        writer.EndList(pair);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>[block, total difficulty].</summary>
    /// <param name="block">RLP list.</param>
    public static byte[] EncodeNewBlock(ReadOnlySpan<byte> block, in UInt256 totalDifficulty)
    {
        var writer = new RlpWriter(block.Length + 48);
        int list = writer.BeginList();
        writer.WriteRaw(block);
        writer.Write(totalDifficulty);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>[id, message]: how eth/66 carries requests and replies.</summary>
    public static byte[] WithId(ulong id, ReadOnlySpan<byte> message)
    {
        var writer = new RlpWriter(message.Length + 16);
        int list = writer.BeginList();
        writer.Write(id);
        writer.WriteRaw(message);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>Takes a message out of <see cref="WithId"/>: a slice of the payload.</summary>
    public static (ulong Id, ReadOnlyMemory<byte> Message) WithoutId(ReadOnlyMemory<byte> payload)
    {
        var list = OnlyList(payload.Span);
        ulong id = list.ReadUInt64();
        int length = list.ReadRaw().Length;
        list.ExpectEnd();
        return (id, payload[^length..]);
    }

    /// <summary>The block as raw RLP, a slice of the payload.</summary>
    public static (ReadOnlyMemory<byte> Block, UInt256 TotalDifficulty) DecodeNewBlock(ReadOnlyMemory<byte> payload)
    {
        var list = OnlyList(payload.Span);
        int start = list.Position;
        if (!list.IsList)
            throw new FormatException("The block of a NewBlock message is not a list.");
        int length = list.ReadRaw().Length;
        var difficulty = list.ReadUInt256();
        list.ExpectEnd();
        return (payload.Slice(start, length), difficulty);
    }

    private static bool IsTyped(ReadOnlySpan<byte> transaction) => transaction[0] < 0x80;

    private static RlpReader OnlyList(ReadOnlySpan<byte> payload)
    {
        var outer = new RlpReader(payload);
        var list = outer.ReadList();
        outer.ExpectEnd();
        return list;
    }
}
