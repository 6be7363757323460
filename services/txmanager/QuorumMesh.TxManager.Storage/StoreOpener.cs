using System.Data.Common;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>Brings a database to the current schema. It runs EF's migrations and keeps EF's history table, without loading EF.</summary>
internal static class StoreOpener
{
    /// <returns>The manager's id.</returns>
    public static string Open(StoreProvider provider)
    {
        using var connection = provider.OpenWriter();
        using (var transaction = connection.BeginTransaction())
        {
            if (provider.BatchPrologue is { } prologue)
                Run(connection, transaction, prologue);
            Migrate(provider, connection, transaction);
            Run(
                connection, transaction,
                $"INSERT INTO METADATA (NAME, VALUE) VALUES ('{MetadataRow.ManagerId}', '{Guid.NewGuid():N}') ON CONFLICT (NAME) DO "
                    + "NOTHING");
            transaction.Commit();
        }

        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT VALUE FROM METADATA WHERE NAME = '{MetadataRow.ManagerId}'";
        return (string)command.ExecuteScalar()!;
    }

    private static void Migrate(StoreProvider provider, DbConnection connection, DbTransaction transaction)
    {
        Run(
            connection, transaction,
            """
            CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" (
                "MigrationId" VARCHAR(150) NOT NULL PRIMARY KEY,
                "ProductVersion" VARCHAR(32) NOT NULL)
            """);
        var applied = Applied(connection, transaction);
        foreach (var step in provider.Migrations.Where(m => !applied.Contains(m.Id)))
        {
            foreach (var statement in step.Statements)
                Run(connection, transaction, statement);

            Run(connection, transaction, $"""INSERT INTO "__EFMigrationsHistory" VALUES ('{step.Id}', '10.0.15')""");
        }
    }

    private static HashSet<string> Applied(DbConnection connection, DbTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """SELECT "MigrationId" FROM "__EFMigrationsHistory" """;
        using var reader = command.ExecuteReader();
        var applied = new HashSet<string>();
        while (reader.Read())
            applied.Add(reader.GetString(0));

        return applied;
    }

    private static void Run(DbConnection connection, DbTransaction transaction, string statement)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }
}
