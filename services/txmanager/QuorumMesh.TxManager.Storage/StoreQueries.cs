using Microsoft.EntityFrameworkCore;

namespace QuorumMesh.TxManager.Storage;

/// <summary>The queries of the hot path, translated once. EF ties them to one model, so each store has its own.</summary>
internal sealed class StoreQueries
{
    public Func<PayloadDbContext, byte[], Task<TransactionRow?>> FindTransaction { get; } =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.Transactions.AsNoTracking().FirstOrDefault(t => t.Hash == hash));

    public Func<PayloadDbContext, byte[], Task<RawTransactionRow?>> FindRaw { get; } =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.RawTransactions.AsNoTracking().FirstOrDefault(t => t.Hash == hash));

    public Func<PayloadDbContext, byte[], Task<bool>> IsParty { get; } =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.Participations.Any(p => p.Hash == hash));

    public Func<PayloadDbContext, long, int, IAsyncEnumerable<ParticipationRow>> AvailableAfter { get; } =
        EF.CompileAsyncQuery((PayloadDbContext db, long sequence, int count) =>
            db.Participations.AsNoTracking().Where(p => p.Seq > sequence).OrderBy(p => p.Seq).Take(count));
}
