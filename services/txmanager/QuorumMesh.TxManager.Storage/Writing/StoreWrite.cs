using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage;

/// <summary>One write that waits for its batch to be committed.</summary>
internal abstract class StoreWrite(PayloadHash hash)
{
    private readonly TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PayloadHash Hash { get; } = hash;

    public byte[] HashBytes { get; } = hash.ToArray();

    /// <summary>Participation records that it may add.</summary>
    public virtual int Participations => 0;

    /// <summary>Makes the write's changes inside the session's transaction. It may be called again when a batch failed.</summary>
    /// <returns>What the caller is told once the batch is durable.</returns>
    public abstract bool Apply(WriterSession session);

    public Task<bool> Completion => done.Task;

    public void Complete(bool result) => done.TrySetResult(result);

    public void Fail(Exception e) => done.TrySetException(e);
}

/// <remarks>The checksum is made by the caller's thread, of which there are many; the writer is one.</remarks>
internal sealed class SavePayload(PayloadHash hash, byte[] encoded, IReadOnlyList<Participation> participations, long now) : StoreWrite(hash)
{
    private readonly byte[] checksum = RowChecksum.Of(RowKind.Payload, hash.ToArray(), encoded, PayloadDbContext.LegacyCodec, now);

    public override int Participations => participations.Count;

    public override bool Apply(WriterSession session)
    {
        bool becameAvailable = session.InsertPayload(HashBytes, encoded, now, checksum);
        if (!becameAvailable)
        {
            session.UpdatePayload(HashBytes, encoded, now, checksum);
        }

        foreach (Participation participation in participations)
        {
            byte[] key = participation.OwnKey.ToArray();
            int role = (int)participation.Role;
            if (becameAvailable)
            {
                // A payload that comes back after it was lost gets new sequence numbers, so that a watching node hears of it.
                session.DeleteParticipation(HashBytes, key, role);
            }

            session.InsertParticipation(HashBytes, key, role);
        }

        return true;
    }
}

internal sealed class SaveRaw(PayloadHash hash, RawPayload raw, long now) : StoreWrite(hash)
{
    /// <remarks>A row that is there is written again: the same ciphertext has the same key, and a damaged row is repaired.</remarks>
    public override bool Apply(WriterSession session)
    {
        byte[] sender = raw.SenderKey.ToArray();
        byte[] checksum = RowChecksum.Of(RowKind.Raw, HashBytes, raw.EncryptedKey, raw.CipherText, raw.Nonce, sender, now);
        return session.SaveRaw(HashBytes, raw.EncryptedKey, raw.CipherText, raw.Nonce, sender, now, checksum);
    }
}

internal sealed class DeletePayload(PayloadHash hash) : StoreWrite(hash)
{
    public override bool Apply(WriterSession session) => session.DeletePayload(HashBytes);
}
