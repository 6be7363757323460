using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>One write that waits for its batch to be committed.</summary>
internal abstract class StoreWrite(PayloadHash hash)
{
    // Callers go on elsewhere: on the writer's one thread they would hold up the next batch.
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PrivacyException? _refusal;

    public PayloadHash Hash { get; } = hash;

    public byte[] HashBytes { get; } = hash.ToArray();

    /// <summary>Participation records that it may add.</summary>
    public virtual int Participations => 0;

    public Task<bool> Completion => _done.Task;

    /// <summary>
    /// What the write does whatever the database holds. All those of a batch go together, before the first <see cref="Run"/>.
    /// </summary>
    public virtual void Begin(WriterSession session)
    {
    }

    /// <summary>Makes the write's changes inside the session's transaction. It may be called again when a batch failed.</summary>
    /// <returns>What the caller is told once the batch is durable.</returns>
    public bool Run(WriterSession session)
    {
        _refusal = null;
        try
        {
            return Apply(session);
        }
        catch (PrivacyException e)
        {
            _refusal = e;
            return false;
        }
    }

    public void Complete(bool result)
    {
        if (_refusal is null)
            _done.TrySetResult(result);
        else
            _done.TrySetException(_refusal);
    }

    public void Fail(Exception e) => _done.TrySetException(e);

    /// <exception cref="PrivacyException">The write is refused; it has changed nothing then, and the rest of its batch goes on.</exception>
    protected abstract bool Apply(WriterSession session);
}

/// <remarks>
/// Encoding and checksum are made by the caller's thread, of which there are many; the writer is one. It merges only where a row is there
/// already.
/// </remarks>
internal sealed class SavePayload(
    PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, long now, RowForm form) : StoreWrite(hash)
{
    private readonly Encoded _whole = new(hash, payload, now, form);
    private WriterSession.Sent? _insert;

    public override int Participations => participations.Count;

    public override void Begin(WriterSession session) =>
        _insert = session.InsertPayload(HashBytes, _whole.Bytes, form.Name, now, _whole.Checksum);

    protected override bool Apply(WriterSession session)
    {
        var becameAvailable = _insert!.HasChanged;
        if (!becameAvailable && Merged(session) is { } merged)
            session.UpdatePayload(HashBytes, merged.Bytes, form.Name, now, merged.Checksum);
        foreach (var participation in participations)
        {
            var key = participation.OwnKey.ToArray();
            var role = (int)participation.Role;
            if (becameAvailable)
                // A payload that comes back after it was lost gets new sequence numbers, so that a watching node hears of it.
                session.DeleteParticipation(HashBytes, key, role);

            session.InsertParticipation(HashBytes, key, role);
        }

        return true;
    }

    /// <returns>What the row becomes; null when it stays as it is.</returns>
    private Encoded? Merged(WriterSession session)
    {
        if (session.LockPayload(HashBytes) is not { } row)
            return _whole;
        var existing = StoredRows.OpenPayload(row, out var fault);
        // Written anew: a push that brings the payload again is what repairs a damaged row.
        if (fault is not null)
            return _whole;
        // A codec that is not ours may be a later Tessera's (tessera 3.5): writing over it would lose its boxes.
        var merged = BoxMerge.Merge(existing ?? throw StoredRows.UnknownCodec(row), payload);
        return ReferenceEquals(merged, existing) ? null : new Encoded(Hash, merged, now, form);
    }

    private sealed class Encoded
    {
        public Encoded(PayloadHash hash, EncodedPayload payload, long now, RowForm form)
        {
            Bytes = form.Encode(payload);
            Checksum = RowChecksum.Of(RowKind.Payload, hash.ToArray(), Bytes, form.Name, now);
        }

        public byte[] Bytes { get; }

        public byte[] Checksum { get; }
    }
}

internal sealed class SaveRaw(PayloadHash hash, RawPayload raw, long now) : StoreWrite(hash)
{
    /// <remarks>A row that is there is written again: the same ciphertext has the same key, and a damaged row is repaired.</remarks>
    protected override bool Apply(WriterSession session)
    {
        var sender = raw.SenderKey.ToArray();
        var checksum = RowChecksum.Of(RowKind.Raw, HashBytes, raw.EncryptedKey, raw.CipherText, raw.Nonce, sender, now);
        session.SaveRaw(HashBytes, raw.EncryptedKey, raw.CipherText, raw.Nonce, sender, now, checksum);
        return true;
    }
}

internal sealed class DeletePayload(PayloadHash hash) : StoreWrite(hash)
{
    // Participation stays: the node is to wait for the payload, and not to take itself for a stranger.
    protected override bool Apply(WriterSession session) => session.DeletePayload(HashBytes);
}
