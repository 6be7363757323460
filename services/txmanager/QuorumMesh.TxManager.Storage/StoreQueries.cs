using Microsoft.EntityFrameworkCore;

namespace QuorumMesh.TxManager.Storage;

/// <summary>The queries of the hot path, translated once.</summary>
internal static class StoreQueries
{
    public static readonly Func<PayloadDbContext, byte[], TransactionRow?> Transaction =
        EF.CompileQuery((PayloadDbContext db, byte[] hash) => db.Transactions.FirstOrDefault(t => t.Hash == hash));

    public static readonly Func<PayloadDbContext, byte[], IEnumerable<ParticipationRow>> Participations =
        EF.CompileQuery((PayloadDbContext db, byte[] hash) => db.Participations.Where(p => p.Hash == hash));

    public static readonly Func<PayloadDbContext, byte[], Task<TransactionRow?>> FindTransaction =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.Transactions.AsNoTracking().FirstOrDefault(t => t.Hash == hash));

    public static readonly Func<PayloadDbContext, byte[], Task<RawTransactionRow?>> FindRaw =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.RawTransactions.AsNoTracking().FirstOrDefault(t => t.Hash == hash));

    public static readonly Func<PayloadDbContext, byte[], Task<bool>> IsParty =
        EF.CompileAsyncQuery((PayloadDbContext db, byte[] hash) => db.Participations.Any(p => p.Hash == hash));

    public static readonly Func<PayloadDbContext, long, int, IAsyncEnumerable<ParticipationRow>> AvailableAfter =
        EF.CompileAsyncQuery((PayloadDbContext db, long sequence, int count) =>
            db.Participations.AsNoTracking().Where(p => p.Seq > sequence).OrderBy(p => p.Seq).Take(count));
}
