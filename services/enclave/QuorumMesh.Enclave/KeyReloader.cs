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

    private PosixSignalRegistration? _hangUp;

    /// <summary>Listens for changes before the service counts as started: none may fall between.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        provider.Changed += Signal;
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            provider.NotifyChanged();
        });
        return base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        provider.Changed -= Signal;
        _hangUp?.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
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
            // A call that began with the old ring still reads its private keys.
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
