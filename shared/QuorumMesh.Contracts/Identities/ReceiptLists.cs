using System.Buffers.Binary;

namespace QuorumMesh.Contracts.Identities;

/// <summary>
/// How a sender gets its receipts, behind the pushes that they are of: <c>POST /quorummesh/receipts</c> with the name under which it
/// pushed, 32 random bytes that nobody else knows. The answer, 200, has lists of receipts (<see cref="DeliveryReceipts"/>), each behind
/// its length (four bytes, big-endian); it is empty when there are no more.
/// </summary>
public static class ReceiptLists
{
    /// <summary>The route.</summary>
    public const string Path = "quorummesh/receipts";

    /// <summary>Bytes of a sender's name.</summary>
    public const int NameSize = 32;

    /// <summary>Lists of one answer.</summary>
    public const int MaxLists = 16;

    private const int LengthSize = 4;

    /// <summary>An answer's body.</summary>
    public static byte[] Write(IReadOnlyList<byte[]> lists)
    {
        var body = new byte[lists.Sum(l => LengthSize + l.Length)];
        var rest = body.AsSpan();
        foreach (var list in lists)
        {
            BinaryPrimitives.WriteInt32BigEndian(rest, list.Length);
            list.CopyTo(rest[LengthSize..]);
            rest = rest[(LengthSize + list.Length)..];
        }

        return body;
    }

    /// <exception cref="WireFormatException">It is none, or has more than <see cref="MaxLists"/>.</exception>
    public static List<byte[]> Read(ReadOnlySpan<byte> body)
    {
        var lists = new List<byte[]>();
        var whole = body.Length;
        while (!body.IsEmpty)
        {
            var at = whole - body.Length;
            var length = body.Length < LengthSize ? -1 : BinaryPrimitives.ReadInt32BigEndian(body);
            if (length < 0 || length > body.Length - LengthSize)
                throw new WireFormatException("a list is longer than what is left of the body", at);
            if (lists.Count == MaxLists)
                throw new WireFormatException($"the body has more than {MaxLists} lists", at);
            lists.Add(body.Slice(LengthSize, length).ToArray());
            body = body[(LengthSize + length)..];
        }

        return lists;
    }
}
