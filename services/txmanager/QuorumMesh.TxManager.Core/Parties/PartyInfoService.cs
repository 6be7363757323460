using System.Net;
using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>Answers what peers send about themselves, and proves our keys to them (tessera 2.2, 2.3).</summary>
/// <param name="identities">Null: managers show each other no identities.</param>
/// <param name="own">Null: we have none.</param>
public sealed class PartyInfoService(
    PartySettings settings, PartyDirectory directory, OwnKeys ownKeys, IEnclave enclave, IPeerClient peers, TimeProvider clock,
    PeerIdentities? identities = null, OwnIdentity? own = null)
{
    private readonly KeyClaims _claims = new(settings, directory, new KeyProver(ownKeys, enclave, peers), identities);
    private readonly NewcomerGate _gate = new(clock);

    /// <summary>Our own party info: our keys, and the managers that we know to be active.</summary>
    public async Task<PartyInfo> OwnAsync(CancellationToken cancel)
    {
        var keys = await ownKeys.AnnouncedAsync(cancel).ConfigureAwait(false);
        return new PartyInfo(
            settings.AnnouncedUrl,
            [.. keys.Select(k => new RecipientEntry(k, settings.AnnouncedUrl))],
            [settings.AnnouncedUrl, .. directory.ActiveUrls().Take(PartyInfoCodec.MaxParties - 1)]);
    }

    /// <param name="source">The address that the call comes from: unknown managers are counted by it.</param>
    /// <param name="features">What the caller's versions say.</param>
    /// <returns>The answer's body: our URL and nothing else, or empty with key validation on.</returns>
    /// <exception cref="PrivacyException">It is refused; the log says so too.</exception>
    public async Task<byte[]> ReceiveAsync(
        ReadOnlyMemory<byte> encoded, string source, CancellationToken cancel, PeerFeatures features = PeerFeatures.None)
    {
        var info = PartyInfoCodec.Decode(encoded.Span);
        var url = PeerUrl.Normalize(info.Url) ?? throw new WireFormatException("url: not an absolute http or https URL", 0);
        // Our own party info, come back: nothing to learn.
        if (url == settings.OwnUrl)
            return Answer();
        try
        {
            await TakeAsync(url, info, source, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e)
        {
            directory.Refused($"The party info of {url} from {source} was refused: {e.Message}");
            throw;
        }

        directory.Knows(url, features);
        // Its list is a hint that something is new: URLs are taken only from a manager that we asked and that has proven a key.
        string?[] parties = [.. info.Parties.Select(PeerUrl.Normalize)];
        directory.Called(
            url, parties.Contains(settings.OwnUrl), !settings.DiscoveryDisabled && directory.HasUnknown(parties.OfType<string>()));
        return Answer();
    }

    /// <summary>
    /// A manager answered our poll: looks at its identity and at keys of its that others claim, and asks it whom it knows when that is
    /// worth it.
    /// </summary>
    /// <param name="identityTag">What <see cref="IPeerClient.SendPartyInfoAsync"/> gave.</param>
    public async Task FollowUpAsync(string url, string? identityTag, CancellationToken cancel)
    {
        if (identities is not null && directory.IsTrusted(url))
            await LookAsync(identities, url, identityTag, cancel).ConfigureAwait(false);
        await _claims.CheckContestedAsync(url, cancel).ConfigureAwait(false);
        if (directory.TakePull(url))
        {
            var urls = await peers.KnownPeersAsync(url, cancel).ConfigureAwait(false);
            directory.Vouch(url, urls.Select(PeerUrl.Normalize).OfType<string>());
        }
    }

    /// <summary>What keeps a manager from showing its identity keeps us from nothing else; it is asked again with the next poll.</summary>
    private static async Task LookAsync(PeerIdentities identities, string url, string? tag, CancellationToken cancel)
    {
        try
        {
            await identities.LookAsync(url, tag, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException)
        {
            // Its keys stay as they are until it is known who shows what.
        }
    }

    /// <summary>
    /// Opens a peer's challenge; answers only texts that are challenges, so that it opens no other payload, and those of our own kind only
    /// when they are for our URL.
    /// </summary>
    public async Task<string> ProveAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancel)
    {
        var challenge = LegacyPayloadCodec.Decode(encoded.Span);
        if (challenge.RecipientKeys.Count == 0)
            throw new PrivacyException(Failure.BadRequest, "The challenge names no recipient key");
        var key = challenge.RecipientKeys[0];
        var announced = await ownKeys.AnnouncedAsync(cancel).ConfigureAwait(false);
        // One that was retired without a successor is proven no more, or peers would go on sending to it.
        if (!announced.Contains(key))
            throw new PrivacyException(Failure.KeyNotFound, $"Public key {key.ToBase64()} not found when searching for private key");
        var opened = await enclave.OpenAsync(challenge, key, cancel).ConfigureAwait(false);
        var text = opened.Payload.Length <= KeyChallenge.MaxLength ? Encoding.UTF8.GetString(opened.Payload) : string.Empty;
        return KeyChallenge.MayAnswer(text, settings.OwnUrl, own?.Key)
            ? text
            : throw new PrivacyException(Failure.BadRequest, $"The challenge is not a UUID, or not one for {settings.OwnUrl}");
    }

    private async Task TakeAsync(string url, PartyInfo info, string source, CancellationToken cancel)
    {
        if (settings.DiscoveryDisabled && !directory.IsSeed(url))
            throw new PrivacyException(Failure.Forbidden, $"{url} is not a known peer");
        PublicKey[] claimed = [.. info.Recipients.Where(r => PeerUrl.Normalize(r.Url) == url).Select(r => r.Key).Distinct()];
        var isStranger = !directory.IsTrusted(url);
        if (claimed.Length == 0 && (isStranger || settings.ValidateRemoteKeys))
        {
            // Nothing to prove, so nothing to remember: Tessera takes it, and refuses it with validation on.
            if (settings.ValidateRemoteKeys)
                throw Unproven(url);
            return;
        }

        // Or a stranger could have us call what only this machine may call.
        if (isStranger && PeerUrl.IsLocal(url) && !(IPAddress.TryParse(source, out var caller) && PeerUrl.IsLocal(caller)))
            throw new PrivacyException(Failure.Forbidden, $"{url} is an address of this machine, and {source} is another one");
        // Each look costs calls to a URL that the stranger chose: they are bounded by caller and in all.
        using var place = isStranger ? _gate.Enter(source) : default;
        if (isStranger)
            directory.RequireRoom(url);
        var taken = await _claims.AcceptAsync(url, claimed, cancel).ConfigureAwait(false);
        if (claimed.Length > 0 && taken.Count == 0)
            throw Unproven(url);
    }

    private static PrivacyException Unproven(string url) => new(Failure.Unproven, $"{url} could prove none of the keys that it claims");

    private byte[] Answer() => settings.ValidateRemoteKeys ? [] : PartyInfoCodec.Encode(new PartyInfo(settings.AnnouncedUrl, [], []));
}
