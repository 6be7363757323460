using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <param name="Form">How rows are written.</param>
/// <param name="Told">What was done to a database of Tessera's; null when nothing was.</param>
internal sealed record OpenedStore(string ManagerId, RowForm Form, string? Told);

/// <summary>
/// Brings a database to the current schema, in one transaction: a kill leaves it as it was. Three queries find out whether it is current,
/// and a new one gets EF's script as it stands; only one that has some steps and lacks others needs EF's migrator, and so EF. A database of
/// Tessera's gets nullable columns and tables of ours beside its own, so that the Tessera can go back to it (tessera 7.6).
/// </summary>
internal static class StoreOpener
{
    /// <exception cref="Core.PrivacyException">The database has tables of a form that is not known.</exception>
    public static OpenedStore Open(StoreProvider provider, RowCodec? codec)
    {
        Look(provider);
        using var connection = provider.OpenWriter();
        using var transaction = connection.BeginTransaction();
        var session = new StoreSession(connection, transaction);
        if (provider.BatchPrologue is { } prologue)
            session.Execute(prologue);
        var schema = new TesseraSchema(provider, session);
        schema.RefuseStrays();
        string? told;
        if (session.AppliedMigrations(provider) is not { } applied)
        {
            var found = schema.Recognise();
            session.Create(provider);
            told = found is null ? null : schema.TakeOver(found);
        }
        else
        {
            if (provider.Migrations.Except(applied).Any())
                Migrate(provider, connection, transaction);
            told = schema.Complete();
        }

        var id = session.ManagerId();
        session.SealAgain();
        var form = Form(session, codec);
        transaction.Commit();
        return new OpenedStore(id, form, told);
    }

    /// <summary>Refuses a database before the writer's settings change its file.</summary>
    private static void Look(StoreProvider provider)
    {
        try
        {
            using var connection = provider.OpenToLook();
            if (connection is null)
                return;
            var session = new StoreSession(connection, null);
            if (session.AppliedMigrations(provider) is null)
                new TesseraSchema(provider, session).Recognise();
        }
        catch (DbException)
        {
            // Such as the journal of a program that was killed, which only a writer can roll back. It comes next, and says what is wrong.
        }
    }

    private static RowForm Form(StoreSession session, RowCodec? codec)
    {
        if ((codec ?? (session.Metadata(MetadataRow.RowCodec) == PayloadContext.CborCodec ? RowCodec.Cbor : RowCodec.Legacy))
            == RowCodec.Cbor)
            return RowForm.Cbor;
        return session.Metadata(MetadataRow.TakenOver) is null ? RowForm.Own : RowForm.Tesseras;
    }

    private static void Migrate(StoreProvider provider, DbConnection connection, DbTransaction transaction)
    {
        using var db = provider.On(connection);
        db.Database.UseTransaction(transaction);
        db.Database.Migrate();
    }
}
