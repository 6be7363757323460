using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core;

public enum PartyRole
{
    Sender = 1,
    Recipient = 2,
}

/// <summary>One of our keys takes part in a transaction. Kept when the payload is deleted, so that lost is told apart from never received.</summary>
public sealed record Participation(PublicKey OwnKey, PartyRole Role);

/// <param name="Payload">Null when what is stored is damaged.</param>
public sealed record StoredPayload(PayloadHash Hash, EncodedPayload? Payload, long Timestamp);

/// <param name="Sequence">Grows with every payload that became available; never reused.</param>
public sealed record SequencedHash(long Sequence, PayloadHash Hash);

/// <summary>Place in the order of <see cref="IPayloadStore.PageAsync"/>.</summary>
public sealed record PayloadCursor(long Timestamp, PayloadHash Hash);

/// <summary>
/// The payloads and participation rows. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>, and <see cref="Failure.Damaged"/> where a payload that is read does not fit its hash.
/// </summary>
public interface IPayloadStore
{
    Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel);

    /// <summary>Inserts or replaces a payload and its participation rows in one database transaction.</summary>
    Task SaveAsync(PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, CancellationToken cancel);

    /// <summary>Deletes the payload; its participation rows stay. False when there was none.</summary>
    Task<bool> DeleteAsync(PayloadHash hash, CancellationToken cancel);

    Task<bool> IsPartyAsync(PayloadHash hash, CancellationToken cancel);

    Task<RawPayload?> FindRawAsync(PayloadHash hash, CancellationToken cancel);

    Task SaveRawAsync(PayloadHash hash, RawPayload raw, CancellationToken cancel);

    /// <summary>Payloads in the order of time and hash, after a place.</summary>
    Task<IReadOnlyList<StoredPayload>> PageAsync(PayloadCursor? after, int count, CancellationToken cancel);

    /// <summary>Hashes that became available after a sequence number, in its order.</summary>
    Task<IReadOnlyList<SequencedHash>> AvailableAfterAsync(long sequence, int count, CancellationToken cancel);

    /// <summary>Completes at the next write, or after a while without one; then <see cref="AvailableAfterAsync"/> is worth a look.</summary>
    Task WaitForWriteAsync(CancellationToken cancel);

    /// <summary>Stable for the life of the store.</summary>
    Task<string> ManagerIdAsync(CancellationToken cancel);
}
