using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage;

/// <summary>One write that waits for its batch to be committed.</summary>
internal abstract class StoreWrite(PayloadHash hash)
{
    private readonly TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PayloadHash Hash { get; } = hash;

    public byte[] HashBytes { get; } = hash.ToArray();

    /// <summary>Makes the write's changes inside the session's transaction.</summary>
    /// <returns>What the caller is told once the batch is durable.</returns>
    public abstract bool Apply(WriterSession session, long now);

    public Task<bool> Completion => done.Task;

    public void Complete(bool result) => done.TrySetResult(result);

    public void Fail(Exception e) => done.TrySetException(e);
}

internal sealed class SavePayload(PayloadHash hash, byte[] encoded, IReadOnlyList<Participation> participations) : StoreWrite(hash)
{
    public override bool Apply(WriterSession session, long now)
    {
        bool becameAvailable = session.InsertPayload(HashBytes, encoded, now);
        if (!becameAvailable)
        {
            session.UpdatePayload(HashBytes, encoded);
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

internal sealed class SaveRaw(PayloadHash hash, RawTransactionRow row) : StoreWrite(hash)
{
    public override bool Apply(WriterSession session, long now) => session.InsertRaw(row, now);
}

internal sealed class DeletePayload(PayloadHash hash) : StoreWrite(hash)
{
    public override bool Apply(WriterSession session, long now) => session.DeletePayload(HashBytes);
}
