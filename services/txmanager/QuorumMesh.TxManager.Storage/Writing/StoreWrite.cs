using Microsoft.EntityFrameworkCore;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage;

/// <summary>One write that waits for its batch to be committed.</summary>
internal abstract class StoreWrite(PayloadHash hash)
{
    private readonly TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PayloadHash Hash { get; } = hash;

    public byte[] HashBytes { get; } = hash.ToArray();

    /// <summary>Adds the write's changes to the context.</summary>
    /// <returns>What the caller is told once the batch is durable.</returns>
    public abstract bool Apply(PayloadDbContext db, long now);

    public Task<bool> Completion => done.Task;

    public void Complete(bool result) => done.TrySetResult(result);

    public void Fail(Exception e) => done.TrySetException(e);
}

internal sealed class SavePayload(PayloadHash hash, byte[] encoded, IReadOnlyList<Participation> participations) : StoreWrite(hash)
{
    public override bool Apply(PayloadDbContext db, long now)
    {
        TransactionRow? row = StoreQueries.Transaction(db, HashBytes);
        bool becameAvailable = row is null;
        if (row is null)
        {
            db.Transactions.Add(new TransactionRow
            {
                Hash = HashBytes,
                EncodedPayload = encoded,
                PayloadCodec = PayloadDbContext.LegacyCodec,
                Timestamp = now,
            });
        }
        else
        {
            row.EncodedPayload = encoded;
            row.PayloadCodec = PayloadDbContext.LegacyCodec;
        }

        AddParticipations(db, becameAvailable);
        return true;
    }

    /// <summary>A payload that comes back after it was lost gets new sequence numbers, so that a watching node hears of it.</summary>
    private void AddParticipations(PayloadDbContext db, bool becameAvailable)
    {
        ParticipationRow[] known = [.. StoreQueries.Participations(db, HashBytes)];
        foreach (Participation participation in participations)
        {
            ParticipationRow? same = Array.Find(
                known, r => r.Role == (int)participation.Role && r.OwnKey.AsSpan().SequenceEqual(participation.OwnKey.Span));
            if (same is not null && !becameAvailable)
            {
                continue;
            }

            if (same is not null)
            {
                db.Participations.Where(r => r.Seq == same.Seq).ExecuteDelete();
                db.Entry(same).State = EntityState.Detached;
            }

            db.Participations.Add(new ParticipationRow
            {
                Hash = HashBytes,
                OwnKey = participation.OwnKey.ToArray(),
                Role = (int)participation.Role,
            });
        }
    }
}

internal sealed class SaveRaw(PayloadHash hash, RawTransactionRow row) : StoreWrite(hash)
{
    public override bool Apply(PayloadDbContext db, long now)
    {
        if (db.RawTransactions.Any(r => r.Hash == HashBytes))
        {
            return false;
        }

        row.Timestamp = now;
        db.RawTransactions.Add(row);
        return true;
    }
}

internal sealed class DeletePayload(PayloadHash hash) : StoreWrite(hash)
{
    public override bool Apply(PayloadDbContext db, long now) => db.Transactions.Where(t => t.Hash == HashBytes).ExecuteDelete() > 0;
}
