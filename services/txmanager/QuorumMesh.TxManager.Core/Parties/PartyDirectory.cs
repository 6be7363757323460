using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// The managers to contact and the keys each has proven: Tessera's party store and network store, in memory. A peer that fails is tried
/// later and later instead of dropped; seeds are tried at every interval for ever. Each kind has a quota, and one that has proven a key is
/// pushed out by nobody.
/// </summary>
public sealed partial class PartyDirectory : IPeerDirectory
{
    private const int MaxKeysPerParty = 1000;

    /// <summary>Of those, without a proof: anyone can name some in a configured peer's name.</summary>
    private const int MaxBelievedKeys = 100;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Party> _parties = [];
    private readonly PartySettings _settings;
    private readonly TimeProvider _clock;
    private readonly TellBudget _budget;

    public PartyDirectory(PartySettings settings, TimeProvider clock)
    {
        _settings = settings;
        _clock = clock;
        _budget = new TellBudget(clock, line => Told?.Invoke(line));
        foreach (var seed in settings.Seeds.Where(s => s != settings.OwnUrl))
            _parties.TryAdd(seed, new Party(seed, PartyOrigin.Configured, null));
    }

    /// <summary>Raised when there is something to poll at once.</summary>
    public event Action? PollWanted;

    /// <summary>Something that an operator should know: a line for the log. What strangers can cause is bounded.</summary>
    public event Action<string>? Told;

    internal PartySettings Settings => _settings;

    /// <summary>Announcements, keys and URLs that were refused.</summary>
    public long Refusals => _budget.Count;

    /// <returns>Null when no known manager has the key.</returns>
    public string? FindUrl(PublicKey key)
    {
        lock (_gate)
        {
            Party? best = null;
            foreach (var party in _parties.Values)
                // Of several managers of one participant the one that failed least.
                if (party.Keys.ContainsKey(key) && (best is null || party.Failures < best.Failures))
                    best = party;

            return best?.Url;
        }
    }

    /// <inheritdoc/>
    public bool Speaks(string url, PeerFeatures feature)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) && party.Features.HasFlag(feature);
    }

    /// <inheritdoc/>
    public void ReportLegacy(string url)
    {
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
                party.Features &= ~PeerFeatures.Cbor;
        }
    }

    /// <summary>What a manager's party info said of its API versions.</summary>
    internal void Knows(string url, PeerFeatures features)
    {
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
                party.Features = features;
        }
    }

    /// <summary>Whether a URL is configured.</summary>
    public bool IsSeed(string url)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) && party.Origin == PartyOrigin.Configured;
    }

    /// <summary>Whether a URL is configured, or has proven a key.</summary>
    public bool IsTrusted(string url)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) && party.IsTrusted;
    }

    /// <summary>Every proven key of a manager that answered last time.</summary>
    public IReadOnlyList<KnownKey> ActiveKeys()
    {
        lock (_gate)
            return [.. _parties.Values.Where(p => p.Failures == 0).SelectMany(p => p.Keys.Keys.Select(k => new KnownKey(k, p.Url)))];
    }

    /// <summary>URLs that are configured or have proven a key, without those that did not answer last time.</summary>
    public IReadOnlyList<string> Urls()
    {
        lock (_gate)
            return [.. _parties.Values.Where(p => p.IsTrusted && p.Failures == 0).Select(p => p.Url)];
    }

    /// <summary>Every manager that is configured or has proven a key, and whether it answered last time.</summary>
    public IReadOnlyList<(string Url, bool Answers)> Trusted()
    {
        lock (_gate)
            return [.. _parties.Values.Where(p => p.IsTrusted).Select(p => (p.Url, p.Seen && p.Failures == 0))];
    }

    /// <summary>URLs of active managers, for our own party info.</summary>
    public IReadOnlyList<string> ActiveUrls()
    {
        lock (_gate)
            return [.. _parties.Values.Where(p => p.IsTrusted && p.Seen && p.Failures == 0).Select(p => p.Url)];
    }

    /// <summary>Seeds that never answered or called.</summary>
    public int UnseenSeeds()
    {
        lock (_gate)
            return _parties.Values.Count(p => p.Origin == PartyOrigin.Configured && !p.Seen);
    }

    internal void Refused(string line, string detail = "") => _budget.Tell(line, detail);

    internal void Announce(string line) => Told?.Invoke(line);

    internal IReadOnlyCollection<PublicKey> KeysOf(string url)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) ? [.. party.Keys.Keys] : [];
    }

    /// <summary>The other URLs that have proven a key.</summary>
    internal IReadOnlyList<string> OtherHomes(PublicKey key, string url)
    {
        lock (_gate)
            return [.. _parties.Values.Where(p => p.Url != url && p.Keys.ContainsKey(key)).Select(p => p.Url)];
    }

    /// <summary>Whether a manager that is not known may join by itself.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Busy"/>: there are as many as there may be.</exception>
    internal void RequireRoom(string url)
    {
        lock (_gate)
        {
            if (_parties.ContainsKey(url))
                return;
            // By host as well: one machine has 65535 ports, and could take the room of all others.
            var host = new Uri(url).Host;
            if (_parties.Values.Count(p => p.Origin == PartyOrigin.Newcomer) >= _settings.MaxNewcomers
                || _parties.Values.Count(p => p.Origin == PartyOrigin.Newcomer && p.Host == host) >= _settings.MaxNewcomersPerHost)
                throw new PrivacyException(Failure.Busy,
                    $"{url} cannot join: as many managers as may have joined by themselves; have it configured as a peer");
        }
    }

    /// <summary>A configured URL is said to have keys; those that another URL has are left to proofs.</summary>
    internal void Believe(string url, IEnumerable<PublicKey> keys)
    {
        foreach (var key in keys)
            if (OtherHomes(key, url).Count == 0 && CanBelieve(url))
                Learn(url, key, isProven: false);
    }

    private bool CanBelieve(string url)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) && party.Keys.Values.Count(h => !h.IsProven) < MaxBelievedKeys;
    }

    /// <summary>Whether a URL has only been believed to have a key.</summary>
    internal bool IsBelieved(string url, PublicKey key)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party) && party.Keys.TryGetValue(key, out var home) && !home.IsProven;
    }

    /// <summary>A URL has proven a key.</summary>
    internal void Learn(string url, PublicKey key, bool isProven = true)
    {
        var isNew = false;
        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party))
            {
                party = new Party(url, PartyOrigin.Newcomer, null) { LastAnswer = _clock.GetTimestamp() };
                _parties.Add(url, party);
            }

            if (party.Keys.TryGetValue(key, out var home))
                home.IsProven |= isProven;
            else if (party.Keys.Count < MaxKeysPerParty)
            {
                party.Keys.Add(key, new KeyHome { IsProven = isProven });
                isNew = true;
                party.Failures = 0;
                party.NextPoll = 0;
                Heard();
            }
        }

        if (isNew)
            PollWanted?.Invoke();
    }

    /// <summary>A URL has proven a key that stays at another one: it is polled for a while, so that it hears of us, and no more.</summary>
    internal void Meet(string url)
    {
        bool isNew;
        lock (_gate)
            isNew = _parties.TryAdd(url, new Party(url, PartyOrigin.Newcomer, null) { LastAnswer = _clock.GetTimestamp() });
        if (isNew)
            PollWanted?.Invoke();
    }

    /// <summary>A URL has a key no more.</summary>
    internal void Drop(string url, PublicKey key)
    {
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
                party.Keys.Remove(key);
        }
    }

    /// <summary>A URL was asked to prove a key that another one claims.</summary>
    /// <returns>Since when it fails to.</returns>
    internal TimeSpan Contested(string url, PublicKey key, bool isProven)
    {
        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party) || !party.Keys.TryGetValue(key, out var home))
                return TimeSpan.MaxValue;
            home.UnprovenSince = isProven ? null : home.UnprovenSince ?? _clock.GetTimestamp();
            return home.UnprovenSince is { } since ? _clock.GetElapsedTime(since) : TimeSpan.Zero;
        }
    }

    /// <summary>Keys that a URL failed to prove while another one claimed them.</summary>
    internal IReadOnlyList<PublicKey> ContestedKeys(string url)
    {
        lock (_gate)
            return _parties.TryGetValue(url, out var party)
                ? [.. party.Keys.Where(k => k.Value.UnprovenSince is not null).Select(k => k.Key)]
                : [];
    }

    /// <summary>
    /// Takes the right to have a URL prove keys: one at a time, and not again at once. For an unknown URL the gate does that.
    /// </summary>
    internal bool TryBeginProofs(string url)
    {
        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party))
                return true;
            if (party.Proving || party.NextProof > _clock.GetTimestamp())
                return false;
            party.Proving = true;
            return true;
        }
    }

    /// <summary>Whether to look now for keys that a URL names no more; not often, for anyone may send a party info in its name.</summary>
    internal bool TakeGoneCheck(string url)
    {
        lock (_gate)
        {
            if (!_parties.TryGetValue(url, out var party) || party.NextGoneCheck > _clock.GetTimestamp())
                return false;
            party.NextGoneCheck = After(_settings.PollInterval);
            return true;
        }
    }

    internal void EndProofs(string url, bool isProven)
    {
        lock (_gate)
        {
            if (_parties.TryGetValue(url, out var party))
            {
                party.Proving = false;
                party.NextProof = isProven ? 0 : After(_settings.SeedRetry);
            }
        }
    }

    /// <summary>URLs that a trusted manager listed when we asked it.</summary>
    internal void Vouch(string voucher, IEnumerable<string> urls)
    {
        var added = 0;
        var refused = 0;
        lock (_gate)
        {
            if (!_parties.TryGetValue(voucher, out var by) || !by.IsTrusted)
                return;
            var most = by.Origin == PartyOrigin.Configured ? _settings.MaxUnprovenPerVoucher : _settings.MaxUnprovenPerVoucher / 8;
            var listed = _parties.Values.Count(p => !p.IsTrusted && p.Voucher == voucher);
            var isLocal = PeerUrl.IsLocal(voucher);
            // A manager elsewhere must not have us call our own machine; one that runs here may list others that do.
            bool IsNew(string url) => url != _settings.OwnUrl && !_parties.ContainsKey(url) && (isLocal || !PeerUrl.IsLocal(url));
            foreach (var url in urls.Where(IsNew).Distinct().ToArray())
            {
                if (listed >= most || !MakeRoom())
                {
                    refused++;
                    continue;
                }

                listed++;
                added++;
                _parties.Add(url, new Party(url, PartyOrigin.Vouched, voucher) { LastAnswer = _clock.GetTimestamp() });
            }

            // A list that brings nothing is not asked for again at once.
            by.NextPull = After(added > 0 ? _settings.PollInterval : TimeSpan.FromSeconds(30));
        }

        if (refused > 0)
            Refused($"{voucher} lists {refused} unknown managers more than it may; those that announce themselves or are configured "
                + "as peers are taken");
        if (added > 0)
            PollWanted?.Invoke();
    }

    /// <summary>Of those that were listed and have proven nothing, one that never answers makes room for another.</summary>
    private bool MakeRoom()
    {
        Party[] unproven = [.. _parties.Values.Where(p => !p.IsTrusted)];
        if (unproven.Length < _settings.MaxUnproven)
            return true;
        var worst = unproven.MaxBy(p => p.Failures)!;
        return worst.Failures >= 3 && !worst.Polling && _parties.Remove(worst.Url);
    }

    private long After(TimeSpan time) => _clock.GetTimestamp() + (long)(time.TotalSeconds * _clock.TimestampFrequency);
}
