using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Keys;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>Keeps our picture of the enclave's keys fresh, and knows whether the enclave answers.</summary>
internal sealed class KeySync(OwnKeys ownKeys, TimeSpan interval, ILogger log) : BackgroundService
{
    private static readonly TimeSpan UntilFirst = TimeSpan.FromMilliseconds(150);

    private volatile string? _problem = "the enclave has not answered yet";

    /// <summary>Null while the enclave answers.</summary>
    public string? Problem => _problem;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            await RefreshAsync(stoppingToken).ConfigureAwait(false);
            var pause = ownKeys.ActiveOrNull is null ? UntilFirst : interval;
            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RefreshAsync(CancellationToken cancel)
    {
        var before = _problem;
        try
        {
            await ownKeys.RefreshAsync(cancel).ConfigureAwait(false);
            _problem = null;
            if (before is not null)
                log.LogInformation("The enclave answers, {Count} keys", ownKeys.ActiveOrNull?.Count);
        }
        catch (PrivacyException e)
        {
            _problem = e.Message;
            if (before != e.Message)
                log.LogWarning("{Problem}", e.Message);
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }
}
