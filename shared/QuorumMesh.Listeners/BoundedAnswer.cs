using Microsoft.AspNetCore.Http;

namespace QuorumMesh.Listeners;

/// <summary>
/// Sends an answer in slices, each once the one before is under way: the server's own buffers stay small however slow the client
/// reads.
/// </summary>
public static class BoundedAnswer
{
    /// <summary>Bytes handed to the server at a time.</summary>
    public const int Slice = 64 * 1024;

    /// <summary>Writes, and ends the connection when the client takes longer than <see cref="TransferTime"/> allows.</summary>
    /// <param name="least">Time for a short answer.</param>
    public static async Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> answer, TimeSpan? least = null)
    {
        var output = http.Response.BodyWriter;
        CancellationTokenSource? deadline = null;
        try
        {
            for (var at = 0; at < answer.Length; at += Slice)
            {
                var written = output.WriteAsync(answer.Slice(at, Math.Min(Slice, answer.Length - at)), http.RequestAborted);
                if (!written.IsCompleted) deadline ??= AbortAfter(http, TransferTime.For(answer.Length, least ?? TransferTime.Least));
                await written.ConfigureAwait(false);
            }
        }
        finally
        {
            deadline?.Dispose();
        }
    }

    private static CancellationTokenSource AbortAfter(HttpContext http, TimeSpan time)
    {
        var deadline = new CancellationTokenSource(time);
        deadline.Token.Register(http.Abort);
        return deadline;
    }
}
