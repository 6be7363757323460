using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>
/// Queries for whole rows, their columns in the order of <see cref="RowChecksum"/>, the checksum last. EF translates them; what comes is
/// read by <see cref="StoredRows"/> and not made into objects, because a damaged row must be found by name, not fail the query.
/// </summary>
internal static class RowQueries
{
    public static IQueryable Columns(this IQueryable<TransactionRow> rows) =>
        rows.Select(r => new { r.Hash, r.EncodedPayload, r.PayloadCodec, r.Timestamp, r.Checksum });

    public static IQueryable Columns(this IQueryable<RawTransactionRow> rows) =>
        rows.Select(r => new { r.Hash, r.EncryptedKey, r.EncryptedPayload, r.Nonce, r.Sender, r.Timestamp, r.Checksum });

    public static IQueryable Columns(this IQueryable<ParticipationRow> rows) =>
        rows.Select(r => new { r.Seq, r.Hash, r.OwnKey, r.Role, r.Checksum });

    /// <param name="hint">What follows the table's name: no index then stands for the table.</param>
    public static IQueryable Whole(this PayloadContext db, RowKind kind, string hint)
    {
        var sql = $"SELECT * FROM {StoredRows.Table(kind)} {hint}";
        return kind switch
        {
            RowKind.Payload => db.Transactions.FromSqlRaw(sql).Columns(),
            RowKind.Raw => db.RawTransactions.FromSqlRaw(sql).Columns(),
            _ => db.Participations.FromSqlRaw(sql).Columns(),
        };
    }

    /// <summary>Rows in the order of their keys, after a place.</summary>
    /// <param name="key">A hash, or of participation records a sequence number.</param>
    public static IQueryable After(this PayloadContext db, RowKind kind, object key, int count)
    {
        if (key is long sequence)
            return db.Participations.Where(r => r.Seq > sequence).OrderBy(r => r.Seq).Take(count).Columns();
        var hash = (byte[])key;
        return kind == RowKind.Payload
            ? db.Transactions.Where(r => PayloadContext.IsAfter(r.Hash, hash)).OrderBy(r => r.Hash).Take(count).Columns()
            : db.RawTransactions.Where(r => PayloadContext.IsAfter(r.Hash, hash)).OrderBy(r => r.Hash).Take(count).Columns();
    }

    /// <summary>Payloads in the order of time and hash, after a place.</summary>
    /// <param name="place">Null for all.</param>
    public static IQueryable<TransactionRow> After(this PayloadContext db, PayloadCursor? place)
    {
        IQueryable<TransactionRow> rows = db.Transactions;
        if (place is not null)
        {
            var (timestamp, hash) = (place.Timestamp, place.Hash.ToArray());
            rows = rows.Where(r => r.Timestamp > timestamp || (r.Timestamp == timestamp && PayloadContext.IsAfter(r.Hash, hash)));
        }

        return rows.OrderBy(r => r.Timestamp).ThenBy(r => r.Hash);
    }

    /// <summary>How long each stored payload is, without reading it.</summary>
    public static IQueryable Lengths(this IQueryable<TransactionRow> rows, int count) =>
        rows.Take(count).Select(r => new { r.EncodedPayload.Length });
}
