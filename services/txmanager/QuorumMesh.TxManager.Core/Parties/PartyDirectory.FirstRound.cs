using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Parties;

/// <content>
/// Who has which key is in memory alone. After a start a key that nobody is known to have may only not have been proven yet, so a send
/// waits for the first round of discovery instead of being refused, where Tessera refuses it.
/// </content>
public sealed partial class PartyDirectory
{
    private long? _firstPoll;

    /// <summary>Every known manager has proven its keys and listed those that it knows, or does not answer.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
                return IsFirstRoundOver;
        }
    }

    private bool IsFirstRoundOver => _firstPoll is not null && _parties.Count > 0 && _parties.Values.All(IsHeard);

    /// <summary>Completed when something was heard; null while nobody waits for that.</summary>
    private TaskCompletionSource? _heard;

    /// <inheritdoc/>
    public async ValueTask<string?> FindUrlAsync(PublicKey key, CancellationToken cancel)
    {
        for (var asked = _clock.GetTimestamp(); ;)
        {
            Task heard;
            TimeSpan left;
            lock (_gate)
            {
                if (FindUrl(key) is { } url)
                    return url;
                left = LeftOfFirstRound(asked);
                if (left <= TimeSpan.Zero)
                    return null;
                _heard ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                heard = _heard.Task;
            }

            await heard.WaitAsync(left, _clock, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
        }
    }

    /// <param name="asked">Counts while nothing has been polled yet, as without the enclave.</param>
    private TimeSpan LeftOfFirstRound(long asked) => IsFirstRoundOver
        ? TimeSpan.Zero
        : _settings.FirstRound - _clock.GetElapsedTime(Math.Min(asked, _firstPoll ?? asked));

    /// <summary>
    /// A manager that has proven its keys and listed those that it knows; one that nobody configured is waited for no longer when it does
    /// not answer.
    /// </summary>
    private bool IsHeard(Party party) => !party.Polling && (party.Keys.Count > 0
        ? _settings.DiscoveryDisabled || !party.PullWanted
        : party.Origin != PartyOrigin.Configured && party.Failures > 0);

    /// <summary>Under the lock: whoever waits looks again.</summary>
    private void Heard()
    {
        _heard?.TrySetResult();
        _heard = null;
    }
}
