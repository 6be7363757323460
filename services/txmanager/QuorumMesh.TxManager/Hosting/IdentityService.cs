using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// Announces our keys anew when they have changed, and takes up what another manager over the same database, or an operator there, has
/// decided.
/// </summary>
internal sealed class IdentityService(OwnIdentity? own, IdentityBook book, IIdentityStore store, TimeSpan interval, ILogger log)
    : BackgroundService
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    private string? _problem;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var next = DateTimeOffset.MinValue;
        string? told = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            await TryAsync(own is null ? null : own.RefreshAsync, stoppingToken).ConfigureAwait(false);
            if (own?.Key is { } key && told != own.Tag)
            {
                log.LogInformation("Peers are shown the identity {Identity}", key.ToBase64());
                told = own.Tag;
            }

            if (DateTimeOffset.UtcNow >= next)
            {
                await TryAsync(LoadAsync, stoppingToken).ConfigureAwait(false);
                next = DateTimeOffset.UtcNow + LookAgain;
            }

            await Task.Delay(interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LoadAsync(CancellationToken cancel)
    {
        var changes = book.Changes;
        book.Load(await store.IdentitiesAsync(cancel).ConfigureAwait(false), changes);
    }

    /// <summary>What is away is tried again; it is told once.</summary>
    private async Task TryAsync(Func<CancellationToken, Task>? work, CancellationToken cancel)
    {
        try
        {
            if (work is not null)
                await work(cancel).ConfigureAwait(false);
            _problem = null;
        }
        catch (PrivacyException e)
        {
            if (_problem != e.Message && e.Failure != Failure.EnclaveUnavailable)
                log.LogWarning("Identities wait: {Problem}", e.Message);
            _problem = e.Message;
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }
}
