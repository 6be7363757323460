using System.Buffers;
using System.IO.Compression;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>
/// Answers in gzip for clients that ask for it (RFC 9110 §12.5.3), as GoQuorum's from 2.6 on (geth's node/rpcstack.go). A compressed
/// answer counts against the listener's budget like a plain one, which it takes the place of.
/// </summary>
internal static class GzipAnswer
{
    /// <summary>Bytes below which gzip saves nothing.</summary>
    private const int LeastSize = 512;

    /// <summary>Whether a request's Accept-Encoding names gzip, or everything, with a weight above 0.</summary>
    public static bool IsAccepted(StringValues acceptEncoding)
    {
        if (acceptEncoding.Count == 0 || !StringWithQualityHeaderValue.TryParseList(acceptEncoding, out var codings)) return false;
        var named = codings.FirstOrDefault(c => c.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase))
            ?? codings.FirstOrDefault(c => c.Value == "*");
        return named is { Quality: not 0 };
    }

    /// <returns>Null when it would not be smaller, or the budget has no room for it: the plain one goes then.</returns>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public static RpcResponse? Compress(RpcResponse plain, ByteBudget budget, CancellationToken cancellation)
    {
        if (plain.Length < LeastSize) return null;
        var packed = RpcResponse.Rent(budget);
        try
        {
            using (var gzip = new GZipStream(new Sink(packed), CompressionLevel.Fastest))
            {
                for (var at = 0; at < plain.Length; at += BoundedAnswer.Slice)
                {
                    cancellation.ThrowIfCancellationRequested();
                    gzip.Write(plain.Written.Span.Slice(at, Math.Min(BoundedAnswer.Slice, plain.Length - at)));
                }
            }
            if (packed.Length < plain.Length) return packed;
        }
        catch (RpcException)
        {
            // No room: nothing is wrong with the answer itself.
        }
        catch (OperationCanceledException)
        {
            packed.Dispose();
            throw;
        }
        packed.Dispose();
        return null;
    }

    /// <summary>Writes into an answer; neither read nor sought.</summary>
    private sealed class Sink(RpcResponse target) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => target.Length;

        public override long Position { get => target.Length; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer) => BuffersExtensions.Write(target, buffer);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
