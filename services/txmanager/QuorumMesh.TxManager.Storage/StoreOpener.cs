using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace QuorumMesh.TxManager.Storage;

/// <summary>Brings a database to the current schema.</summary>
internal static class StoreOpener
{
    /// <returns>The manager's id.</returns>
    public static string Open(StoreProvider provider)
    {
        using DbConnection connection = provider.OpenWriter();
        if (!IsCurrent(provider, connection))
        {
            using PayloadDbContext db = Context(provider, connection);
            db.Database.Migrate();
        }

        return ReadManagerId(connection) ?? CreateManagerId(provider, connection);
    }

    /// <summary>One small query instead of EF's comparison of models, which costs a large part of the start.</summary>
    private static bool IsCurrent(StoreProvider provider, DbConnection connection)
    {
        try
        {
            using DbCommand command = connection.CreateCommand();
            command.CommandText = """SELECT "MigrationId" FROM "__EFMigrationsHistory" """;
            using DbDataReader reader = command.ExecuteReader();
            var applied = new HashSet<string>();
            while (reader.Read())
            {
                applied.Add(reader.GetString(0));
            }

            return provider.MigrationIds.All(applied.Contains);
        }
        catch (DbException)
        {
            // The history table is not there: a new database, or one that Tessera made.
            return false;
        }
    }

    private static string? ReadManagerId(DbConnection connection)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT VALUE FROM METADATA WHERE NAME = '{MetadataRow.ManagerId}'";
        return command.ExecuteScalar() as string;
    }

    private static string CreateManagerId(StoreProvider provider, DbConnection connection)
    {
        using PayloadDbContext db = Context(provider, connection);
        db.Metadata.Add(new MetadataRow { Name = MetadataRow.ManagerId, Value = Guid.NewGuid().ToString("N") });
        try
        {
            db.SaveChanges();
        }
        catch (DbUpdateException)
        {
            // Another manager on the same database was quicker; its id counts.
        }

        return ReadManagerId(connection) ?? throw new InvalidOperationException("The manager id could not be stored.");
    }

    private static PayloadDbContext Context(StoreProvider provider, DbConnection connection)
    {
        var options = new DbContextOptionsBuilder<PayloadDbContext>();
        provider.Configure(options, connection);
        return new PayloadDbContext(options.Options);
    }
}
