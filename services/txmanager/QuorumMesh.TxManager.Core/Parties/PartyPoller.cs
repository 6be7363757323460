using QuorumMesh.Contracts.Parties;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// Tells every known manager who we are: at once, then at every interval, and soon again while a seed has not answered yet.
/// </summary>
public sealed class PartyPoller(PartyDirectory directory, PartyInfoService service, OwnKeys ownKeys, IPeerClient peers)
{
    private const int Parallelism = 16;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private int _running;

    /// <summary>Polls until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        void Wake()
        {
            try
            {
                _wake.Release();
            }
            catch (SemaphoreFullException)
            {
                // It is awake already.
            }
        }

        directory.PollWanted += Wake;
        ownKeys.Changed += directory.PollAll;
        try
        {
            while (!cancel.IsCancellationRequested)
            {
                // Without keys there is nothing to tell; PollAll wakes us once the enclave answered.
                var due = ownKeys.ActiveOrNull is null ? [] : directory.TakeDue(Parallelism - Volatile.Read(ref _running));
                foreach (var url in due)
                {
                    Interlocked.Increment(ref _running);
                    _ = PollAsync(url, Wake, cancel);
                }

                var mustWait = ownKeys.ActiveOrNull is null || Volatile.Read(ref _running) >= Parallelism;
                var pause = mustWait ? Longest : directory.UntilNextPoll();
                if (pause > TimeSpan.Zero)
                    await _wake.WaitAsync(pause < Longest ? pause : Longest, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            directory.PollWanted -= Wake;
            ownKeys.Changed -= directory.PollAll;
        }
    }

    private async Task PollAsync(string url, Action done, CancellationToken cancel)
    {
        var success = false;
        try
        {
            var info = await service.OwnAsync(cancel).ConfigureAwait(false);
            var identityTag = await peers.SendPartyInfoAsync(url, info, cancel).ConfigureAwait(false);
            success = true;
            await service.FollowUpAsync(url, identityTag, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException)
        {
            // Tried again after a while; the directory counts the failure.
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        finally
        {
            directory.Polled(url, success);
            Interlocked.Decrement(ref _running);
            done();
        }
    }
}
