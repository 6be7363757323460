namespace QuorumMesh.TxManager.Core.Parties;

/// <content>When each manager is told of us.</content>
public sealed partial class PartyDirectory
{
    /// <summary>Polls at once of managers that were listed and have proven nothing yet, so that those that hang hold up no other.</summary>
    private const int MaxUnprovenPolls = 4;

    /// <inheritdoc/>
    public void ReportSuccess(string url)
    {
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
            {
                party.Seen = true;
                party.Failures = 0;
                party.LastAnswer = _clock.GetTimestamp();
            }
        }
    }

    /// <inheritdoc/>
    public void ReportFailure(string url)
    {
        var isForgotten = false;
        var wasProven = false;
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
            {
                // Bounded: the delay doubles with each, and a TimeSpan would overflow.
                party.Failures = Math.Min(party.Failures + 1, 20);
                wasProven = party.Keys.Count > 0;
                isForgotten = IsForgotten(party) && _parties.Remove(url);
            }
        }

        if (isForgotten && wasProven)
            Announce(
                $"The manager at {url} has not answered for {_settings.KeyMoveAfter}: it and its keys are forgotten until it comes back");
    }

    /// <summary>
    /// A known manager called: when it failed before or does not know us yet, it should hear from us soon; at most once a second each, so
    /// that two never chase each other.
    /// </summary>
    internal void Called(string url, bool knowsUs, bool listsUnknown)
    {
        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party))
                return;
            party.PullWanted |= listsUnknown;
            var isPullDue = listsUnknown && party.IsTrusted && party.NextPull <= _clock.GetTimestamp();
            if ((knowsUs && party.Seen && party.Failures == 0 && !isPullDue)
                || (party.LastWanted != 0 && _clock.GetElapsedTime(party.LastWanted) < TimeSpan.FromSeconds(1)))
                return;
            party.LastWanted = _clock.GetTimestamp();
            party.NextPoll = 0;
        }

        PollWanted?.Invoke();
    }

    /// <summary>Makes every party due, for example because our own keys changed.</summary>
    public void PollAll()
    {
        lock (_gate)
        {
            foreach (var party in _parties.Values)
                party.NextPoll = 0;
        }

        PollWanted?.Invoke();
    }

    /// <summary>Parties to poll now; each counts as polled until <see cref="Polled"/>.</summary>
    public IReadOnlyList<string> TakeDue(int max)
    {
        var now = _clock.GetTimestamp();
        lock (_gate)
        {
            _firstPoll ??= now;
            var unproven = MaxUnprovenPolls - _parties.Values.Count(p => p.Polling && !p.IsTrusted);
            Party[] due =
            [
                .. _parties.Values.Where(p => !p.Polling && p.NextPoll <= now && p.IsTrusted)
                    .Concat(_parties.Values.Where(p => !p.Polling && p.NextPoll <= now && !p.IsTrusted).Take(Math.Max(0, unproven)))
                    .Take(max),
            ];
            foreach (var party in due)
            {
                party.Polling = true;
                party.NextPoll = long.MaxValue;
            }

            return [.. due.Select(p => p.Url)];
        }
    }

    /// <summary>A poll ended; sets when the next one is due.</summary>
    public void Polled(string url, bool success)
    {
        if (success && IsTrusted(url))
            ReportSuccess(url);
        else
            // One that was listed, answers and proves no key is asked later and later too: it may be any server.
            ReportFailure(url);

        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party))
                return;
            party.Polling = false;
            Heard();
            // Still "at once" when Learn or PollAll asked for it while the poll ran.
            party.NextPoll = party.NextPoll == long.MaxValue ? After(Delay(party)) : party.NextPoll;
        }
    }

    /// <summary>Whether to ask a manager now whom it knows; then it is asked.</summary>
    internal bool TakePull(string url)
    {
        lock (_gate)
        {
            if (_settings.DiscoveryDisabled || !_parties.TryGetValue(url, out var party) || !party.IsTrusted || !party.PullWanted
                || party.NextPull > _clock.GetTimestamp())
                return false;
            party.PullWanted = false;
            party.NextPull = After(_settings.PollInterval);
            return true;
        }
    }

    /// <summary>Whether some of these URLs are not known.</summary>
    internal bool HasUnknown(IEnumerable<string> urls)
    {
        lock (_gate)
            return urls.Any(u => u != _settings.OwnUrl && !_parties.ContainsKey(u));
    }

    /// <summary>Time until the next party is due.</summary>
    public TimeSpan UntilNextPoll()
    {
        var now = _clock.GetTimestamp();
        lock (_gate)
        {
            var isFull = _parties.Values.Count(p => p.Polling && !p.IsTrusted) >= MaxUnprovenPolls;
            var next = _parties.Values.Where(p => !p.Polling && (p.IsTrusted || !isFull)).Select(p => p.NextPoll)
                .DefaultIfEmpty(long.MaxValue).Min();
            if (next == long.MaxValue)
                return _settings.PollInterval;
            return next <= now ? TimeSpan.Zero : _clock.GetElapsedTime(now, next);
        }
    }

    /// <summary>One that nobody configured is forgotten when it stays away: listed ones that proved nothing sooner.</summary>
    private bool IsForgotten(Party party) => party.Origin != PartyOrigin.Configured
        && (party.IsTrusted
            ? _clock.GetElapsedTime(party.LastAnswer) >= _settings.KeyMoveAfter
            : party.Failures >= 10 && party.Keys.Count == 0);

    private TimeSpan Delay(Party party)
    {
        if (party.Failures == 0)
            return _settings.PollInterval;
        if (party.Origin == PartyOrigin.Configured)
            // Quick while the network starts (about ten seconds), then at the usual pace, for ever.
            return party.Seen || party.Failures >= 20
                ? _settings.PollInterval
                : Min(_settings.SeedRetry * (1 + (party.Failures / 5)), _settings.PollInterval);

        return Min(_settings.PollInterval * Math.Pow(2, party.Failures - 1), _settings.MaxBackOff);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
