using System.Collections.Concurrent;
using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Enclave.Core;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Identities;

/// <summary>
/// Asks managers of ours which identity they are of, has every key prove it, and keeps what follows. Who has a key but not its identity,
/// because he stole the key or keeps quiet about identities, does not get what is sent to it.
/// </summary>
/// <param name="own">Null: our enclave can have none.</param>
public sealed class PeerIdentities(
    IdentityBook book, OwnIdentity? own, IIdentityStore store, PartyDirectory directory, OwnKeys ownKeys, IEnclave enclave,
    IPeerClient peers, TimeProvider clock)
{
    /// <summary>Keys that one look has proven; those left over come with the next one.</summary>
    private const int MaxProofs = 100;

    private const int Parallelism = 8;

    /// <summary>A URL may have changed hands without a word: its presence is asked for again.</summary>
    private static readonly TimeSpan GoodFor = TimeSpan.FromMinutes(10);

    private readonly KeyProver _prover = new(ownKeys, enclave, peers);
    private readonly KeyHomes _homes = new(directory, new KeyProver(ownKeys, enclave, peers));
    private readonly TellBudget _told = new(clock, directory.Announce);
    private readonly ConcurrentDictionary<string, Seen> _seen = new();
    private long _refusals;

    /// <summary>Announcements and claims that were refused.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>
    /// A manager answered our party info and named its announcement, or none: it is asked where that is new, where it was asked long ago,
    /// and where it has keys that are pinned and shows nothing.
    /// </summary>
    internal async Task LookAsync(string url, string? tag, CancellationToken cancel)
    {
        var isKnown = _seen.TryGetValue(url, out var seen) && seen.Tag == tag && clock.GetElapsedTime(seen.At) < GoodFor;
        if (!isKnown && (tag is not null || directory.KeysOf(url).Any(k => book.OwnerOf(k) is not null)))
            await AskAsync(url, cancel).ConfigureAwait(false);
    }

    /// <summary>Whether a URL that has proven a key may have it: it is nobody's, or the URL shows its identity.</summary>
    internal async Task<bool> AdmitsAsync(string url, PublicKey key, CancellationToken cancel)
    {
        if (book.OwnerOf(key) is not { } pinned)
            return true;
        try
        {
            var isFresh = _seen.TryGetValue(url, out var seen) && seen.Identity == pinned && clock.GetElapsedTime(seen.At) < GoodFor;
            var shown = isFresh ? pinned : await AskAsync(url, cancel).ConfigureAwait(false);
            if (shown == pinned)
                return true;
            TellContested(key, shown, url);
            return false;
        }
        catch (PrivacyException)
        {
            // It does not answer now: the key is claimed again with its next party info.
            return false;
        }
    }

    /// <summary>Whether a key is pinned, so that no word alone makes it anyone's.</summary>
    internal bool IsPinned(PublicKey key) => book.OwnerOf(key) is not null;

    /// <summary>Whether a URL has shown an identity, as it was asked last.</summary>
    public bool HasShown(string url) => _seen.TryGetValue(url, out var seen) && seen.Identity is not null;

    /// <summary>An operator accepts what becomes of a key.</summary>
    /// <param name="identity">Null: whoever proves it next, also without an identity.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.NotFound"/>: it is pinned to nobody and none is named;
    /// <see cref="Failure.Forbidden"/>: the configuration pins it.</exception>
    public async Task AcceptAsync(PublicKey key, PublicKey? identity, CancellationToken cancel)
    {
        book.RequireFree(key);
        if (identity is null)
        {
            if (!await store.ForgetPinAsync(key, cancel).ConfigureAwait(false))
                throw new PrivacyException(Failure.NotFound, $"The key {key.ToBase64()} is pinned to no identity");
            book.Forget(key);
        }
        else
        {
            var pin = new KeyPin(key, identity, AnnouncedState.Active, null, clock.GetUtcNow());
            var serial = book.SerialOf(identity);
            await store.AcceptPinAsync(pin, serial, cancel).ConfigureAwait(false);
            book.Accept(pin, serial);
        }

        _seen.Clear();
        directory.Announce($"An operator has decided that the key {key.ToBase64()} is {(identity is null
            ? "whoever proves it next" : $"the identity's {identity.ToBase64()}")}");
    }

    /// <returns>The identity that the URL has shown; null for a manager without one.</returns>
    /// <exception cref="PrivacyException">It does not answer, or the store or our own enclave is away.</exception>
    private async Task<PublicKey?> AskAsync(string url, CancellationToken cancel)
    {
        if (own is not null)
            await own.RefreshAsync(cancel).ConfigureAwait(false);
        var nonce = RandomNumberGenerator.GetBytes(IdentityAnswer.NonceSize);
        var body = await peers.IdentityAsync(url, nonce, cancel).ConfigureAwait(false);
        var answer = body is null ? null : Verified(url, nonce, body);
        var shown = answer?.Announcement.Announcement.Identity;
        var isWhole = true;
        // Another manager of our own participant has nothing to tell us of our keys.
        if (answer is not null && shown != own?.Key)
            isWhole = await TakeAsync(url, answer.Announcement.Announcement, cancel).ConfigureAwait(false);
        foreach (var key in directory.KeysOf(url))
            if (book.OwnerOf(key) is { } pinned && pinned != shown)
            {
                TellContested(key, shown, url);
                directory.Drop(url, key);
            }

        if (shown is not null)
            book.Settled(url, key => book.OwnerOf(key) != shown);
        Remember(url, new Seen(shown, isWhole && answer is not null ? IdentityAnswer.Tag(answer.Announcement.Bytes) : null,
            clock.GetTimestamp()));
        return shown;
    }

    /// <returns>Null for an answer that shows nothing, which is told.</returns>
    private IdentityAnswer? Verified(string url, byte[] nonce, byte[] body)
    {
        try
        {
            var answer = IdentityAnswer.Read(body);
            var identity = answer.Announcement.Announcement.Identity.Span;
            if (IdentityKey.Verify(identity, IdentityStatement.Presence(nonce, url), answer.Presence)
                && IdentityKey.Verify(identity, IdentityStatement.OwnKeys(answer.Announcement.Bytes), answer.Announcement.Signature))
                return answer;
            Refuse($"{url} shows an identity whose signatures do not hold for it: it is not there, or its serverAddress is another URL");
        }
        catch (WireFormatException e)
        {
            Refuse($"{url} shows an identity that cannot be read: {e.Message}");
        }

        return null;
    }

    /// <returns>Whether all of it was taken or refused for good; else it is worth another look.</returns>
    private async Task<bool> TakeAsync(string url, KeyAnnouncement announcement, CancellationToken cancel)
    {
        var (proven, isWhole) = await ProveAsync(url, announcement, cancel).ConfigureAwait(false);
        var verdict = book.Judge(announcement, proven);
        if (verdict.Refusal is { } refusal)
        {
            Refuse($"The announcement of {announcement.Identity.ToBase64()} at {url} is refused: {refusal}");
            return true;
        }

        if (verdict.LeftOut is { } why)
            Refuse($"Some keys of {announcement.Identity.ToBase64()} at {url} are not pinned: {why}");
        foreach (var key in verdict.Contested)
            TellContested(key, announcement.Identity, url);
        if (verdict.Pins.Count > 0)
        {
            await store.SavePinsAsync(announcement.Identity, announcement.Serial, verdict.Pins, cancel).ConfigureAwait(false);
            TellChanges(verdict.Pins);
            // Before the book says so: who names an old key is sent to its successor from then on, and must find it.
            foreach (var key in proven)
                directory.Learn(url, key);
            book.Take(announcement.Identity, announcement.Serial, verdict.Pins);
        }

        return isWhole;
    }

    private async Task<(HashSet<PublicKey> Proven, bool IsWhole)> ProveAsync(
        string url, KeyAnnouncement announcement, CancellationToken cancel)
    {
        var all = book.ToProve(announcement);
        var proven = new ConcurrentBag<PublicKey>();
        var failed = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(all.Take(MaxProofs), options, async (key, token) =>
        {
            switch (await _prover.ProveForAsync(url, key, announcement.Identity, token).ConfigureAwait(false))
            {
                // A thief of the key proves it too: from who had it first it goes as without identities.
                case Proof.Given when await _homes.GiveWayAsync(key, url, token).ConfigureAwait(false):
                    proven.Add(key);
                    break;
                case Proof.Denied:
                    Refuse($"{announcement.Identity.ToBase64()} at {url} claims the key {key.ToBase64()} and does not have it");
                    break;
                default:
                    Interlocked.Increment(ref failed);
                    break;
            }
        }).ConfigureAwait(false);
        return ([.. proven], all.Count <= MaxProofs && failed == 0);
    }

    private void TellChanges(IReadOnlyList<KeyPin> pins)
    {
        foreach (var pin in pins.Where(p => p.State != AnnouncedState.Active))
            _told.Tell($"The key {pin.Key.ToBase64()} is {pin.State.ToString().ToLowerInvariant()}, says its identity "
                + pin.Identity.ToBase64() + (pin.Successor is { } successor ? $": {successor.ToBase64()} is in its place" : string.Empty));
    }

    private void TellContested(PublicKey key, PublicKey? claimant, string url)
    {
        Interlocked.Increment(ref _refusals);
        if (book.Contested(key, claimant, url))
            _told.Tell($"{url} claims the key {key.ToBase64()} "
                + (claimant is null ? "and shows no identity" : $"for the identity {claimant.ToBase64()}")
                + $", but it is pinned to {book.OwnerOf(key)?.ToBase64()}: nothing is sent to it there. If its owner has changed his "
                + "identity, an operator accepts that ('qmesh keys accept')");
    }

    private void Refuse(string line)
    {
        Interlocked.Increment(ref _refusals);
        _told.Tell(line);
    }

    private void Remember(string url, Seen seen)
    {
        // Those that are known and polled come again by themselves.
        if (_seen.Count > 4096)
            _seen.Clear();
        _seen[url] = seen;
    }

    /// <param name="Identity">Null: the URL showed none.</param>
    /// <param name="Tag">Null: it is to be asked again.</param>
    private sealed record Seen(PublicKey? Identity, string? Tag, long At);
}
