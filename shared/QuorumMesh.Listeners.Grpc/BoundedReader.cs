using System.Diagnostics;
using System.IO.Pipelines;
using Grpc.Core;

namespace QuorumMesh.Listeners.Grpc;

/// <summary>
/// The body of a request, which gRPC leaves in the pipe until its one message is whole: what is there counts, and how long it
/// took.
/// </summary>
internal sealed class BoundedReader(PipeReader inner, ByteLease lease, TimeSpan least) : PipeReader
{
    private readonly long _begun = Stopwatch.GetTimestamp();
    private long _message;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (!inner.TryRead(out var result)) result = await WaitAsync(cancellationToken).ConfigureAwait(false);
        Hold(result.Buffer.Length);
        return result;
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result)) return false;
        Hold(result.Buffer.Length);
        return true;
    }

    /// <summary>The message is made: its bytes are gone, the call works on the object.</summary>
    public override void AdvanceTo(SequencePosition consumed)
    {
        inner.AdvanceTo(consumed);
        lease.TryHold(_message);
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <summary>Time goes by what came, not by what is announced, so that a trickle gains nothing by a large announcement.</summary>
    private async ValueTask<ReadResult> WaitAsync(CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var left = TransferTime.For(_message, least) - Stopwatch.GetElapsedTime(_begun);
        deadline.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            return await inner.ReadAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            var seconds = Stopwatch.GetElapsedTime(_begun).TotalSeconds;
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"the request was not there after {seconds:0} s"));
        }
    }

    private void Hold(long bytes)
    {
        if (bytes <= _message) return;
        if (!BoundedCall.TryHoldBoth(lease, bytes)) throw BoundedCall.Refusal(lease.Budget);
        _message = bytes;
    }
}
