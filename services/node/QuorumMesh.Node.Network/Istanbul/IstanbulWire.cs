using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Istanbul;

/// <summary>
/// How a consensus message stands in the payload of its code: IBFT's is an RLP byte string that holds the message's RLP, QBFT's is the RLP
/// itself (24:eth/quorum_protocol.go).
/// </summary>
internal static class IstanbulWire
{
    /// <summary>Longest message, GoQuorum's protocolMaxMsgSize.</summary>
    public const int MaxBytes = 10 * 1024 * 1024;

    private const int LongestHeader = 9;

    /// <summary>What <see cref="Unwrap"/> takes again, and nothing else: what was heard of one peer can be passed on.</summary>
    /// <returns>False when peers would not take it: it is too long for them, or the code is none of consensus.</returns>
    public static bool TryWrap(int code, ReadOnlyMemory<byte> message, out ReadOnlyMemory<byte> payload)
    {
        payload = message;
        if (code is < IstanbulCode.Ibft or > IstanbulCode.QbftLast || message.Length > MaxBytes) return false;
        if (code == IstanbulCode.Ibft)
        {
            var writer = new RlpWriter(message.Length + LongestHeader);
            writer.Write(message.Span);
            payload = writer.ToArray();
        }
        return payload.Length <= MaxBytes;
    }

    /// <summary>A slice of the payload, not a copy.</summary>
    /// <exception cref="FormatException">Not exactly one RLP item of the form that the code has, or too long.</exception>
    public static ReadOnlyMemory<byte> Unwrap(int code, ReadOnlyMemory<byte> payload)
    {
        if (payload.Length > MaxBytes)
            throw new FormatException($"A consensus message has {payload.Length} bytes, more than {MaxBytes}.");
        if (code == IstanbulCode.Ibft)
        {
            var outer = new RlpReader(payload.Span);
            int length = outer.ReadBytes().Length;
            outer.ExpectEnd();
            payload = payload[^length..];
        }
        var message = new RlpReader(payload.Span);
        message.ReadList();
        message.ExpectEnd();
        return payload;
    }
}
