using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core;

/// <summary>
/// The managers to contact and the keys each has shown: Tessera's party store and network store, in memory. A peer that fails is tried
/// later and later instead of dropped; seeds are tried at every interval for ever.
/// </summary>
public sealed class PartyDirectory : IPeerDirectory
{
    private const int MaxParties = 10_000;
    private const int MaxKeysPerParty = 1000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Party> parties = [];
    private readonly PartySettings settings;
    private readonly TimeProvider clock;

    public PartyDirectory(PartySettings settings, TimeProvider clock)
    {
        this.settings = settings;
        this.clock = clock;
        foreach (string seed in settings.Seeds.Where(s => s != settings.OwnUrl))
        {
            parties.TryAdd(seed, new Party(seed, isSeed: true));
        }
    }

    /// <summary>Raised when there is something to poll at once.</summary>
    public event Action? PollWanted;

    public string? FindUrl(PublicKey key)
    {
        lock (gate)
        {
            Party? best = null;
            foreach (Party party in parties.Values)
            {
                if (party.Keys.Contains(key) && (best is null || party.Failures < best.Failures))
                {
                    best = party;
                }
            }

            return best?.Url;
        }
    }

    public bool IsSeed(string url)
    {
        lock (gate)
        {
            return parties.TryGetValue(url, out Party? party) && party.IsSeed;
        }
    }

    /// <summary>Every manager that has shown keys and answered or called last time.</summary>
    public IReadOnlyList<KnownKey> ActiveKeys()
    {
        lock (gate)
        {
            return [.. parties.Values.Where(p => p.Failures == 0).SelectMany(p => p.Keys.Select(k => new KnownKey(k, p.Url)))];
        }
    }

    public IReadOnlyList<string> Urls()
    {
        lock (gate)
        {
            return [.. parties.Keys];
        }
    }

    /// <summary>URLs of active managers, for our own party info.</summary>
    public IReadOnlyList<string> ActiveUrls()
    {
        lock (gate)
        {
            return [.. parties.Values.Where(p => p.Seen && p.Failures == 0).Select(p => p.Url)];
        }
    }

    /// <summary>Seeds that never answered or called.</summary>
    public int UnseenSeeds()
    {
        lock (gate)
        {
            return parties.Values.Count(p => p.IsSeed && !p.Seen);
        }
    }

    /// <summary>A manager called and showed its keys: they replace what was known of it.</summary>
    public void Learn(string url, IEnumerable<PublicKey> keys)
    {
        bool isNew;
        lock (gate)
        {
            Party? party = GetOrAdd(url);
            if (party is null)
            {
                return;
            }

            isNew = !party.Seen || party.Failures > 0;
            party.Seen = true;
            party.Failures = 0;
            party.Keys = [.. keys.Distinct().Take(MaxKeysPerParty)];
            if (isNew)
            {
                party.NextPoll = 0;
            }
        }

        if (isNew)
        {
            PollWanted?.Invoke();
        }
    }

    /// <summary>URLs that a peer told of.</summary>
    public void AddParties(IEnumerable<string> urls)
    {
        bool added = false;
        lock (gate)
        {
            foreach (string url in urls)
            {
                if (url != settings.OwnUrl && !parties.ContainsKey(url))
                {
                    added |= GetOrAdd(url) is not null;
                }
            }
        }

        if (added)
        {
            PollWanted?.Invoke();
        }
    }

    public void ReportSuccess(string url)
    {
        lock (gate)
        {
            if (parties.TryGetValue(url, out Party? party))
            {
                party.Seen = true;
                party.Failures = 0;
            }
        }
    }

    public void ReportFailure(string url)
    {
        lock (gate)
        {
            if (parties.TryGetValue(url, out Party? party))
            {
                party.Failures = Math.Min(party.Failures + 1, 20);
            }
        }
    }

    /// <summary>A caller that does not know us yet should hear from us soon; at most once a second each, so that two never chase each other.</summary>
    public void PollSoon(string url)
    {
        lock (gate)
        {
            if (!parties.TryGetValue(url, out Party? party)
                || (party.LastWanted != 0 && clock.GetElapsedTime(party.LastWanted) < TimeSpan.FromSeconds(1)))
            {
                return;
            }

            party.LastWanted = clock.GetTimestamp();
            party.NextPoll = 0;
        }

        PollWanted?.Invoke();
    }

    /// <summary>Makes every party due, for example because our own keys changed.</summary>
    public void PollAll()
    {
        lock (gate)
        {
            foreach (Party party in parties.Values)
            {
                party.NextPoll = 0;
            }
        }

        PollWanted?.Invoke();
    }

    /// <summary>Parties to poll now; each counts as polled until <see cref="Polled"/>.</summary>
    public IReadOnlyList<string> TakeDue(int max)
    {
        long now = clock.GetTimestamp();
        lock (gate)
        {
            Party[] due = [.. parties.Values.Where(p => !p.Polling && p.NextPoll <= now).Take(max)];
            foreach (Party party in due)
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
        if (success)
        {
            ReportSuccess(url);
        }
        else
        {
            ReportFailure(url);
        }

        lock (gate)
        {
            if (!parties.TryGetValue(url, out Party? party))
            {
                return;
            }

            party.Polling = false;
            long next = clock.GetTimestamp() + (long)(Delay(party).TotalSeconds * clock.TimestampFrequency);
            // Still "at once" when Learn or PollAll asked for it while the poll ran.
            party.NextPoll = party.NextPoll == long.MaxValue ? next : party.NextPoll;
        }
    }

    /// <summary>Time until the next party is due.</summary>
    public TimeSpan UntilNextPoll()
    {
        long now = clock.GetTimestamp();
        lock (gate)
        {
            long next = parties.Values.Where(p => !p.Polling).Select(p => p.NextPoll).DefaultIfEmpty(long.MaxValue).Min();
            if (next == long.MaxValue)
            {
                return settings.PollInterval;
            }

            return next <= now ? TimeSpan.Zero : clock.GetElapsedTime(now, next);
        }
    }

    private TimeSpan Delay(Party party)
    {
        if (party.Failures == 0)
        {
            return settings.PollInterval;
        }

        if (party.IsSeed)
        {
            // Quick while the network starts (about ten seconds), then at the usual pace, for ever.
            return party.Seen || party.Failures >= 20 ? settings.PollInterval : Min(settings.SeedRetry * (1 + (party.Failures / 5)), settings.PollInterval);
        }

        return Min(settings.PollInterval * Math.Pow(2, party.Failures - 1), settings.MaxBackOff);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private Party? GetOrAdd(string url)
    {
        if (parties.TryGetValue(url, out Party? party))
        {
            return party;
        }

        if (parties.Count >= MaxParties || url == settings.OwnUrl)
        {
            return null;
        }

        party = new Party(url, isSeed: false);
        parties.Add(url, party);
        return party;
    }

    private sealed class Party(string url, bool isSeed)
    {
        public string Url { get; } = url;

        public bool IsSeed { get; } = isSeed;

        public bool Seen { get; set; }

        public int Failures { get; set; }

        public bool Polling { get; set; }

        /// <summary>Clock timestamp; 0 = at once.</summary>
        public long NextPoll { get; set; }

        public long LastWanted { get; set; }

        public HashSet<PublicKey> Keys { get; set; } = [];
    }
}
