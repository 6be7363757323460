using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.TxManager.Core;

/// <summary>Answers what peers send about themselves, and proves our keys to them (tessera 2.2, 2.3).</summary>
public sealed class PartyInfoService(
    PartySettings settings, PartyDirectory directory, OwnKeys ownKeys, IEnclave enclave, IPeerClient peers)
{
    private const int MaxValidations = 100;

    /// <summary>Our own party info: our keys, and the managers that we know to be active.</summary>
    public async Task<PartyInfo> OwnAsync(CancellationToken cancel)
    {
        IReadOnlyList<PublicKey> keys = await ownKeys.ActiveAsync(cancel).ConfigureAwait(false);
        return new PartyInfo(
            settings.OwnUrl,
            [.. keys.Select(k => new RecipientEntry(k, settings.OwnUrl))],
            [settings.OwnUrl, .. directory.ActiveUrls().Take(PartyInfoCodec.MaxParties - 1)]);
    }

    /// <returns>The answer's body: our URL and nothing else, or empty with key validation on.</returns>
    public async Task<byte[]> ReceiveAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancel)
    {
        PartyInfo info = PartyInfoCodec.Decode(encoded.Span);
        string url = PeerUrl.Normalize(info.Url) ?? throw new WireFormatException("url: not an absolute http or https URL", 0);
        if (url == settings.OwnUrl)
        {
            return Answer();
        }

        if (settings.DiscoveryDisabled && !directory.IsSeed(url))
        {
            throw new PrivacyException(Failure.Forbidden, $"{url} is not a known peer");
        }

        PublicKey[] keys = [.. info.Recipients.Where(r => PeerUrl.Normalize(r.Url) == url).Select(r => r.Key).Distinct()];
        if (settings.ValidateRemoteKeys)
        {
            keys = await ValidKeysAsync(url, keys, cancel).ConfigureAwait(false);
        }

        directory.Learn(url, keys);
        if (!info.Parties.Any(p => PeerUrl.Normalize(p) == settings.OwnUrl))
        {
            directory.PollSoon(url);
        }

        if (!settings.DiscoveryDisabled)
        {
            directory.AddParties(info.Parties.Select(PeerUrl.Normalize).OfType<string>());
        }

        return Answer();
    }

    /// <summary>Opens a peer's challenge; answers only texts that are UUIDs, so that it opens no other payload.</summary>
    public async Task<string> ProveAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancel)
    {
        EncodedPayload challenge = LegacyPayloadCodec.Decode(encoded.Span);
        if (challenge.RecipientKeys.Count == 0)
        {
            throw new PrivacyException(Failure.BadRequest, "The challenge names no recipient key");
        }

        OpenedPayload opened = await enclave.OpenAsync(challenge, challenge.RecipientKeys[0], cancel).ConfigureAwait(false);
        string text = opened.Payload.Length == 36 ? Encoding.ASCII.GetString(opened.Payload) : string.Empty;
        return Guid.TryParseExact(text, "D", out _)
            ? text
            : throw new PrivacyException(Failure.BadRequest, "The challenge is not a UUID");
    }

    private byte[] Answer() => settings.ValidateRemoteKeys ? [] : PartyInfoCodec.Encode(new PartyInfo(settings.OwnUrl, [], []));

    private async Task<PublicKey[]> ValidKeysAsync(string url, PublicKey[] keys, CancellationToken cancel)
    {
        bool[] valid = await Task.WhenAll(keys.Take(MaxValidations).Select(k => IsValidAsync(url, k, cancel))).ConfigureAwait(false);
        PublicKey[] proven = [.. keys.Take(MaxValidations).Where((_, i) => valid[i])];
        return proven.Length > 0
            ? proven
            : throw new PrivacyException(Failure.Unproven, $"No key of {url} could be validated");
    }

    private async Task<bool> IsValidAsync(string url, PublicKey key, CancellationToken cancel)
    {
        try
        {
            string text = Guid.NewGuid().ToString("D");
            PublicKey sender = await ownKeys.DefaultAsync(cancel).ConfigureAwait(false);
            EncodedPayload challenge = await enclave.SealAsync(Encoding.ASCII.GetBytes(text), sender, [key], cancel).ConfigureAwait(false);
            string answer = await peers.ValidateAsync(url, LegacyPayloadCodec.Encode(challenge), cancel).ConfigureAwait(false);
            return answer.Trim() == text;
        }
        catch (PrivacyException)
        {
            return false;
        }
    }
}
