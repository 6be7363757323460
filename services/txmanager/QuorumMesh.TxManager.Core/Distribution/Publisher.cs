using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>Pushes a payload to the managers of its remote recipients, all at once. A push is idempotent at the receiver.</summary>
/// <param name="identities">Null: no key is known to have a successor.</param>
public sealed class Publisher(OwnKeys ownKeys, IPeerDirectory directory, IPeerClient peers, IdentityBook? identities = null)
{
    /// <summary>
    /// The keys to seal for, each once: in the place of one that its owner has rotated its successor. With private state validation, and
    /// with mandatory recipients, keys stay as they are named: those of a contract's transactions are compared.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: a key is revoked.</exception>
    public IReadOnlyList<PublicKey> Current(IReadOnlyList<PublicKey> recipients, PrivacyMode mode)
    {
        var follows = mode is PrivacyMode.StandardPrivate or PrivacyMode.PartyProtection;
        return identities is null ? recipients : [.. recipients.Select(k => identities.Current(k, follows)).Distinct()];
    }

    /// <summary>The remote recipients with their managers' URLs, before anything is sent.</summary>
    /// <exception cref="PrivacyException">
    /// <see cref="Failure.KeyNotFound"/> for a recipient that nobody is known to have, <see cref="Failure.Forbidden"/> for one whose
    /// manager does not know the mode.
    /// </exception>
    public async Task<IReadOnlyList<(PublicKey Key, string Url)>> ResolveAsync(
        IReadOnlyList<PublicKey> recipients, PrivacyMode mode, CancellationToken cancel)
    {
        var targets = new List<(PublicKey, string)>(recipients.Count);
        foreach (var key in recipients)
        {
            // Keys of the same enclave get no push: the sender's own row is theirs as well (tessera 4.3).
            if (await ownKeys.OwnsAsync(key, cancel).ConfigureAwait(false))
                continue;
            var url = await directory.FindUrlAsync(key, cancel).ConfigureAwait(false)
                ?? throw new PrivacyException(Failure.KeyNotFound, $"Recipient not found for key: {key.ToBase64()}"
                    + (identities?.WhyNot(key) is { } why ? $" ({why})" : string.Empty));
            RequireKnown(mode, key, url);
            targets.Add((key, url));
        }

        return targets;
    }

    /// <summary>A manager that does not know the mode would store the payload as a standard one (tessera 0.2).</summary>
    private void RequireKnown(PrivacyMode mode, PublicKey key, string url)
    {
        if (mode == PrivacyMode.StandardPrivate)
            return;
        if (!directory.Speaks(url, PeerFeatures.PrivacyEnhancements))
            throw new PrivacyException(Failure.Forbidden,
                $"Transactions with enhanced privacy is not currently supported on recipient {key.ToBase64()}");
        if (mode == PrivacyMode.MandatoryRecipients && !directory.Speaks(url, PeerFeatures.MandatoryRecipients))
            throw new PrivacyException(Failure.Forbidden,
                $"Transactions with mandatory recipients are not currently supported on recipient {key.ToBase64()}");
    }

    /// <summary>Completes when every target has stored the payload; the first failure wins, after all pushes ended.</summary>
    public async Task PublishAsync(EncodedPayload payload, IReadOnlyList<(PublicKey Key, string Url)> targets, CancellationToken cancel)
    {
        if (targets.Count == 0)
            return;
        Task[] pushes = [.. targets.Select(t => PushAsync(payload, t.Key, t.Url, cancel))];
        // All are waited for: an answer while some still run could be followed by a retry that overtakes them.
        await Task.WhenAll(pushes).ConfigureAwait(false);
    }

    private async Task PushAsync(EncodedPayload payload, PublicKey key, string url, CancellationToken cancel)
    {
        var stripped = payload.ForRecipient(key)
            ?? throw new PrivacyException(Failure.InvalidPayload, $"Recipient {key.ToBase64()} is not a recipient of transaction ");
        await SendAsync(stripped, url, cancel).ConfigureAwait(false);
    }

    /// <summary>Pushes a payload as it stands.</summary>
    public async Task SendAsync(EncodedPayload payload, string url, CancellationToken cancel)
    {
        try
        {
            if (!directory.Speaks(url, PeerFeatures.Cbor) || !await TryCborAsync(payload, url, cancel).ConfigureAwait(false))
                await peers.PushAsync(url, LegacyPayloadCodec.EncodeShared(payload), cancel).ConfigureAwait(false);
            directory.ReportSuccess(url);
        }
        // A peer that is slow or refuses is there; only one that cannot be reached is polled later and later.
        catch (PrivacyException e) when (e.Failure == Failure.PeerOffline)
        {
            directory.ReportFailure(url);
            throw;
        }
    }

    /// <summary>Tells a manager of a privacy group.</summary>
    public Task SendGroupAsync(byte[] encodedGroup, string url, CancellationToken cancel) =>
        peers.PushGroupAsync(url, encodedGroup, cancel);

    /// <summary>Gives payloads back to a manager in recovery.</summary>
    public Task SendBatchAsync(IReadOnlyList<EncodedPayload> payloads, string url, CancellationToken cancel) =>
        peers.PushBatchAsync(url, [.. payloads.Select(LegacyPayloadCodec.Encode)], cancel);

    /// <returns>False when it is refused for what may be its form: anyone can send a party info in the peer's name, and have us take it
    /// for one that reads CBOR.</returns>
    private async Task<bool> TryCborAsync(EncodedPayload payload, string url, CancellationToken cancel)
    {
        try
        {
            await peers.PushAsync(url, CborPayloadCodec.EncodeShared(payload), cancel).ConfigureAwait(false);
            return true;
        }
        catch (PrivacyException e) when (e is { Failure: Failure.PeerRefused, IsAboutForm: true })
        {
            directory.ReportLegacy(url);
            return false;
        }
    }
}
