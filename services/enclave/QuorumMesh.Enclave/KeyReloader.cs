using System.Runtime.InteropServices;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;

namespace QuorumMesh.Enclave;

/// <summary>Takes changed keys into use without a restart; SIGHUP says that the key files were edited.</summary>
internal sealed class KeyReloader(TesseraFileKeyProvider provider, PayloadSealer sealer, ILogger<KeyReloader> log) : BackgroundService
{
    /// <summary>Calls in flight may still use the old keys for this long.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _changed = new(0, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        provider.Changed += Signal;
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            provider.NotifyChanged();
        });
        try
        {
            while (true)
            {
                await _changed.WaitAsync(stoppingToken).ConfigureAwait(false);
                await ReloadAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            provider.Changed -= Signal;
        }
    }

    private void Signal()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
            // One reload is already due and will see this change too.
        }
    }

    private async Task ReloadAsync(CancellationToken cancellation)
    {
        try
        {
            var old = sealer.Ring;
            var ring = await provider.LoadAsync(cancellation).ConfigureAwait(false);
            sealer.Replace(ring);
            log.LogInformation("Took {Count} keys into use, default {Key}", ring.Keys.Count, ring.Default.PublicKey);
            _ = DisposeLaterAsync(old);
        }
        catch (KeyException e)
        {
            log.LogError("The keys stay as they were: {Problem}", e.Message);
        }
    }

    private static async Task DisposeLaterAsync(KeyRing ring)
    {
        await Task.Delay(Grace).ConfigureAwait(false);
        foreach (var key in ring.Keys)
            key.Dispose();
    }
}
