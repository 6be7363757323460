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

    /// <summary>Rows that are read at once for batches; a page is no more than some MiB whatever that is.</summary>
    private const int BatchPageSize = 500;

    /// <summary>Of a batch's ciphertexts; a longer payload is a batch by itself.</summary>
    private const int MaxBatchBytes = 4 * 1024 * 1024;

    /// <summary>Tessera's for a number out of range, and the largest one.</summary>
    private const int MaxBatch = 10_000;

    /// <summary>Payloads were left out of a resend: a line for the log.</summary>
    public event Action<string>? Told;

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
    /// Pushes every standard payload that the key sent or receives to the manager that is known to have the key; damaged ones and those
    /// that none of our keys opens are left out, and one that is refused does not hold up the others. For a key that nobody has there is
    /// nothing to do, as with Tessera.
    /// </summary>
    /// <returns>How many were pushed, and how many of them refused.</returns>
    public async Task<(int Pushed, int Refused)> AllAsync(PublicKey key, CancellationToken cancel)
    {
        var (pushed, refused) = (0, 0);
        var unopened = new Unopened();
        if (await TargetAsync(key, cancel).ConfigureAwait(false) is not { } url)
            return (0, 0);
        PayloadCursor? cursor = null;
        do
        {
            var page = await store.PageAsync(cursor, PageSize, cancel).ConfigureAwait(false);
            foreach (var stored in page.Payloads.Where(s => s.Payload?.PrivacyMode == PrivacyMode.StandardPrivate))
            {
                if (await ForAsync(stored.Payload!, key, unopened, cancel).ConfigureAwait(false) is not { } form)
                    continue;
                pushed++;
                try
                {
                    await publisher.SendAsync(form, url, cancel).ConfigureAwait(false);
                }
                catch (PrivacyException e) when (e.Failure == Failure.PeerRefused)
                {
                    refused++;
                }
            }

            cursor = page.Next;
        }
        while (cursor is not null);
        Tell(key, unopened);
        return (pushed, refused);
    }

    /// <summary>
    /// Gives a manager in recovery what it has lost (tessera 2.5): every payload that we sent to the key, and every one that the key sent,
    /// in batches, to the manager that is known to have the key. What none of our keys opens is left out.
    /// </summary>
    /// <param name="size">Payloads in one batch; out of range is the most.</param>
    /// <returns>How many it was given.</returns>
    /// <exception cref="PrivacyException">It cannot be reached, or refuses: it is not in recovery.</exception>
    public async Task<int> BatchAsync(PublicKey key, int size, CancellationToken cancel)
    {
        if (await TargetAsync(key, cancel).ConfigureAwait(false) is not { } url)
            return 0;
        var batches = new Batches(publisher, url, size is > 0 and <= MaxBatch ? size : MaxBatch, cancel);
        var unopened = new Unopened();
        try
        {
            PayloadCursor? cursor = null;
            do
            {
                var page = await store.PageAsync(cursor, BatchPageSize, cancel).ConfigureAwait(false);
                foreach (var stored in page.Payloads.Select(s => s.Payload).OfType<EncodedPayload>())
                    if (await ForRecoveryAsync(stored, key, unopened, cancel).ConfigureAwait(false) is { } form)
                        await batches.AddAsync(form).ConfigureAwait(false);

                cursor = page.Next;
            }
            while (cursor is not null);
        }
        finally
        {
            await batches.EndAsync().ConfigureAwait(false);
        }

        Tell(key, unopened);
        return batches.Pushed;
    }

    /// <returns>What the key's manager gets: of what we sent its own box, of what it sent ours.</returns>
    private async Task<EncodedPayload?> ForRecoveryAsync(
        EncodedPayload payload, PublicKey key, Unopened unopened, CancellationToken cancel) =>
        payload.SenderKey.Equals(key)
            ? await ForSenderAsync(payload, unopened, cancel).ConfigureAwait(false)
            : await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false) ? payload.ForRecipient(key) : null;

    /// <returns>Null for a key of our own, to whom nothing can be given back, and for one that nobody has.</returns>
    private async Task<string?> TargetAsync(PublicKey key, CancellationToken cancel)
    {
        try
        {
            var targets = await publisher.ResolveAsync([key], PrivacyMode.StandardPrivate, cancel).ConfigureAwait(false);
            return targets.Select(t => t.Url).FirstOrDefault();
        }
        catch (PrivacyException e) when (e.Failure == Failure.KeyNotFound)
        {
            return null;
        }
    }

    /// <returns>What the key's manager gets of a payload; null when the key has no part in it.</returns>
    private async Task<EncodedPayload?> ForAsync(EncodedPayload payload, PublicKey key, Unopened unopened, CancellationToken cancel) =>
        payload.ForRecipient(key)
            ?? (payload.SenderKey.Equals(key) ? await ForSenderAsync(payload, unopened, cancel).ConfigureAwait(false) : null);

    /// <returns>Null for a row that none of our keys opens, as after a key was given up: it does not end the resend.</returns>
    private async Task<EncodedPayload?> ForSenderAsync(EncodedPayload payload, Unopened unopened, CancellationToken cancel)
    {
        try
        {
            return await ForSenderAsync(payload, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure is Failure.NoSuitableKey or Failure.InvalidPayload or Failure.KeyNotFound)
        {
            unopened.Count++;
            return null;
        }
    }

    private void Tell(PublicKey key, Unopened unopened)
    {
        if (unopened.Count > 0)
            Told?.Invoke($"Resend for {key.ToBase64()}: {unopened.Count} payloads were left out, for no key of our enclave opens them");
    }

    /// <summary>
    /// All recipient keys and boxes that are ours; a row of the form without keys gets the key that opens it. With private state validation
    /// the other parties stay behind them: what builds on it must name the same.
    /// </summary>
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
            RecipientKeys = payload.PrivacyMode == PrivacyMode.PrivateStateValidation
                ? [.. boxed, .. payload.RecipientKeys.Except(boxed)]
                : boxed,
            RecipientBoxes = [.. boxed.Select(k => payload.RecipientBoxes[payload.IndexOfRecipient(k)])],
        };
    }

    /// <summary>Collects batches and pushes them in order, one at a time: the next one is read meanwhile.</summary>
    private sealed class Batches(Publisher publisher, string url, int most, CancellationToken cancel)
    {
        private List<EncodedPayload> _next = [];
        private long _bytes;
        private Task _push = Task.CompletedTask;

        /// <summary>Payloads that the peer has taken.</summary>
        public int Pushed { get; private set; }

        public async Task AddAsync(EncodedPayload payload)
        {
            if (_next.Count == most || (_next.Count > 0 && _bytes + payload.CipherText.Length > MaxBatchBytes))
                await FlushAsync().ConfigureAwait(false);
            _next.Add(payload);
            _bytes += payload.CipherText.Length;
        }

        /// <summary>After a batch that was refused nothing more is pushed.</summary>
        public async Task EndAsync()
        {
            await FlushAsync().ConfigureAwait(false);
            await _push.ConfigureAwait(false);
        }

        private async Task FlushAsync()
        {
            await _push.ConfigureAwait(false);
            if (_next.Count == 0)
                return;
            var batch = _next;
            (_next, _bytes) = ([], 0);
            _push = PushAsync(batch);
        }

        private async Task PushAsync(List<EncodedPayload> batch)
        {
            await publisher.SendBatchAsync(batch, url, cancel).ConfigureAwait(false);
            Pushed += batch.Count;
        }
    }

    private sealed class Unopened
    {
        public int Count { get; set; }
    }
}
