using System.Buffers;
using System.Net;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>A body in pieces, which are sent as they stand: none of them is copied to make one of them all.</summary>
internal sealed class SequenceContent(ReadOnlySequence<byte> body) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancel)
    {
        foreach (var piece in body)
            await stream.WriteAsync(piece, cancel).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
