using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Encrypts, distributes and stores the payloads of our own node. A hash is answered only when every recipient and this manager have the
/// payload on disk; when a push fails nothing is kept here (recipients that already stored it keep it, as with Tessera). Nothing is locked
/// while peers are called: managers that push to each other would wait for each other.
/// </summary>
/// <param name="failed">Sends that failed, to be gone on with when they are tried again.</param>
/// <param name="isEnhanced">Privacy flags other than 0 are taken (<c>features.enablePrivacyEnhancements</c>).</param>
public sealed class PayloadSender(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys, Publisher publisher, FailedSends failed,
    bool isEnhanced = false)
{
    /// <summary>The longest plain payload, in bytes; also that of the enclave.</summary>
    public const int MaxPayload = 32 * 1024 * 1024;

    /// <summary>Recipients that one transaction may name.</summary>
    public const int MaxRecipients = 1000;

    /// <summary>A line for the log. Called on the thread of a send.</summary>
    public event Action<string>? Told;

    /// <summary>How often a signed transaction is boxed anew because another call for it came first.</summary>
    private const int MaxAttempts = 5;

    /// <summary>Encrypts a payload for recipients, sender and alwaysSendTo, in Tessera's order (tessera 4.3), and distributes
    /// it.</summary>
    public async Task<SendResult> SendAsync(
        ReadOnlyMemory<byte> payload, PublicKey? from, IReadOnlyList<PublicKey> to, PrivacyOptions privacy, PayloadRoom room,
        CancellationToken cancel)
    {
        Check(payload, to, privacy);
        using var place = room.Begin();
        place.TakeForms(payload.Length);
        var affected = await AffectedAsync(privacy, place, cancel).ConfigureAwait(false);
        var (name, sealedPayload, targets) = await WithSenderAsync(from, async sender =>
        {
            var recipients = await RecipientsAsync(to, sender, privacy.Mode, cancel).ConfigureAwait(false);
            PrivacyRules.RequireSendable(privacy, recipients, affected);
            var targets = await publisher.ResolveAsync(recipients, privacy.Mode, cancel).ConfigureAwait(false);
            // After the look-up: a recipient that nobody is known to have costs nothing, and nothing is sent to the others.
            var name = FailedSends.NameOf(payload.Span, sender, recipients, privacy);
            var made = failed.Take(name)
                ?? privacy.On(await enclave.SealAsync(payload, sender, recipients, affected, cancel).ConfigureAwait(false));
            return (name, made, targets);
        }, cancel).ConfigureAwait(false);
        try
        {
            return await DistributeAsync(sealedPayload, targets, cancel).ConfigureAwait(false);
        }
        catch
        {
            failed.Keep(name, sealedPayload);
            throw;
        }
    }

    /// <summary>
    /// Encrypts as <see cref="SendAsync"/> does, and neither stores nor sends anything: the node shares it by other ways (tessera 1.10).
    /// </summary>
    public async Task<EncodedPayload> EncodeAsync(
        ReadOnlyMemory<byte> payload, PublicKey? from, IReadOnlyList<PublicKey> to, PrivacyOptions privacy, PayloadRoom room,
        CancellationToken cancel)
    {
        Check(payload, to, privacy);
        using var place = room.Begin();
        place.TakeForms(payload.Length);
        var affected = await AffectedAsync(privacy, place, cancel).ConfigureAwait(false);
        var encoded = await WithSenderAsync(from, async sender =>
        {
            var recipients = await RecipientsAsync(to, sender, privacy.Mode, cancel).ConfigureAwait(false);
            PrivacyRules.RequireSendable(privacy, recipients, affected);
            return privacy.On(await enclave.SealAsync(payload, sender, recipients, affected, cancel).ConfigureAwait(false));
        }, cancel).ConfigureAwait(false);
        place.Keep(encoded.CipherText.Length);
        return encoded;
    }

    /// <summary>Distributes a payload that <see cref="StoreRawAsync"/> kept; its hash stays.</summary>
    public async Task<SendResult> SendSignedAsync(
        ReadOnlyMemory<byte> hash, IReadOnlyList<PublicKey> to, PrivacyOptions privacy, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        privacy.Require(isEnhanced);
        CheckRecipients(to);
        var text = Convert.ToBase64String(hash.Span);
        var raw = (hash.Length == PayloadHash.Size
            ? await store.FindRawAsync(new PayloadHash(hash.Span), cancel, place.TakeForms).ConfigureAwait(false)
            : null) ?? throw PrivacyException.RawNotFound(text);
        var always = await ownKeys.AlwaysSendToAsync(cancel).ConfigureAwait(false);
        // Unlike /send the sender comes last here (tessera 4.3), and /participants shows the order.
        PublicKey[] recipients = [.. publisher.Current([.. to, .. always], privacy.Mode).Append(raw.SenderKey).Distinct()];
        var affected = await AffectedAsync(privacy, place, cancel).ConfigureAwait(false);
        PrivacyRules.RequireSendable(privacy, recipients, affected);
        var targets = await publisher.ResolveAsync(recipients, privacy.Mode, cancel).ConfigureAwait(false);
        for (var attempt = 1; ; attempt++)
        {
            var sealedPayload = await SealSignedAsync(new PayloadHash(hash.Span), recipients, privacy, SealAsync, place, cancel)
                .ConfigureAwait(false);
            try
            {
                return await DistributeAsync(sealedPayload, targets, cancel).ConfigureAwait(false);
            }
            catch (PrivacyException e) when (e.Failure is Failure.InvalidPayload or Failure.PeerRefused && attempt < MaxAttempts)
            {
                // Another call for this hash, here or at a manager that shares the database, may have stored its boxes first: ours are made
                // again beside them.
                var first = await store.FindAsync(new PayloadHash(hash.Span), cancel, place.TakeForms).ConfigureAwait(false);
                if (first is null || first.RecipientNonce.AsSpan().SequenceEqual(sealedPayload.RecipientNonce))
                    throw;
            }
        }

        async Task<EncodedPayload> SealAsync() =>
            privacy.On(await enclave.SealStoredAsync(raw, recipients, affected, cancel).ConfigureAwait(false));
    }

    /// <summary>Encrypts for the sender alone; what the client signs is the hash (tessera 1.4).</summary>
    public async Task<PayloadHash> StoreRawAsync(
        ReadOnlyMemory<byte> payload, PublicKey? from, PayloadRoom room, CancellationToken cancel)
    {
        Check(payload, [], PrivacyOptions.Standard);
        using var place = room.Begin();
        place.TakeForms(payload.Length);
        var raw = await WithSenderAsync(from, sender => enclave.SealRawAsync(payload, sender, cancel), cancel).ConfigureAwait(false);
        var hash = raw.ComputeHash();
        await store.SaveRawAsync(hash, raw, cancel).ConfigureAwait(false);
        return hash;
    }

    /// <summary>
    /// With the sender's key; once more, with the key of now, when the enclave no longer has or seals with the one that was remembered:
    /// it may have been rotated since.
    /// </summary>
    private async Task<T> WithSenderAsync<T>(PublicKey? from, Func<PublicKey, Task<T>> work, CancellationToken cancel)
    {
        var sender = await ownKeys.SenderAsync(from, cancel).ConfigureAwait(false);
        try
        {
            return await work(sender).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.KeyNotFound)
        {
            await ownKeys.RefreshAsync(cancel).ConfigureAwait(false);
            var now = await ownKeys.SenderAsync(from, cancel).ConfigureAwait(false);
            if (now == sender)
                throw;
            return await work(now).ConfigureAwait(false);
        }
    }

    private async Task<PublicKey[]> RecipientsAsync(
        IReadOnlyList<PublicKey> to, PublicKey sender, PrivacyMode mode, CancellationToken cancel)
    {
        var always = await ownKeys.AlwaysSendToAsync(cancel).ConfigureAwait(false);
        return [.. publisher.Current(to, mode).Append(sender).Concat(publisher.Current(always, mode)).Distinct()];
    }

    /// <summary>
    /// A repeated call keeps the boxes of the first, so that a client may retry and recipients see the same payload again.
    /// </summary>
    private async Task<EncodedPayload> SealSignedAsync(
        PayloadHash hash, IReadOnlyList<PublicKey> recipients, PrivacyOptions privacy, Func<Task<EncodedPayload>> seal,
        PayloadRoom.Place place, CancellationToken cancel)
    {
        var existing = await store.FindAsync(hash, cancel, place.TakeForms).ConfigureAwait(false);
        if (existing is null)
            return await seal().ConfigureAwait(false);
        if (!IsPromised(existing, recipients, privacy))
            throw new PrivacyException(Failure.InvalidPayload, BoxMerge.Mismatch);
        // Under the nonce of the boxes that are there: one row has one nonce, here and at each recipient (tessera 3.1).
        foreach (var added in recipients.Where(k => existing.IndexOfRecipient(k) < 0).ToArray())
        {
            var box = await enclave.AddBoxAsync(existing, added, cancel).ConfigureAwait(false);
            existing = existing with
            {
                RecipientKeys = [.. existing.RecipientKeys, added],
                RecipientBoxes = [.. existing.RecipientBoxes, box],
            };
        }

        return existing;
    }

    /// <summary>
    /// Whether a row was sent with these promises: what is sent again is the row, and others would be dropped without a word.
    /// </summary>
    private static bool IsPromised(EncodedPayload existing, IReadOnlyList<PublicKey> recipients, PrivacyOptions privacy) =>
        existing.PrivacyMode == privacy.Mode
        && (privacy.Mode == PrivacyMode.StandardPrivate
            || (existing.ExecutionHash.AsSpan().SequenceEqual(privacy.ExecutionHash)
                && existing.AffectedTransactions.Select(a => a.Hash).ToHashSet().SetEquals(privacy.Affected)
                && existing.MandatoryRecipients.ToHashSet().SetEquals(privacy.Mandatory)))
        && (privacy.Mode != PrivacyMode.PrivateStateValidation || existing.RecipientKeys.ToHashSet().SetEquals(recipients));

    /// <summary>What the transaction builds on, as it is stored here.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: it is not (tessera 8.2).</exception>
    private async Task<IReadOnlyList<AffectedPayload>> AffectedAsync(
        PrivacyOptions privacy, PayloadRoom.Place place, CancellationToken cancel)
    {
        if (privacy.Affected.Count == 0)
            return [];
        var affected = new List<AffectedPayload>(privacy.Affected.Count);
        foreach (var hash in privacy.Affected.Distinct())
            affected.Add(new AffectedPayload(hash, await store.FindAsync(hash, cancel, place.TakeForms).ConfigureAwait(false)
                ?? throw PrivacyException.AffectedNotFound(hash.ToBase64())));
        return affected;
    }

    private void Check(ReadOnlyMemory<byte> payload, IReadOnlyList<PublicKey> to, PrivacyOptions privacy)
    {
        if (payload.IsEmpty)
            throw new PrivacyException(Failure.BadRequest, "payload: must not be empty");
        if (payload.Length > MaxPayload)
            throw new PrivacyException(Failure.TooLarge, $"payload: at most {MaxPayload} bytes, not {payload.Length}");
        CheckRecipients(to);
        privacy.Require(isEnhanced);
    }

    private static void CheckRecipients(IReadOnlyList<PublicKey> to)
    {
        if (to.Count > MaxRecipients)
            throw new PrivacyException(Failure.BadRequest, $"to: at most {MaxRecipients} recipients, not {to.Count}");
    }

    private async Task<SendResult> DistributeAsync(
        EncodedPayload payload, IReadOnlyList<(PublicKey Key, string Url)> targets, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var hash = payload.ComputeHash();
        // From here on the caller's leaving ends nothing: a send that some recipients have is finished, in the time that pushes have, and
        // not left half done.
        // Pushed before it is stored here: what our store holds as sent is with all parties. The other way round a failed push
        // would have to be taken back. The hash is answered after both (tessera 4.4).
        await publisher.PublishAsync(payload, targets, CancellationToken.None).ConfigureAwait(false);

        var managed = await ownKeys.ManagedAsync(payload.RecipientKeys, CancellationToken.None).ConfigureAwait(false);
        Participation[] rows =
        [
            new(payload.SenderKey, PartyRole.Sender),
            .. managed.Select(k => new Participation(k, PartyRole.Recipient)),
        ];
        await store.SaveAsync(hash, payload, rows, CancellationToken.None).ConfigureAwait(false);
        if (cancel.IsCancellationRequested)
            Told?.Invoke(
                $"The send of {hash.ToBase64()} was finished after its caller had hung up: all its parties have the payload. If this "
                + "happens often, let the node wait longer (GoQuorum: --ptm.timeout)");
        return new SendResult(hash, payload.SenderKey, managed);
    }
}
