using System.Data.Common;
using System.Globalization;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>Statements inside the transaction that opens a store.</summary>
/// <param name="transaction">Null: each statement by itself.</param>
internal sealed class StoreSession(DbConnection connection, DbTransaction? transaction)
{
    /// <returns>Null when the database has never had a step of the schema.</returns>
    public List<string>? AppliedMigrations(StoreProvider provider) => Count(provider.HistoryTables) == 0
        ? null
        : [.. Rows("""SELECT "MigrationId" FROM "__EFMigrationsHistory" """).Select(r => (string)r[0])];

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
        if (Metadata(MetadataRow.ManagerId) is { } id)
            return id;
        id = Guid.NewGuid().ToString("N");
        SetMetadata(MetadataRow.ManagerId, id);
        return id;
    }

    /// <summary>A Tessera that was put back in our place for a while wrote rows without checksums: they get theirs.</summary>
    public void SealAgain()
    {
        if (Metadata(MetadataRow.TakenOver) is not null && Metadata(MetadataRow.ChecksumPlace) == MetadataRow.ChecksumsDone
            && Count("SELECT count(*) FROM (SELECT 1 FROM ENCRYPTED_TRANSACTION WHERE CHECKSUM IS NULL LIMIT 1) AS unsealed") > 0)
            Execute($"DELETE FROM METADATA WHERE NAME = '{MetadataRow.ChecksumPlace}'");
    }

    public string? Metadata(string name) => Rows($"SELECT VALUE FROM METADATA WHERE NAME = '{name}'") is [[string value]] ? value : null;

    public void SetMetadata(string name, string value) => Execute($"INSERT INTO METADATA (NAME, VALUE) VALUES ('{name}', '{value}')");

    public long Count(string sql) => Convert.ToInt64(Rows(sql)[0][0], CultureInfo.InvariantCulture);

    public void Execute(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    public List<object[]> Rows(string sql)
    {
        using var command = Command(sql);
        using var reader = command.ExecuteReader();
        var rows = new List<object[]>();
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }

        return rows;
    }

    private DbCommand Command(string sql)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        // An index over a large table of Tessera's is made once; until then nobody is served.
        command.CommandTimeout = 0;
        return command;
    }
}
