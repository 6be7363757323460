using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Stores what peers push (tessera 4.6). Beyond Tessera it opens each payload before it acknowledges it: otherwise anyone could plant a
/// payload under a foreign hash that our node would then wait for in vain. Pushes of one transaction may run at once, here and at managers
/// that share the database: the look at the stored row refuses early, the merge is the store's own.
/// </summary>
/// <param name="isEnhanced">Privacy flags other than 0 are taken.</param>
public sealed class PushReceiver(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys, RecentPayloads recent, bool isEnhanced = false)
{
    /// <summary>Stores a payload.</summary>
    /// <returns>Its hash, and what a receipt may be given for: nothing for our own payload, and nothing for one that names others, for by
    /// its absence the sender would learn that it was passed over.</returns>
    /// <exception cref="WireFormatException">The bytes are no payload.</exception>
    public async Task<(PayloadHash Hash, Delivery? Delivery)> StoreAsync(
        ReadOnlyMemory<byte> encoded, PayloadRoom room, CancellationToken cancel)
    {
        var (hash, _, recipient) = await TryStoreAsync(encoded, room, cancel).ConfigureAwait(false);
        return (hash, recipient is null ? null : new Delivery(hash, recipient));
    }

    /// <summary>
    /// Stores a payload, and tells what no peer is told: whether it was kept, or passed over; and the key of ours that opened it.
    /// </summary>
    internal async Task<(PayloadHash Hash, bool IsKept, PublicKey? Recipient)> TryStoreAsync(
        ReadOnlyMemory<byte> encoded, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        place.TakeForms(encoded.Length);
        // Told apart by their first byte, not by what the header says of the sender: an empty length begins with 0 (tessera 3.5).
        var payload = CborPayloadCodec.Begins(encoded.Span) ? CborPayloadCodec.Decode(encoded) : LegacyPayloadCodec.Decode(encoded.Span);
        // Refused before it is stored: kept as a standard one, the rules that its sender relies on would be checked by nobody.
        if (payload.PrivacyMode != PrivacyMode.StandardPrivate && !isEnhanced)
            throw PrivacyException.EnhancedPrivacy();
        var hash = payload.ComputeHash();
        // Our own payload, given back by a recipient (tessera 4.6): its boxes are opened with the sender's key.
        var isOwn = await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false);
        var opened = await ProvenAsync(payload, isOwn, cancel).ConfigureAwait(false);
        if (await KeptAsync(payload, isOwn, place, cancel).ConfigureAwait(false) is not { } kept)
            return (hash, false, null);
        if (isOwn)
        {
            await AcceptOwnAsync(hash, kept, opened, place, cancel).ConfigureAwait(false);
            return (hash, true, null);
        }

        var recipient = await AcceptAsync(hash, kept, opened, place, cancel).ConfigureAwait(false);
        return (hash, true, payload.AffectedTransactions.Count == 0 ? recipient : null);
    }

    /// <summary>
    /// A payload that names others is opened before the rules look at what is stored: by their answers a stranger, who can make no box of
    /// ours in a party's name, would learn what this manager is a party to.
    /// </summary>
    /// <returns>Null when it names none.</returns>
    private async Task<OpenedPayload?> ProvenAsync(EncodedPayload payload, bool isOwn, CancellationToken cancel)
    {
        if (payload.AffectedTransactions.Count == 0)
            return null;
        if (payload.AffectedTransactions.Count > PrivacyOptions.MaxAffected)
            throw new PrivacyException(
                Failure.InvalidPayload, $"A payload names at most {PrivacyOptions.MaxAffected} affected transactions");
        var named = isOwn ? payload.SenderKey : await NamedOwnKeyAsync(payload, cancel).ConfigureAwait(false);
        return await enclave.OpenAsync(payload, named, cancel).ConfigureAwait(false);
    }

    /// <summary>What is kept of a payload by its flag; null when it is passed over (<see cref="PrivacyRules"/>).</summary>
    private async Task<EncodedPayload?> KeptAsync(EncodedPayload payload, bool isOwn, PayloadRoom.Place place, CancellationToken cancel)
    {
        if (payload.AffectedTransactions.Count == 0)
            return payload;
        var affected = new List<AffectedPayload>();
        foreach (var hash in payload.AffectedTransactions.Select(a => a.Hash).Distinct())
            if (await ExistingAsync(hash, place, cancel).ConfigureAwait(false) is { } known)
                affected.Add(new AffectedPayload(hash, known));
        if ((isOwn && !IsGivenByParty(payload, affected)) || !PrivacyRules.IsAcceptable(payload, affected))
            return null;
        var invalid = await enclave.UnprovenAsync(payload, affected, cancel).ConfigureAwait(false);
        return PrivacyRules.WithoutUnproven(payload, invalid);
    }

    /// <summary>
    /// Anyone can box something between our key and his own and say that we sent it. With private state validation it is told when parties
    /// do not fit: to nobody but one of them.
    /// </summary>
    private static bool IsGivenByParty(EncodedPayload payload, IReadOnlyList<AffectedPayload> affected) =>
        payload.PrivacyMode != PrivacyMode.PrivateStateValidation
        || (payload.RecipientKeys.Count > 0 && affected.All(a => a.Payload.IndexOfRecipient(payload.RecipientKeys[0]) >= 0));

    /// <returns>The key of ours that opened it; null where it was there already and names none.</returns>
    private async Task<PublicKey?> AcceptAsync(
        PayloadHash hash, EncodedPayload payload, OpenedPayload? opened, PayloadRoom.Place place, CancellationToken cancel)
    {
        var named = await NamedOwnKeyAsync(payload, cancel).ConfigureAwait(false);
        // Java's client sends a push again when the connection died before the answer (tessera 13.2): same answer, no work.
        var existing = await ExistingAsync(hash, place, cancel).ConfigureAwait(false);
        if (IsStored(existing, payload) && await IsNotedAsync(hash, cancel).ConfigureAwait(false))
            return named;
        // Proves that box and ciphertext open with a key of ours. Only then is it on record that we are a party, which makes our
        // node wait for the payload.
        opened ??= await enclave.OpenAsync(payload, named, cancel).ConfigureAwait(false);
        if (existing is null && named is not null)
            recent.Keep(hash, await ReceivedPayload.OfAsync(payload, opened, ownKeys, cancel).ConfigureAwait(false));
        else
            recent.Drop(hash);
        try
        {
            await store.SaveAsync(hash, payload, [new Participation(opened.KeyUsed, PartyRole.Recipient)], cancel).ConfigureAwait(false);
            return opened.KeyUsed;
        }
        catch
        {
            // There may be no row, or another one.
            recent.Drop(hash);
            throw;
        }
    }

    /// <summary>
    /// A peer gives back what we sent, in recovery: its box is added to the row, or the row made anew with our own box rebuilt.
    /// </summary>
    private async Task AcceptOwnAsync(
        PayloadHash hash, EncodedPayload payload, OpenedPayload? opened, PayloadRoom.Place place, CancellationToken cancel)
    {
        var sender = payload.SenderKey;
        var existing = await ExistingAsync(hash, place, cancel).ConfigureAwait(false);
        if (IsStored(existing, payload) && await IsNotedAsync(hash, cancel).ConfigureAwait(false))
            return;
        // Only a box that opens to this very payload joins the row: it would be given on to whoever recovers from us.
        if (opened is null)
            await enclave.OpenAsync(payload, sender, cancel).ConfigureAwait(false);
        var added = existing is null ? await WithOwnBoxAsync(payload, cancel).ConfigureAwait(false) : payload;
        var managed = await ownKeys.ManagedAsync(added.RecipientKeys, cancel).ConfigureAwait(false);
        Participation[] rows = [new(sender, PartyRole.Sender), .. managed.Select(k => new Participation(k, PartyRole.Recipient))];
        await store.SaveAsync(hash, added, rows, cancel).ConfigureAwait(false);
    }

    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>: what is stored is another transaction.</exception>
    private static bool IsStored(EncodedPayload? existing, EncodedPayload payload)
    {
        if (existing is null)
            return false;
        BoxMerge.RequireSame(existing, payload);
        if (BoxMerge.Contains(existing, payload))
            return true;
        BoxMerge.RequireSameBoxes(existing, payload);
        return false;
    }

    /// <summary>
    /// A payload that was stored without a participation record, by a Tessera or an older version, gets it with the next push.
    /// </summary>
    private async Task<bool> IsNotedAsync(PayloadHash hash, CancellationToken cancel)
    {
        try
        {
            return await store.IsPartyAsync(hash, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.Damaged)
        {
            return true;
        }
    }

    /// <summary>A damaged row counts as none, so that a push repairs it.</summary>
    private async Task<EncodedPayload?> ExistingAsync(PayloadHash hash, PayloadRoom.Place place, CancellationToken cancel)
    {
        try
        {
            return await store.FindAsync(hash, cancel, length => place.Take(2 * length)).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.Damaged)
        {
            return null;
        }
    }

    private async Task<EncodedPayload> WithOwnBoxAsync(EncodedPayload payload, CancellationToken cancel)
    {
        var sender = payload.SenderKey;
        if (BoxMerge.Boxed(payload).Contains(sender))
            return payload;
        // As Tessera's acceptOwnMessage: the row names the sender again, as it did when it was first stored (tessera 4.6).
        var box = await enclave.AddBoxAsync(payload, sender, cancel).ConfigureAwait(false);
        // Behind the keys that have boxes: with private state validation others follow, the sender among them.
        var boxed = BoxMerge.Boxed(payload).Append(sender).ToArray();
        return payload with
        {
            RecipientBoxes = [.. payload.RecipientBoxes, box],
            RecipientKeys = [.. boxed, .. payload.RecipientKeys.Except(boxed)],
        };
    }

    /// <summary>Our key that the payload is for; null when it names none (the form before recipient keys).</summary>
    private async Task<PublicKey?> NamedOwnKeyAsync(EncodedPayload payload, CancellationToken cancel)
    {
        if (payload.RecipientBoxes.Count == 0)
            throw new PrivacyException(Failure.InvalidPayload, "The payload has no recipient box");
        if (payload.RecipientKeys.Count == 0)
            return null;
        var managed = await ownKeys.ManagedAsync([.. BoxMerge.Boxed(payload)], cancel).ConfigureAwait(false);
        return managed.Count > 0
            ? managed[0]
            : throw new PrivacyException(
                Failure.KeyNotFound, $"Public key {payload.RecipientKeys[0].ToBase64()} not found when searching for private key");
    }
}
