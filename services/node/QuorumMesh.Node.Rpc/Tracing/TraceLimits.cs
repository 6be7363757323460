using System.Diagnostics;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>How long one trace may run and how much one request may come to.</summary>
internal sealed class TraceLimits(TimeSpan timeout, long maxBytes)
{
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(10);

    public TraceBudget NewBudget() => new(maxBytes);

    /// <param name="wanted">By the caller; null takes the node's own.</param>
    /// <exception cref="RpcException">The time is over.</exception>
    public (T Result, TimeSpan Time) Watch<T>(TimeSpan? wanted, CancellationToken cancellation, Func<CancellationToken, T> run)
    {
        var atMost = wanted ?? timeout;
        if (atMost > LongestTimeout) atMost = LongestTimeout;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (atMost > TimeSpan.Zero) stop.CancelAfter(atMost);
        else stop.Cancel();
        var started = Stopwatch.GetTimestamp();
        try
        {
            return (run(stop.Token), Stopwatch.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RpcException($"execution timeout: the trace took longer than {GoDuration.Format(atMost)}; give a longer "
                + $"\"timeout\", of {LongestTimeout.TotalMinutes} minutes at most, or ask for less");
        }
    }
}
