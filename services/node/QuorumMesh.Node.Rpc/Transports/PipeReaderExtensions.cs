using System.Buffers;
using System.IO.Pipelines;

namespace QuorumMesh.Node.Rpc.Transports;

internal static class PipeReaderExtensions
{
    /// <summary>Reads everything; null when there is more than the limit. The caller advances the reader past it.</summary>
    public static async ValueTask<ReadOnlySequence<byte>?> ReadToLimitAsync(this PipeReader reader, int limit, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            if (result.Buffer.Length > limit)
            {
                reader.AdvanceTo(result.Buffer.End);
                return null;
            }
            if (result.IsCompleted) return result.Buffer;
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
