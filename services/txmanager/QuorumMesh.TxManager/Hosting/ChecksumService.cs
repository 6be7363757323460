using System.Diagnostics;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// Gives rows of older versions their checksums, beside the traffic: after each step it pauses three times as long as the step took.
/// </summary>
internal sealed class ChecksumService(PayloadStore store, ILogger log) : BackgroundService
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(10);

    private long _rows;

    public long Added => Interlocked.Read(ref _rows);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await StepAsync().ConfigureAwait(false) is not { } pause)
                return;
            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Null at the end.</returns>
    private async Task<TimeSpan?> StepAsync()
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            var step = await store.AddChecksumsAsync().ConfigureAwait(false);
            var before = Added;
            Interlocked.Add(ref _rows, step.Added);
            if (Added / 1_000_000 > before / 1_000_000 || (!step.More && Added > 0))
                log.LogInformation(
                    "{Count} stored rows of older versions have their checksum now{End}",
                    Added, step.More ? ", more follow" : "; these were all");
            var pause = Stopwatch.GetElapsedTime(start) * 3;
            return step.More ? pause > ShortestPause ? pause : ShortestPause : null;
        }
        catch (PrivacyException e)
        {
            log.LogWarning("Rows of older versions wait for their checksums: {Problem}", e.Message);
            return AfterFailure;
        }
    }
}
