using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace QuorumMesh.Listeners.Grpc;

/// <summary>
/// The body of an answer: ends the call when the client does not take a message in time. A stream may last, each of its messages
/// may not.
/// </summary>
internal sealed class TimedWriter(PipeWriter inner, HttpContext http, TimeSpan least) : PipeWriter
{
    private long _unsent;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        _unsent += bytes;
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var time = TransferTime.For(_unsent, least);
        _unsent = 0;
        var sent = inner.FlushAsync(cancellationToken);
        return sent.IsCompleted ? sent : WaitAsync(sent, time);
    }

    private async ValueTask<FlushResult> WaitAsync(ValueTask<FlushResult> sent, TimeSpan time)
    {
        using var deadline = new CancellationTokenSource(time);
        using var ends = deadline.Token.UnsafeRegister(static state => ((HttpContext)state!).Abort(), http);
        return await sent.ConfigureAwait(false);
    }
}
