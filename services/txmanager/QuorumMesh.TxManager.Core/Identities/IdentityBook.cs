using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Identities;

/// <summary>A key that was claimed against its pin.</summary>
/// <param name="Claimant">The identity that claims it; null for a manager that shows none.</param>
public sealed record KeyConflict(PublicKey Key, PublicKey Pinned, PublicKey? Claimant, string Url, DateTimeOffset Since);

/// <summary>What an announcement changes.</summary>
/// <param name="Refusal">Why all of it is refused; null when it is not.</param>
/// <param name="Pins">To be stored.</param>
/// <param name="Contested">Keys that it claims and that are pinned to another identity.</param>
/// <param name="LeftOut">Why some of its keys are pinned to nobody; null where all may be.</param>
public sealed record BookVerdict(
    string? Refusal, IReadOnlyList<KeyPin> Pins, IReadOnlyList<PublicKey> Contested, string? LeftOut = null);

/// <summary>
/// Which key is pinned to which identity, and how it stands. A key is pinned by the first proof that comes for it, or by the
/// configuration; from then on only that identity can say what becomes of it, until an operator decides otherwise.
/// </summary>
public sealed class IdentityBook
{
    /// <summary>Identities that are kept, without those of the configuration; strangers can make as many as they like.</summary>
    private const int MaxIdentities = 4096;

    /// <summary>Keys that are kept of all of them.</summary>
    private const int MaxPins = 20_000;

    /// <summary>Keys that one identity may have had over the years.</summary>
    private const int MaxKeysEach = 4000;

    /// <summary>How far an announcement may be made in the future: of one with a wrong clock no later one would ever count.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromHours(48);

    private const int MaxConflicts = 1000;
    private const int LongestChain = 64;

    private readonly Lock _gate = new();
    private readonly TimeProvider _clock;
    private readonly Dictionary<PublicKey, PublicKey> _configured;
    private readonly Dictionary<PublicKey, KeyPin> _pins = [];
    private IReadOnlyList<KeyPin> _own = [];
    private long _changes;
    private readonly Dictionary<PublicKey, long> _serials = [];
    private readonly Dictionary<PublicKey, long> _accepted = [];
    private readonly Dictionary<(PublicKey Key, string Url), KeyConflict> _conflicts = [];

    /// <param name="configured">Keys and their identities by the operator's word, which goes before every proof.</param>
    public IdentityBook(TimeProvider clock, IReadOnlyDictionary<PublicKey, PublicKey>? configured = null)
    {
        _clock = clock;
        _configured = configured?.ToDictionary() ?? [];
        Load(new KnownIdentities([], new Dictionary<PublicKey, long>()), 0);
    }

    /// <summary>Grows with every change that is stored by us.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>Every pin.</summary>
    public IReadOnlyList<KeyPin> Pins
    {
        get
        {
            lock (_gate)
                return [.. _pins.Values];
        }
    }

    /// <summary>Claims against pins that no operator has decided.</summary>
    public IReadOnlyList<KeyConflict> Conflicts
    {
        get
        {
            lock (_gate)
                return [.. _conflicts.Values];
        }
    }

    /// <summary>What the store has, in the place of what was known.</summary>
    /// <param name="changes"><see cref="Changes"/> before the store was asked; with others since, nothing is taken.</param>
    public void Load(KnownIdentities known, long changes)
    {
        lock (_gate)
        {
            if (changes != _changes)
                return;
            _pins.Clear();
            foreach (var pin in known.Pins)
                _pins[pin.Key] = pin;
            foreach (var (key, identity) in _configured)
                if (!_pins.TryGetValue(key, out var pin) || pin.Identity != identity)
                    _pins[key] = new KeyPin(key, identity, AnnouncedState.Active, null, _clock.GetUtcNow());
            foreach (var pin in _own)
                _pins[pin.Key] = pin;
            foreach (var (identity, serial) in known.Serials)
                _serials[identity] = Math.Max(serial, _serials.GetValueOrDefault(identity));
            _accepted.Clear();
            foreach (var (key, serial) in known.Accepted)
                _accepted[key] = serial;
        }
    }

    /// <summary>Our own keys by our own word: no peer's proof counts for them.</summary>
    internal void TakeOwn(KeyAnnouncement announcement)
    {
        lock (_gate)
        {
            foreach (var pin in _own)
                _pins.Remove(pin.Key);
            _own = [.. announcement.Keys.Select(
                k => new KeyPin(k.Key, announcement.Identity, k.State, k.Successor, _clock.GetUtcNow()))];
            foreach (var pin in _own)
                _pins[pin.Key] = pin;
        }
    }

    /// <summary>What was stored of an identity.</summary>
    internal void Take(PublicKey identity, long serial, IReadOnlyList<KeyPin> pins)
    {
        lock (_gate)
        {
            _changes++;
            foreach (var pin in pins)
                _pins[pin.Key] = pin;
            _serials[identity] = Math.Max(serial, _serials.GetValueOrDefault(identity));
        }
    }

    /// <summary>The identity that a key is pinned to; null for a key that is nobody's yet.</summary>
    public PublicKey? OwnerOf(PublicKey key)
    {
        lock (_gate)
            return _pins.GetValueOrDefault(key)?.Identity;
    }

    /// <summary>Keys that an announcement names and that must be proven before it counts: those that are nobody's yet.</summary>
    /// <remarks>A revoked key is never proven: its owner may have it no more.</remarks>
    public IReadOnlyList<PublicKey> ToProve(KeyAnnouncement announcement)
    {
        lock (_gate)
            return [.. announcement.Keys.Where(k => k.State != AnnouncedState.Revoked && !_pins.ContainsKey(k.Key)).Select(k => k.Key)];
    }

    /// <summary>
    /// What follows from an announcement whose signatures hold, without taking it: what is stored first is taken by <see cref="Load"/>.
    /// </summary>
    /// <param name="proven">Of the keys to be proven those that were. One that was not has no part in it: whoever stole an old key could
    /// else name a key that is not his as its successor.</param>
    public BookVerdict Judge(KeyAnnouncement announcement, IReadOnlySet<PublicKey> proven)
    {
        lock (_gate)
        {
            if (Refusal(announcement) is { } refusal)
                return new BookVerdict(refusal, [], []);
            var unpinned = announcement.Keys.Where(
                k => k.State != AnnouncedState.Revoked && proven.Contains(k.Key) && !_pins.ContainsKey(k.Key)).ToList();
            var (room, leftOut) = Room(announcement.Identity);
            leftOut = unpinned.Count > room ? leftOut : null;
            if (leftOut is not null && !_serials.ContainsKey(announcement.Identity) && !announcement.Keys.Any(k => IsOf(k, announcement)))
                return new BookVerdict(leftOut, [], []);
            // What is pinned is judged however full the book is: strangers must not keep a revocation from it.
            List<AnnouncedKey> own = [.. announcement.Keys.Where(k => IsOf(k, announcement)),
                .. unpinned.OrderBy(k => k.State).Take(room)];
            var known = own.Select(k => k.Key).ToHashSet();
            var contested = announcement.Keys.Where(k => _pins.TryGetValue(k.Key, out var pin) && pin.Identity != announcement.Identity);
            return new BookVerdict(null, [.. own.Where(k => !IsDecided(k, announcement))
                    .Select(k => Next(k, announcement.Identity, known)).OfType<KeyPin>()],
                [.. contested.Select(k => k.Key)], leftOut);
        }
    }

    /// <summary>The key that a payload for this one is to be sealed for: itself, or its successor where a rotation retired it.</summary>
    /// <param name="follows">False leaves a retired key as it is.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: it is revoked.</exception>
    public PublicKey Current(PublicKey key, bool follows)
    {
        lock (_gate)
        {
            for (var step = 0; step < LongestChain && _pins.TryGetValue(key, out var pin); step++)
            {
                if (pin.State == AnnouncedState.Revoked)
                    throw new PrivacyException(Failure.Forbidden,
                        $"Recipient {key.ToBase64()} is revoked by its owner, for somebody else may have the key"
                        + (pin.Successor is { } named ? $"; name {named.ToBase64()} instead" : string.Empty));
                if (!follows || pin.State != AnnouncedState.Retired || pin.Successor is not { } successor
                    || _pins.GetValueOrDefault(successor)?.Identity != pin.Identity)
                    return key;
                key = successor;
            }

            return key;
        }
    }

    /// <summary>A manager claims a key that is another identity's.</summary>
    /// <returns>Whether it is the first time, so that it is to be told.</returns>
    internal bool Contested(PublicKey key, PublicKey? claimant, string url)
    {
        lock (_gate)
        {
            if (!_pins.TryGetValue(key, out var pin) || (_conflicts.TryGetValue((key, url), out var known) && known.Claimant == claimant))
                return false;
            // Whoever makes many of them hides no other one for good: they come again with the next look.
            if (_conflicts.Count >= MaxConflicts)
                _conflicts.Clear();
            _conflicts[(key, url)] = new KeyConflict(key, pin.Identity, claimant, url, _clock.GetUtcNow());
            return true;
        }
    }

    /// <summary>A manager shows the identity of all keys that it has; what was told of it before is over.</summary>
    internal void Settled(string url, Func<PublicKey, bool> stays)
    {
        lock (_gate)
            foreach (var conflict in _conflicts.Values.Where(c => c.Url == url && !stays(c.Key)).ToArray())
                _conflicts.Remove((conflict.Key, url));
    }

    /// <summary>The pin was forgotten by an operator's word.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: the configuration pins it.</exception>
    internal void Forget(PublicKey key)
    {
        lock (_gate)
        {
            RequireFree(key);
            _changes++;
            _pins.Remove(key);
            foreach (var conflict in _conflicts.Keys.Where(c => c.Key == key).ToArray())
                _conflicts.Remove(conflict);
        }
    }

    /// <summary>The key was given to an identity by an operator's word.</summary>
    /// <param name="serial">As it was stored.</param>
    internal void Accept(KeyPin pin, long serial)
    {
        lock (_gate)
        {
            Forget(pin.Key);
            _pins[pin.Key] = pin;
            _accepted[pin.Key] = serial;
            _serials.TryAdd(pin.Identity, 0);
        }
    }

    /// <summary>Of the last announcement of an identity; 0 for none.</summary>
    internal long SerialOf(PublicKey identity)
    {
        lock (_gate)
            return _serials.GetValueOrDefault(identity);
    }

    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: the configuration pins it.</exception>
    internal void RequireFree(PublicKey key)
    {
        if (_configured.ContainsKey(key))
            throw new PrivacyException(Failure.Forbidden,
                $"The key {key.ToBase64()} is pinned by quorummesh.identities: change it there and start the manager again");
    }

    /// <summary>Why a key has no manager that it may be sent to; null where no claim was refused.</summary>
    internal string? WhyNot(PublicKey key)
    {
        lock (_gate)
            return _conflicts.Values.FirstOrDefault(c => c.Key == key) is { } conflict
                ? $"{conflict.Url} claims it and does not show the identity {conflict.Pinned.ToBase64()} that it is pinned to; an operator "
                    + "decides ('qmesh keys peers', 'qmesh keys accept')"
                : null;
    }

    private string? Refusal(KeyAnnouncement announcement)
    {
        var identity = announcement.Identity;
        if (announcement.Serial > (_clock.GetUtcNow() + MaxAhead).ToUnixTimeMilliseconds())
            return "it was made in the future: one of the two clocks is wrong";
        // Managers of one participant have an announcement each, and the older one may say the same.
        if (_serials.TryGetValue(identity, out var last) && announcement.Serial < last
            && announcement.Keys.Any(k => !IsDecided(k, announcement) && IsChange(k, identity)))
            return "it is older than one that was seen before, and says otherwise";
        return null;
    }

    /// <summary>How many more keys may be pinned to an identity, and why no more.</summary>
    private (int Room, string Why) Room(PublicKey identity)
    {
        if (_configured.ContainsValue(identity))
            return (int.MaxValue, string.Empty);
        if (!_serials.ContainsKey(identity) && _serials.Count >= MaxIdentities)
            return (0, $"{MaxIdentities} identities are known already; quorummesh.identities takes further ones");
        var (each, all) = (MaxKeysEach - _pins.Values.Count(p => p.Identity == identity), MaxPins - _pins.Count);
        return (Math.Max(0, Math.Min(each, all)), each <= all ? $"it has had more than {MaxKeysEach} keys"
            : $"{MaxPins} keys are pinned already; quorummesh.identities takes further ones");
    }

    private bool IsOf(AnnouncedKey key, KeyAnnouncement announcement) =>
        _pins.GetValueOrDefault(key.Key)?.Identity == announcement.Identity;

    /// <summary>Whether an operator has accepted the key after this announcement revoked it.</summary>
    private bool IsDecided(AnnouncedKey key, KeyAnnouncement announcement) => key.State == AnnouncedState.Revoked
        && _accepted.TryGetValue(key.Key, out var serial) && announcement.Serial <= serial;

    private bool IsChange(AnnouncedKey key, PublicKey identity) => _pins.TryGetValue(key.Key, out var pin)
        ? pin.Identity == identity && (pin.State != key.State || pin.Successor != key.Successor)
        : key.State != AnnouncedState.Revoked;

    /// <returns>Null where nothing changes. What is revoked stays so, whatever is said later.</returns>
    private KeyPin? Next(AnnouncedKey key, PublicKey identity, HashSet<PublicKey> known)
    {
        var successor = key.Successor is { } named && known.Contains(named) ? named : null;
        if (!_pins.TryGetValue(key.Key, out var pin))
            return new KeyPin(key.Key, identity, key.State, successor, _clock.GetUtcNow());
        var next = pin with { State = pin.State == AnnouncedState.Revoked ? pin.State : key.State, Successor = successor ?? pin.Successor };
        next = next.State == AnnouncedState.Active ? next with { Successor = null } : next;
        return next == pin ? null : next;
    }
}
