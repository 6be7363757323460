using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>A key's part in a transaction; the numbers are stored.</summary>
public enum PartyRole
{
    Sender = 1,
    Recipient = 2,
}

/// <summary>
/// One of our keys takes part in a transaction. Kept when the payload is deleted, so that lost is told apart from never received.
/// </summary>
public sealed record Participation(PublicKey OwnKey, PartyRole Role);

/// <param name="Hash">Null when the key of the row is damaged in its form.</param>
/// <param name="Payload">Null when what is stored is damaged.</param>
public sealed record StoredPayload(PayloadHash? Hash, EncodedPayload? Payload);

/// <param name="Next">Where the next page starts; null after the last one.</param>
public sealed record PayloadPage(IReadOnlyList<StoredPayload> Payloads, PayloadCursor? Next);

/// <param name="Sequence">Grows with every payload that became available; never reused.</param>
public sealed record SequencedHash(long Sequence, PayloadHash Hash);

/// <param name="Watermark">
/// The highest sequence number of a participation record, 0 when there is none. It never goes down while the database lives.
/// </param>
/// <param name="KnownHash">Of the record that was asked about; null when there is none, or it is damaged.</param>
public readonly record struct StoreMark(long Watermark, PayloadHash? KnownHash);

/// <param name="Hashes">Of payloads without a participation record.</param>
/// <param name="Next">Where the next page starts; null after the last one.</param>
public sealed record UnnotedPayloads(IReadOnlyList<PayloadHash> Hashes, byte[]? Next);

/// <summary>Place in the order of <see cref="IPayloadStore.PageAsync"/>.</summary>
public sealed record PayloadCursor(long Timestamp, PayloadHash Hash);

/// <summary>
/// The payloads and participation rows. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>, and <see cref="Failure.Damaged"/> where a row that is read does not fit its checksum, or a
/// payload its hash.
/// </summary>
public interface IPayloadStore
{
    /// <summary>Null when none is stored, whether there ever was one or not.</summary>
    /// <param name="found">
    /// Called with the length of what is stored, in bytes, before it is read; what it throws ends the look-up.
    /// </param>
    Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel, Action<long>? found = null);

    /// <summary>
    /// Inserts a payload, or merges it into the stored one by <see cref="Distribution.BoxMerge"/>, with its participation rows. Reading,
    /// merging and writing are one database transaction, also among managers that share the database: of payloads that are saved at once no
    /// box is lost. A damaged row is replaced.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/>: it does not fit what is stored; nothing was
    /// changed.</exception>
    Task SaveAsync(PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, CancellationToken cancel);

    /// <summary>Deletes the payload; its participation rows stay. False when there was none.</summary>
    Task<bool> DeleteAsync(PayloadHash hash, CancellationToken cancel);

    /// <summary>Whether there is a participation record, of a payload that is there or of one that was lost.</summary>
    Task<bool> IsPartyAsync(PayloadHash hash, CancellationToken cancel);

    /// <summary>Looks at some payloads in the order of their hashes for those without a participation record.</summary>
    /// <param name="after">Null to begin.</param>
    Task<UnnotedPayloads> UnnotedAsync(byte[]? after, int count, CancellationToken cancel);

    /// <summary>Null when /storeraw kept none under the hash.</summary>
    /// <param name="found">As of <see cref="FindAsync"/>.</param>
    Task<RawPayload?> FindRawAsync(PayloadHash hash, CancellationToken cancel, Action<long>? found = null);

    /// <summary>Keeps a raw payload; durable when it completes.</summary>
    Task SaveRawAsync(PayloadHash hash, RawPayload raw, CancellationToken cancel);

    /// <summary>
    /// Payloads in the order of time and hash, after a place: at most so many, and no more than come to some MiB, but at least one.
    /// </summary>
    Task<PayloadPage> PageAsync(PayloadCursor? after, int count, CancellationToken cancel);

    /// <summary>
    /// Hashes that became available after a sequence number, in its order. A damaged record is told to the operator and given with the
    /// sequence number before it, for its own may be wrong: the caller must not count on progress.
    /// </summary>
    Task<IReadOnlyList<SequencedHash>> AvailableAfterAsync(long sequence, int count, CancellationToken cancel);

    /// <summary>
    /// Completes at the next write, or after a while without one; then <see cref="AvailableAfterAsync"/> is worth a look.
    /// </summary>
    Task WaitForWriteAsync(CancellationToken cancel);

    /// <summary>Made with the database, and the same for every manager over it.</summary>
    Task<string> ManagerIdAsync(CancellationToken cancel);

    /// <summary>How much the database knows now, and what a record is of.</summary>
    /// <param name="known">The record's sequence number; 0 for none.</param>
    Task<StoreMark> MarkAsync(long known, CancellationToken cancel);
}
