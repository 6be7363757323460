using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>Gives payloads back to a manager that lost them: Tessera's resend (tessera 2.4).</summary>
public sealed class Resender(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys, Publisher publisher)
{
    private const int PageSize = 100;

    /// <summary>One payload, for a recipient stripped to it, for its sender with all our own boxes.</summary>
    /// <returns>LEGACY bytes.</returns>
    public async Task<byte[]> IndividualAsync(ReadOnlyMemory<byte> hash, PublicKey key, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var text = Convert.ToBase64String(hash.Span);
        var payload = (hash.Length == PayloadHash.Size
            ? await store.FindAsync(new PayloadHash(hash.Span), cancel, place.TakeForms).ConfigureAwait(false)
            : null) ?? throw PrivacyException.MessageNotFound(text, missing: false);
        if (payload.PrivacyMode != PrivacyMode.StandardPrivate)
            throw new PrivacyException(Failure.Forbidden, "Cannot resend enhanced privacy transaction in legacy resend");
        // Stripped as at the first push: asking again tells a recipient no more than it was told then.
        var answer = payload.ForRecipient(key)
            ?? (payload.SenderKey.Equals(key) ? await ForSenderAsync(payload, cancel).ConfigureAwait(false) : null)
            ?? throw new PrivacyException(Failure.InvalidPayload, $"Recipient {key.ToBase64()} is not a recipient of transaction ");
        return LegacyPayloadCodec.Encode(answer);
    }

    /// <summary>
    /// Pushes every standard payload that the key sent or receives to the manager that is known to have the key; damaged ones are left out.
    /// </summary>
    /// <returns>How many were pushed.</returns>
    public async Task<int> AllAsync(PublicKey key, CancellationToken cancel)
    {
        var pushed = 0;
        PayloadCursor? cursor = null;
        do
        {
            var page = await store.PageAsync(cursor, PageSize, cancel).ConfigureAwait(false);
            foreach (var stored in page.Payloads.Where(s => s.Payload?.PrivacyMode == PrivacyMode.StandardPrivate))
                pushed += await ResendAsync(stored.Payload!, key, cancel).ConfigureAwait(false);

            cursor = page.Next;
        }
        while (cursor is not null);
        return pushed;
    }

    private async Task<int> ResendAsync(EncodedPayload payload, PublicKey key, CancellationToken cancel)
    {
        var targets = await publisher.ResolveAsync([key], cancel).ConfigureAwait(false);
        // A key of our own: there is nobody to give it back to.
        if (targets.Count == 0)
            return 0;
        if (payload.IndexOfRecipient(key) >= 0)
        {
            await publisher.PublishAsync(payload, targets, cancel).ConfigureAwait(false);
            return 1;
        }

        if (!payload.SenderKey.Equals(key))
            return 0;
        var own = await ForSenderAsync(payload, cancel).ConfigureAwait(false);
        await publisher.SendAsync(own, targets[0].Url, cancel).ConfigureAwait(false);
        return 1;
    }

    /// <summary>All recipient keys and boxes that are ours; a row of the form without keys gets the key that opens it.</summary>
    private async Task<EncodedPayload> ForSenderAsync(EncodedPayload payload, CancellationToken cancel)
    {
        if (payload.RecipientKeys.Count == 0)
        {
            var opened = await enclave.OpenAsync(payload, null, cancel).ConfigureAwait(false);
            return payload with { RecipientKeys = [opened.KeyUsed] };
        }

        var managed = await ownKeys.ManagedAsync(payload.RecipientKeys, cancel).ConfigureAwait(false);
        PublicKey[] boxed = [.. managed.Where(k => payload.IndexOfRecipient(k) < payload.RecipientBoxes.Count)];
        return payload with
        {
            RecipientKeys = boxed,
            RecipientBoxes = [.. boxed.Select(k => payload.RecipientBoxes[payload.IndexOfRecipient(k)])],
        };
    }
}
