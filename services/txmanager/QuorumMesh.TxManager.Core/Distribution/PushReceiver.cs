using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core;

/// <summary>
/// Stores what peers push (tessera 4.6). Beyond Tessera it opens each payload before it acknowledges it: otherwise anyone could plant a
/// payload under a foreign hash that our node would then wait for in vain.
/// </summary>
public sealed class PushReceiver(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys, HashLocks locks)
{
    private const string Mismatch = "Invalid existing transaction";

    /// <exception cref="WireFormatException">The bytes are no payload.</exception>
    public async Task<PayloadHash> StoreAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancel)
    {
        EncodedPayload payload = LegacyPayloadCodec.Decode(encoded.Span);
        if (payload.PrivacyMode != PrivacyMode.StandardPrivate)
        {
            throw PrivacyException.EnhancedPrivacy();
        }

        PayloadHash hash = payload.ComputeHash();
        using HashLocks.Holder _ = await locks.AcquireAsync(hash, cancel).ConfigureAwait(false);
        if (await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false))
        {
            await AcceptOwnAsync(hash, payload, cancel).ConfigureAwait(false);
        }
        else
        {
            await AcceptAsync(hash, payload, cancel).ConfigureAwait(false);
        }

        return hash;
    }

    private async Task AcceptAsync(PayloadHash hash, EncodedPayload payload, CancellationToken cancel)
    {
        PublicKey? named = await NamedOwnKeyAsync(payload, cancel).ConfigureAwait(false);
        EncodedPayload? existing = await ExistingAsync(hash, cancel).ConfigureAwait(false);
        if (existing is not null)
        {
            RequireSame(existing, payload);
            if (Contains(existing, payload))
            {
                return;
            }

            Require(existing.RecipientNonce.AsSpan().SequenceEqual(payload.RecipientNonce));
        }

        OpenedPayload opened = await enclave.OpenAsync(payload, named, cancel).ConfigureAwait(false);
        EncodedPayload merged = existing is null ? payload : Prepend(existing, payload);
        await store.SaveAsync(hash, merged, [new Participation(opened.KeyUsed, PartyRole.Recipient)], cancel).ConfigureAwait(false);
    }

    /// <summary>A peer gives back what we sent, in recovery: its box is added to the row, or the row made anew with our own box rebuilt.</summary>
    private async Task AcceptOwnAsync(PayloadHash hash, EncodedPayload payload, CancellationToken cancel)
    {
        PublicKey sender = payload.SenderKey;
        EncodedPayload? existing = await ExistingAsync(hash, cancel).ConfigureAwait(false);
        if (existing is not null)
        {
            RequireSame(existing, payload);
            if (Contains(existing, payload))
            {
                return;
            }

            Require(existing.RecipientNonce.AsSpan().SequenceEqual(payload.RecipientNonce));
        }

        await enclave.OpenAsync(payload, sender, cancel).ConfigureAwait(false);
        EncodedPayload merged = existing is not null ? Prepend(existing, payload) : await WithOwnBoxAsync(payload, cancel).ConfigureAwait(false);
        IReadOnlyList<PublicKey> managed = await ownKeys.ManagedAsync(merged.RecipientKeys, cancel).ConfigureAwait(false);
        Participation[] rows = [new(sender, PartyRole.Sender), .. managed.Select(k => new Participation(k, PartyRole.Recipient))];
        await store.SaveAsync(hash, merged, rows, cancel).ConfigureAwait(false);
    }

    /// <summary>A damaged row counts as none, so that a push repairs it.</summary>
    private async Task<EncodedPayload?> ExistingAsync(PayloadHash hash, CancellationToken cancel)
    {
        try
        {
            return await store.FindAsync(hash, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.Damaged)
        {
            return null;
        }
    }

    private async Task<EncodedPayload> WithOwnBoxAsync(EncodedPayload payload, CancellationToken cancel)
    {
        PublicKey sender = payload.SenderKey;
        if (payload.IndexOfRecipient(sender) >= 0)
        {
            return payload;
        }

        byte[] box = await enclave.AddBoxAsync(payload, sender, cancel).ConfigureAwait(false);
        return payload with
        {
            RecipientBoxes = [.. payload.RecipientBoxes, box],
            RecipientKeys = [.. payload.RecipientKeys, sender],
        };
    }

    /// <summary>Our key that the payload is for; null when it names none (the form before recipient keys).</summary>
    private async Task<PublicKey?> NamedOwnKeyAsync(EncodedPayload payload, CancellationToken cancel)
    {
        if (payload.RecipientBoxes.Count == 0)
        {
            throw new PrivacyException(Failure.InvalidPayload, "The payload has no recipient box");
        }

        if (payload.RecipientKeys.Count == 0)
        {
            return null;
        }

        IReadOnlyList<PublicKey> managed = await ownKeys.ManagedAsync(payload.RecipientKeys, cancel).ConfigureAwait(false);
        return managed.Count > 0
            ? managed[0]
            : throw new PrivacyException(
                Failure.KeyNotFound, $"Public key {payload.RecipientKeys[0].ToBase64()} not found when searching for private key");
    }

    /// <summary>
    /// The box nonce may differ when the key is known already: a sender whose first try failed at another recipient made its boxes anew.
    /// </summary>
    private static void RequireSame(EncodedPayload existing, EncodedPayload pushed) => Require(
        existing.SenderKey.Equals(pushed.SenderKey)
        && existing.CipherText.AsSpan().SequenceEqual(pushed.CipherText)
        && existing.CipherTextNonce.AsSpan().SequenceEqual(pushed.CipherTextNonce)
        && existing.PrivacyMode == pushed.PrivacyMode);

    private static void Require(bool same)
    {
        if (!same)
        {
            throw new PrivacyException(Failure.InvalidPayload, Mismatch);
        }
    }

    private static bool Contains(EncodedPayload existing, EncodedPayload pushed) =>
        pushed.RecipientKeys.Count > 0
            ? pushed.RecipientKeys.All(k => existing.IndexOfRecipient(k) >= 0)
            : pushed.RecipientBoxes.All(b => existing.RecipientBoxes.Any(e => e.AsSpan().SequenceEqual(b)));

    private static EncodedPayload Prepend(EncodedPayload existing, EncodedPayload pushed)
    {
        Require(pushed.RecipientKeys.Count == pushed.RecipientBoxes.Count && existing.RecipientKeys.Count == existing.RecipientBoxes.Count);
        int[] added = [.. Enumerable.Range(0, pushed.RecipientKeys.Count).Where(i => existing.IndexOfRecipient(pushed.RecipientKeys[i]) < 0)];
        return existing with
        {
            RecipientKeys = [.. added.Select(i => pushed.RecipientKeys[i]), .. existing.RecipientKeys],
            RecipientBoxes = [.. added.Select(i => pushed.RecipientBoxes[i]), .. existing.RecipientBoxes],
        };
    }
}
