using System.Buffers;
using System.Buffers.Binary;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>/raft/stream/message: u64 length ‖ raftpb.Message. The link heartbeat is a Heartbeat without sender and receiver.</summary>
internal sealed class MessageStreamEncoder : IRaftStreamEncoder
{
    private static readonly RaftMessage LinkHeartbeat = new() { Type = RaftMessageType.Heartbeat };

    public void Write(RaftMessage message, IBufferWriter<byte> output) => WriteFrame(message, output);

    public void WriteLinkHeartbeat(IBufferWriter<byte> output) => WriteFrame(LinkHeartbeat, output);

    public static void WriteFrame(RaftMessage message, IBufferWriter<byte> output)
    {
        var size = RaftWire.SizeOf(message);
        var span = output.GetSpan(8 + size);
        BinaryPrimitives.WriteUInt64BigEndian(span, (ulong)size);
        RaftWire.Encode(message, span.Slice(8, size));
        output.Advance(8 + size);
    }
}

internal sealed class MessageStreamDecoder(RaftFrameReader reader) : IRaftStreamDecoder
{
    public async ValueTask<RaftMessage?> ReadAsync(CancellationToken cancel)
    {
        var message = RaftWire.DecodeMessage(await reader.BodyAsync(cancel).ConfigureAwait(false));
        return message is { Type: RaftMessageType.Heartbeat, From: 0, To: 0 } ? null : message;
    }
}
