using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <param name="Noted">Payloads that got their records.</param>
/// <param name="Next">Where the next step goes on; null at the end.</param>
public sealed record ParticipationStep(int Noted, byte[]? Next);

/// <summary>
/// Gives payloads without a participation record theirs: those of a Tessera's database, and of managers that kept none. Without it a
/// payload that is lost later would read "not a party".
/// </summary>
public sealed class ParticipationKeeper(IEnclave enclave, IPayloadStore store, OwnKeys ownKeys)
{
    private const int RowsPerStep = 1000;

    /// <param name="after">Null to begin.</param>
    /// <exception cref="PrivacyException">The store or the enclave is away: try again.</exception>
    public async Task<ParticipationStep> NextAsync(byte[]? after, CancellationToken cancel)
    {
        var page = await store.UnnotedAsync(after, RowsPerStep, cancel).ConfigureAwait(false);
        var noted = 0;
        foreach (var hash in page.Hashes)
        {
            if (await FindAsync(hash, cancel).ConfigureAwait(false) is not { } payload)
                continue;
            var records = await RecordsAsync(payload, cancel).ConfigureAwait(false);
            if (records.Count > 0)
            {
                // Saved with its payload again, which merges to the same: payload and record are written in one transaction.
                await store.SaveAsync(hash, payload, records, cancel).ConfigureAwait(false);
                noted++;
            }
        }

        return new ParticipationStep(noted, page.Next);
    }

    /// <summary>Our parts in a payload: those of our keys that it names; where it names no recipient, the key that opens it.</summary>
    public async Task<IReadOnlyList<Participation>> RecordsAsync(EncodedPayload payload, CancellationToken cancel)
    {
        var records = new List<Participation>();
        if (await ownKeys.OwnsAsync(payload.SenderKey, cancel).ConfigureAwait(false))
            records.Add(new Participation(payload.SenderKey, PartyRole.Sender));
        var managed = await ownKeys.ManagedAsync(payload.RecipientKeys, cancel).ConfigureAwait(false);
        records.AddRange(managed.Select(k => new Participation(k, PartyRole.Recipient)));
        if (payload.RecipientKeys.Count == 0 && await KeyUsedAsync(payload, cancel).ConfigureAwait(false) is { } used)
            records.Add(new Participation(used, PartyRole.Recipient));
        return records;
    }

    private async Task<PublicKey?> KeyUsedAsync(EncodedPayload payload, CancellationToken cancel)
    {
        try
        {
            return (await enclave.OpenAsync(payload, null, cancel).ConfigureAwait(false)).KeyUsed;
        }
        catch (PrivacyException e) when (e.Failure is Failure.NoSuitableKey or Failure.InvalidPayload or Failure.KeyNotFound)
        {
            return null;
        }
    }

    /// <returns>Null for a row that is damaged, or of a codec that is not ours: the one is told when it is read, the other is
    /// refused.</returns>
    private async Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel)
    {
        try
        {
            return await store.FindAsync(hash, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure is Failure.Damaged or Failure.InvalidPayload)
        {
            return null;
        }
    }
}
