using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <param name="Envelope">What was sent beside it, without ciphertext, boxes and recipients, which would be held as long as the
/// answer.</param>
/// <param name="ManagedParties">Our own keys among the recipients.</param>
public sealed record ReceivedPayload(byte[] Payload, EncodedPayload? Envelope, PublicKey Sender, IReadOnlyList<PublicKey> ManagedParties,
    bool IsSender)
{
    internal static async Task<ReceivedPayload> OfAsync(
        EncodedPayload payload, OpenedPayload opened, OwnKeys ownKeys, CancellationToken cancel)
    {
        // A row of the form before recipient keys tells no more than which key opened it (tessera 3.2).
        var managed = payload.RecipientKeys.Count == 0
            ? [opened.KeyUsed]
            : await ownKeys.ManagedAsync(payload.RecipientKeys, cancel).ConfigureAwait(false);
        var isSender = await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false);
        var envelope = payload with { CipherText = [], RecipientBoxes = [], RecipientKeys = [] };
        return new ReceivedPayload(opened.Payload, envelope, payload.SenderKey, managed, isSender);
    }
}

/// <param name="Received">Only with <see cref="PayloadAvailability.Here"/>.</param>
public sealed record PayloadAnswer(PayloadHash Hash, PayloadAvailability Availability, ReceivedPayload? Received)
{
    /// <summary>Of the payload, in bytes.</summary>
    internal int Length => Received?.Payload.Length ?? 0;
}

/// <summary>
/// Answers our own node's questions about stored payloads. Each takes room in its caller's share before it is read, and keeps its length
/// until the call ends.
/// </summary>
public sealed class PayloadReader(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys, RecentPayloads recent)
{
    /// <summary>Hashes that one batch may ask for.</summary>
    public const int MaxBatch = 1024;

    private const int Parallelism = 16;
    private const int FirstWindow = 4;

    /// <summary>A group of answers that brought more than this is followed by one alone, for the next may be as large.</summary>
    private const int LargeGroup = 1024 * 1024;

    /// <summary>
    /// Answers for the first hashes, at least one, until their payloads come to about <paramref name="maxBytes"/>. Never throws for a
    /// payload that cannot be had: the answer says why.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.NoRoom"/>: not even for the first.</exception>
    public async Task<IReadOnlyList<PayloadAnswer>> AnswerAsync(
        IReadOnlyList<PayloadHash> hashes, int maxBytes, PayloadRoom room, CancellationToken cancel)
    {
        if (hashes.Count > MaxBatch)
            throw new PrivacyException(Failure.BadRequest, $"at most {MaxBatch} hashes in one request, not {hashes.Count}");
        var answers = new Answers(maxBytes);
        for (var group = FirstWindow; answers.Given.Count < hashes.Count;)
        {
            PayloadHash[] some = [.. hashes.Skip(answers.Given.Count).Take(group)];
            var found = await Task.WhenAll(some.Select(hash => AnswerOrNullAsync(hash, room, cancel))).ConfigureAwait(false);
            // In order and cut at the limit: the caller asks again from where the answers end.
            var used = answers.AddWhileTheyFit(found);
            foreach (var unused in found.Skip(used))
                room.GiveBack(unused?.Length ?? 0);
            if (used < some.Length && answers.Given.Count > 0)
                break;
            if (used == 0 && some.Length == 1)
                throw PayloadRoom.Full();
            // Those of one group take room from each other: the first may have enough alone.
            group = used == 0 || answers.Given[^1].Length > LargeGroup ? 1 : Math.Min(group * 2, Parallelism);
        }

        return answers.Given;
    }

    /// <exception cref="PrivacyException"><see cref="Failure.NotFound"/>, <see cref="Failure.Missing"/> or why it cannot be
    /// opened.</exception>
    public async Task<ReceivedPayload> ReceiveAsync(
        ReadOnlyMemory<byte> hash, PublicKey? to, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var payload = await FindAsync(hash, place, cancel).ConfigureAwait(false);
        var opened = await OpenAsync(payload, to, cancel).ConfigureAwait(false);
        place.Keep(opened.Payload.Length);
        return await ReceivedPayload.OfAsync(payload, opened, ownKeys, cancel).ConfigureAwait(false);
    }

    /// <summary>Opens a payload that the caller has and this manager need not have (tessera 1.10).</summary>
    /// <exception cref="PrivacyException">It opens with no key of ours.</exception>
    public async Task<byte[]> DecryptAsync(EncodedPayload payload, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        place.TakeForms(payload.CipherText.Length);
        try
        {
            var opened = await enclave.OpenAsync(payload, null, cancel).ConfigureAwait(false);
            place.Keep(opened.Payload.Length);
            return opened.Payload;
        }
        catch (PrivacyException e) when (e.Failure is Failure.NoSuitableKey or Failure.InvalidPayload or Failure.KeyNotFound)
        {
            throw new PrivacyException(Failure.NoSuitableKey,
                $"No suitable recipient keys found to decrypt payload for {payload.ComputeHash().ToBase64()}", e);
        }
    }

    /// <summary>What /storeraw kept under a hash, for its sender (tessera 1.6).</summary>
    public async Task<ReceivedPayload> ReceiveRawAsync(ReadOnlyMemory<byte> hash, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var raw = (hash.Length == PayloadHash.Size
            ? await store.FindRawAsync(new PayloadHash(hash.Span), cancel, place.TakeForms).ConfigureAwait(false)
            : null)
            ?? throw new PrivacyException(Failure.NotFound, $"Raw Message with hash {Convert.ToBase64String(hash.Span)} was not found");
        var payload = await enclave.OpenRawAsync(raw, cancel).ConfigureAwait(false);
        place.Keep(payload.Length);
        return new ReceivedPayload(payload, null, raw.SenderKey, [raw.SenderKey], true);
    }

    /// <summary>Whether a payload was sent with a key of ours (tessera 1.7).</summary>
    public async Task<bool> IsSenderAsync(ReadOnlyMemory<byte> hash, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var payload = await FindAsync(hash, place, cancel).ConfigureAwait(false);
        return await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false);
    }

    /// <summary>At the sender every recipient, itself included; at a recipient of a standard private transaction itself alone.</summary>
    public async Task<IReadOnlyList<PublicKey>> ParticipantsAsync(ReadOnlyMemory<byte> hash, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var payload = await FindAsync(hash, place, cancel).ConfigureAwait(false);
        return payload.RecipientKeys;
    }

    /// <summary>Throws <see cref="Failure.BadRequest"/> for a payload of another privacy mode (tessera 1.7).</summary>
    public async Task<IReadOnlyList<PublicKey>> MandatoryRecipientsAsync(
        ReadOnlyMemory<byte> hash, PayloadRoom room, CancellationToken cancel)
    {
        using var place = room.Begin();
        var payload = await FindAsync(hash, place, cancel).ConfigureAwait(false);
        return payload.PrivacyMode == PrivacyMode.MandatoryRecipients
            ? payload.MandatoryRecipients
            : throw new PrivacyException(
                Failure.BadRequest, "Operation invalid. Transaction found is not a mandatory recipients privacy type");
    }

    /// <summary>Deletes the payload and keeps the record of being a party, so that the node waits for it rather than skip
    /// it.</summary>
    public async Task DeleteAsync(ReadOnlyMemory<byte> hash, CancellationToken cancel)
    {
        var isGone = hash.Length == PayloadHash.Size && await store.DeleteAsync(new PayloadHash(hash.Span), cancel).ConfigureAwait(false);
        if (isGone)
            recent.Drop(new PayloadHash(hash.Span));
        else
            throw PrivacyException.MessageNotFound(Convert.ToBase64String(hash.Span), missing: false);
    }

    /// <returns>Null when there is no room to look.</returns>
    private async Task<PayloadAnswer?> AnswerOrNullAsync(PayloadHash hash, PayloadRoom room, CancellationToken cancel)
    {
        try
        {
            return new PayloadAnswer(hash, PayloadAvailability.Here,
                await ReceiveAsync(hash.ToArray(), null, room, cancel).ConfigureAwait(false));
        }
        catch (PrivacyException e) when (e.Failure == Failure.NoRoom)
        {
            return null;
        }
        catch (PrivacyException e)
        {
            var availability = e.Failure switch
            {
                // Only this one lets a node skip the private side. Whatever else went wrong may be over tomorrow: an answer "not
                // a party" then would make its private state diverge without a word.
                Failure.NotFound => PayloadAvailability.NotAParty,
                Failure.Missing => PayloadAvailability.Missing,
                _ => PayloadAvailability.Unavailable,
            };
            return new PayloadAnswer(hash, availability, null);
        }
    }

    private async Task<EncodedPayload> FindAsync(ReadOnlyMemory<byte> bytes, PayloadRoom.Place place, CancellationToken cancel)
    {
        var text = Convert.ToBase64String(bytes.Span);
        if (bytes.Length != PayloadHash.Size)
            // No payload has a name of that length, so nobody can be a party to it.
            throw PrivacyException.MessageNotFound(text, missing: false);
        var hash = new PayloadHash(bytes.Span);
        var payload = await store.FindAsync(hash, cancel, place.TakeForms).ConfigureAwait(false);
        if (payload is not null)
            return payload;
        // The payload first, then the record: a payload that arrives between the two is "missing", never "not a party", and the
        // node asks again.
        throw PrivacyException.MessageNotFound(text, await store.IsPartyAsync(hash, cancel).ConfigureAwait(false));
    }

    private async Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? to, CancellationToken cancel)
    {
        try
        {
            if (to is not null && !await ownKeys.OwnsAsync(to, cancel).ConfigureAwait(false))
                throw payload.IndexOfRecipient(to) >= 0
                    ? new PrivacyException(Failure.KeyNotFound, $"Public key {to} not found when searching for private key")
                    : new PrivacyException(Failure.InvalidPayload, "recipient not found in listed keys");
            return await enclave.OpenAsync(payload, to, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.NoSuitableKey)
        {
            throw new PrivacyException(
                Failure.NoSuitableKey, $"No suitable recipient keys found to decrypt payload for : {payload.ComputeHash().ToBase64()}", e);
        }
    }

    private sealed class Answers(int maxBytes)
    {
        private long _bytes;

        public List<PayloadAnswer> Given { get; } = [];

        /// <returns>How many of them; the first of all is always added.</returns>
        public int AddWhileTheyFit(IEnumerable<PayloadAnswer?> found)
        {
            var before = Given.Count;
            foreach (var answer in found)
            {
                if (answer is null || (Given.Count > 0 && _bytes + answer.Length > maxBytes))
                    break;
                Given.Add(answer);
                _bytes += answer.Length;
            }

            return Given.Count - before;
        }
    }
}
