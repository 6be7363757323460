using QuorumMesh.TxManager.Core.Identities;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>Fetches the receipts of recipients, once a second while there are some: one signature is over all of that second.</summary>
internal sealed class ReceiptService(ReceiptKeeper keeper, ILogger log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        keeper.Told += line => log.LogWarning("{Problem}", line);
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await keeper.FetchAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The host stops; a push that is repeated brings what was not fetched.
            }
        }
    }
}
