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

    /// <exception cref="ArgumentOutOfRangeException">The code is none of consensus.</exception>
    /// <exception cref="ArgumentException">The message is longer than <see cref="MaxBytes"/>.</exception>
    public static ReadOnlyMemory<byte> Wrap(int code, ReadOnlyMemory<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, IstanbulCode.Ibft);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, IstanbulCode.QbftLast);
        if (message.Length > MaxBytes - 8)
            throw new ArgumentException($"A consensus message of {message.Length} bytes is longer than peers take.", nameof(message));
        if (code != IstanbulCode.Ibft)
            return message;
        var writer = new RlpWriter(message.Length + 8);
        writer.Write(message.Span);
        return writer.ToArray();
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
