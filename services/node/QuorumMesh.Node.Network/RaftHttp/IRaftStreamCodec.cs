using System.Buffers;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Framing of one stream connection; keeps state from message to message.</summary>
internal interface IRaftStreamEncoder
{
    void Write(RaftMessage message, IBufferWriter<byte> output);
    void WriteLinkHeartbeat(IBufferWriter<byte> output);
}

internal interface IRaftStreamDecoder
{
    /// <summary>The next message, null for a link heartbeat.</summary>
    ValueTask<RaftMessage?> ReadAsync(CancellationToken cancel);
}
