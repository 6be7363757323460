using System.Diagnostics;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// Once after each start, beside the traffic, payloads without a participation record get theirs: after each step it pauses three times as
/// long as the step took.
/// </summary>
internal sealed class ParticipationService(ParticipationKeeper keeper, ILogger log) : BackgroundService
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        long noted = 0;
        string? told = null;
        byte[]? place = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            TimeSpan pause;
            try
            {
                var step = await keeper.NextAsync(place, stoppingToken).ConfigureAwait(false);
                noted += step.Noted;
                if (step.Next is null)
                    break;
                (place, told) = (step.Next, null);
                pause = Stopwatch.GetElapsedTime(start) * 3;
                pause = pause > ShortestPause ? pause : ShortestPause;
            }
            catch (PrivacyException e)
            {
                if (told != e.Message)
                    log.LogWarning("Payloads without a participation record wait for theirs: {Problem}", e.Message);
                (told, pause) = (e.Message, AfterFailure);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (noted > 0)
            log.LogInformation("{Count} payloads that had no participation record have theirs now", noted);
    }
}
