using System.Collections.Concurrent;

namespace QuorumMesh.Tests.Shared;

/// <summary>
/// Work on threads of its own beside what a test does, and no longer than that. Not on the thread pool: work there that goes on
/// until it is told to stop takes the workers from whatever else in the process waits for one.
/// </summary>
internal static class Beside
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <param name="work">Gets the number of its thread and when to stop. What it throws stops the others and fails the test.</param>
    /// <param name="test">Its token tells that the work has failed.</param>
    public static void Run(int threads, Action<int, CancellationToken> work, Action<CancellationToken> test)
    {
        using var stop = new CancellationTokenSource();
        var failures = new ConcurrentQueue<Exception>();
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() => Guard(() => work(i, stop.Token)))
        {
            IsBackground = true
        })];
        foreach (var worker in workers) worker.Start();
        Guard(() => test(stop.Token));
        stop.Cancel();
        foreach (var worker in workers) Assert.True(worker.Join(Limit), "a thread beside the test does not end");
        if (failures.TryDequeue(out var first)) throw new AggregateException([first, .. failures]);

        void Guard(Action part)
        {
            try
            {
                part();
            }
            catch (Exception e)
            {
                failures.Enqueue(e);
                stop.Cancel();
            }
        }
    }

    /// <summary>Returns when that holds; fails when it does not in time, or when the work beside has failed.</summary>
    public static void Until(Func<bool> holds, CancellationToken failed, string what)
    {
        Assert.True(SpinWait.SpinUntil(() => failed.IsCancellationRequested || holds(), Limit), $"not within {Limit}: {what}");
        failed.ThrowIfCancellationRequested();
    }
}
