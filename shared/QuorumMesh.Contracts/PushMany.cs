using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace QuorumMesh.Contracts;

/// <summary>
/// Several pushes in one request between managers of ours, <c>POST /quorummesh/pushes</c>: of each payload its length (four bytes,
/// big-endian) and its bytes as <c>/push</c> would have them. The answer, 200, has for each the status that <c>/push</c> would have given
/// (two bytes, big-endian), in the same order, when those that it says are stored are.
/// </summary>
public static class PushMany
{
    /// <summary>The route.</summary>
    public const string Path = "quorummesh/pushes";

    /// <summary>Payloads in one request.</summary>
    public const int MaxPayloads = 256;

    private const int LengthSize = 4;
    private const int StatusSize = 2;

    /// <summary>A request's body.</summary>
    public static byte[] Write(IReadOnlyList<ReadOnlySequence<byte>> payloads)
    {
        var body = new byte[payloads.Sum(p => LengthSize + p.Length)];
        var rest = body.AsSpan();
        foreach (var payload in payloads)
        {
            BinaryPrimitives.WriteInt32BigEndian(rest, (int)payload.Length);
            payload.CopyTo(rest[LengthSize..]);
            rest = rest[(LengthSize + (int)payload.Length)..];
        }

        return body;
    }

    /// <returns>The payloads, which are parts of the body.</returns>
    /// <exception cref="WireFormatException">It is none, or has more than <see cref="MaxPayloads"/>.</exception>
    public static List<ReadOnlyMemory<byte>> Read(ReadOnlyMemory<byte> body)
    {
        var payloads = new List<ReadOnlyMemory<byte>>();
        var whole = body.Length;
        while (!body.IsEmpty)
        {
            var at = whole - body.Length;
            var length = body.Length < LengthSize ? -1 : BinaryPrimitives.ReadInt32BigEndian(body.Span);
            if (length < 0 || length > body.Length - LengthSize)
                throw new WireFormatException("a payload is longer than what is left of the body", at);
            if (payloads.Count == MaxPayloads)
                throw new WireFormatException($"the body has more than {MaxPayloads} payloads", at);
            payloads.Add(body.Slice(LengthSize, length));
            body = body[(LengthSize + length)..];
        }

        return payloads;
    }

    /// <summary>An answer's body.</summary>
    public static byte[] WriteStatuses(IReadOnlyList<int> statuses)
    {
        var body = new byte[StatusSize * statuses.Count];
        for (var i = 0; i < statuses.Count; i++)
            BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(StatusSize * i), (ushort)statuses[i]);
        return body;
    }

    /// <returns>False for what does not answer so many payloads.</returns>
    public static bool TryReadStatuses(ReadOnlySpan<byte> body, int count, [NotNullWhen(true)] out int[]? statuses)
    {
        statuses = body.Length == StatusSize * count ? new int[count] : null;
        for (var i = 0; i < statuses?.Length; i++)
            statuses[i] = BinaryPrimitives.ReadUInt16BigEndian(body[(StatusSize * i)..]);
        return statuses is not null;
    }
}
