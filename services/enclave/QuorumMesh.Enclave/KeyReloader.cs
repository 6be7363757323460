using System.Runtime.InteropServices;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;

namespace QuorumMesh.Enclave;

/// <summary>
/// Takes changed keys into use without a restart: SIGHUP says that files were edited, a vault is looked at now and then. Waits for a
/// vault that is away at the start, goes on without it for a set time, and then has no keys until it is back.
/// </summary>
internal sealed class KeyReloader(
    TesseraKeyProvider provider, PayloadSealer sealer, KeyCustody custody, TimeProvider time, ILogger<KeyReloader> log) : BackgroundService
{
    /// <summary>Calls in flight may still use the old keys for this long.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _changed = new(0, 1);

    private PosixSignalRegistration? _hangUp;
    private TimeSpan _wait = FirstWait;
    private bool _loadDue;
    private string? _told;

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
            custody.Contact = provider.Freshness.Contact;
            TellPassed();
            while (true)
            {
                _loadDue |= await _changed.WaitAsync(Pause(), stoppingToken).ConfigureAwait(false) || sealer.Ring.Keys.Count == 0;
                await LookAsync(stoppingToken).ConfigureAwait(false);
                GiveUpOldKeys();
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

    /// <summary>Until the next look; <see cref="Timeout.InfiniteTimeSpan"/> where there is none.</summary>
    private TimeSpan Pause()
    {
        if (sealer.Ring.Keys.Count == 0 || _loadDue)
        {
            var wait = _wait;
            _wait = _wait * 2 < LongestWait ? _wait * 2 : LongestWait;
            return wait;
        }

        if (provider.Freshness.NextLook is not { } next)
            return Timeout.InfiniteTimeSpan;
        var pause = next - time.GetUtcNow();
        // Never without a pause: a vault that gives tokens for a moment must not be asked in a loop.
        return pause < FirstWait ? FirstWait : pause < TimeSpan.FromDays(1) ? pause : TimeSpan.FromDays(1);
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        try
        {
            var ring = _loadDue
                ? await provider.LoadAsync(cancellation).ConfigureAwait(false)
                : await provider.RefreshAsync(cancellation).ConfigureAwait(false);
            if (_loadDue)
                _wait = FirstWait;
            _loadDue = false;
            if (ring is not null)
                Take(ring);
            if (_told is not null)
                log.LogInformation("The keys can be looked at again");
            _told = null;
        }
        catch (KeyException e)
        {
            Tell(e);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            TellUnexpected(e);
        }
        finally
        {
            custody.Contact = provider.Freshness.Contact;
        }
    }

    private void Take(KeyRing ring)
    {
        var old = sealer.Ring;
        sealer.Replace(ring);
        log.LogInformation("Took {Count} keys into use, {Retired} of them retired, default {Key}", ring.Keys.Count,
            ring.Keys.Count(k => k.State == EnclaveKeyState.Retired), ring.Default.PublicKey);
        TellPassed();
        // A call that began with the old ring still reads its private keys.
        _ = EndLaterAsync(old.Keys.Except(ring.Keys).ToList(), ring);
    }

    private void Tell(KeyException e)
    {
        if (sealer.Ring.Keys.Count == 0)
            custody.Wait(e.Message);
        // An edited file that is wrong waits for the next edit; a vault that is away is asked again.
        _loadDue &= e is KeyUnavailableException;
        if (_told == e.Message)
            return;
        _told = e.Message;
        if (sealer.Ring.Keys.Count == 0)
            log.LogError("There are no keys to use yet: {Problem}", e.Message);
        else
            log.LogError("The keys stay as they were: {Problem}", e.Message);
    }

    /// <summary>The end of this loop would be the enclave's. Its text may quote what was read, so the type alone is told.</summary>
    private void TellUnexpected(Exception e)
    {
        var problem = $"the look at them failed unexpectedly ({e.GetType().Name})";
        if (sealer.Ring.Keys.Count == 0)
            custody.Wait(problem);
        if (_told != problem)
            log.LogError("The keys stay as they were, and are looked at again: {Problem}; please report this", problem);
        _told = problem;
    }

    private void TellPassed()
    {
        foreach (var passed in provider.Passed)
            log.LogWarning("A key version is not used, and what was sealed to it does not open here: {Passed}", passed);
    }

    /// <summary>Keys that no vault has confirmed for longer than maxAge: an operator who took them away there wants them gone.</summary>
    private void GiveUpOldKeys()
    {
        if (sealer.Ring.Keys.Count == 0 || provider.Freshness.UsableUntil is not { } until || time.GetUtcNow() < until)
            return;
        var old = sealer.Ring;
        custody.Wait($"the vault has not confirmed the keys since {provider.Freshness.Contact:u}, longer than maxAge allows"
            + (_told is null ? "" : $": {_told}"));
        sealer.Replace(KeyRing.None);
        log.LogError("The keys are given up: {Problem}", custody.Problem);
        _wait = FirstWait;
        _ = EndLaterAsync(old.Keys, KeyRing.None);
    }

    private async Task EndLaterAsync(IReadOnlyList<EnclaveKeyPair> keys, KeyRing ring)
    {
        await Task.Delay(Grace).ConfigureAwait(false);
        // A ring that came meanwhile has a grace of its own.
        if (sealer.Ring == ring)
            sealer.EndGrace();
        foreach (var key in keys)
            key.Dispose();
    }
}
