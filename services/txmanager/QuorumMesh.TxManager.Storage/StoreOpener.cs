using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>
/// Brings a database to the current schema, in one transaction: a kill leaves it as it was. Two queries find out whether it is current, and
/// a new one gets EF's script as it stands; only one that has some steps and lacks others needs EF's migrator, and so EF.
/// </summary>
internal static class StoreOpener
{
    /// <returns>The manager's id.</returns>
    public static string Open(StoreProvider provider)
    {
        using var connection = provider.OpenWriter();
        using var transaction = connection.BeginTransaction();
        var session = new Session(connection, transaction);
        if (provider.BatchPrologue is { } prologue)
            session.Execute(prologue);
        if (session.AppliedMigrations(provider) is not { } applied)
            session.Create(provider);
        else if (provider.Migrations.Except(applied).Any())
            Migrate(provider, connection, transaction);
        var id = session.ManagerId();
        transaction.Commit();
        return id;
    }

    private static void Migrate(StoreProvider provider, DbConnection connection, DbTransaction transaction)
    {
        using var db = provider.On(connection);
        db.Database.UseTransaction(transaction);
        db.Database.Migrate();
    }

    private sealed class Session(DbConnection connection, DbTransaction transaction)
    {
        /// <returns>Null when the database has never had a step of the schema.</returns>
        public List<string>? AppliedMigrations(StoreProvider provider)
        {
            if (Convert.ToInt64(Scalar(provider.HistoryTables), System.Globalization.CultureInfo.InvariantCulture) == 0)
                return null;
            using var command = Command("""SELECT "MigrationId" FROM "__EFMigrationsHistory" """);
            using var reader = command.ExecuteReader();
            var applied = new List<string>();
            while (reader.Read())
                applied.Add(reader.GetString(0));
            return applied;
        }

        /// <remarks>What holds no rows, as Tessera's database may, has none that lack their checksums.</remarks>
        public void Create(StoreProvider provider)
        {
            Execute(provider.Schema);
            Execute(
                $"INSERT INTO METADATA (NAME, VALUE) SELECT '{MetadataRow.ChecksumPlace}', '{MetadataRow.ChecksumsDone}'"
                + " WHERE NOT EXISTS (SELECT 1 FROM ENCRYPTED_TRANSACTION) AND NOT EXISTS (SELECT 1 FROM ENCRYPTED_RAW_TRANSACTION)");
        }

        public string ManagerId()
        {
            const string find = $"SELECT VALUE FROM METADATA WHERE NAME = '{MetadataRow.ManagerId}'";
            if (Scalar(find) is string id)
                return id;
            id = Guid.NewGuid().ToString("N");
            Execute($"INSERT INTO METADATA (NAME, VALUE) VALUES ('{MetadataRow.ManagerId}', '{id}')");
            return id;
        }

        public void Execute(string sql)
        {
            using var command = Command(sql);
            command.ExecuteNonQuery();
        }

        private object? Scalar(string sql)
        {
            using var command = Command(sql);
            return command.ExecuteScalar();
        }

        private DbCommand Command(string sql)
        {
            var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = sql;
            return command;
        }
    }
}
