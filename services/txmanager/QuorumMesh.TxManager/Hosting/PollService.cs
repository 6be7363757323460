using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// Polls the peers once this manager listens: they answer a poll with a challenge, and hosted services start before the listeners.
/// </summary>
internal sealed class PollService(PartyPoller poller, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listens = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        using var stops = stoppingToken.Register(() => started.TrySetCanceled(stoppingToken));
        await started.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await poller.RunAsync(stoppingToken).ConfigureAwait(false);
    }
}
