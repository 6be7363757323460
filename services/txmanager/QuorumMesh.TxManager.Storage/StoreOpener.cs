using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>Brings a database to the current schema, in one transaction: a kill leaves it as it was.</summary>
internal static class StoreOpener
{
    /// <returns>The manager's id.</returns>
    public static string Open(StoreProvider provider)
    {
        using var db = provider.OpenWriter();
        using var transaction = db.Database.BeginTransaction();
        if (provider.BatchPrologue is { } prologue)
            db.Database.ExecuteSqlRaw(prologue);
        // First, because PostgreSQL ends the transaction of whoever asks for a table that is not there.
        db.Database.ExecuteSqlRaw(db.GetService<IHistoryRepository>().GetCreateIfNotExistsScript());
        if (db.Database.GetPendingMigrations().Any())
            db.Database.Migrate();
        var id = db.FindMetadata(MetadataRow.ManagerId);
        if (id is null)
            db.SetMetadata(MetadataRow.ManagerId, id = Guid.NewGuid().ToString("N"));
        transaction.Commit();
        return id;
    }
}
