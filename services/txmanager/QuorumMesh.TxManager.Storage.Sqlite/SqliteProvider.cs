using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace QuorumMesh.TxManager.Storage.Sqlite;

/// <summary>SQLite in a file: write-ahead log, and a commit waits for the disk.</summary>
public sealed class SqliteProvider : StoreProvider
{
    private readonly string path;
    private readonly string connectionString;

    /// <param name="path">The database file; made when it is absent.</param>
    public SqliteProvider(string path)
    {
        this.path = Path.GetFullPath(path);
        connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = this.path,
            DefaultTimeout = 30,
            Pooling = true,
        }.ToString();
    }

    public override string Description => $"SQLite {path}";

    public override IReadOnlyList<SchemaStep> Migrations => [new(Initial.Id, Initial.Statements)];

    public override void Configure(DbContextOptionsBuilder<PayloadDbContext> options) =>
        options.UseSqlite(connectionString, o => o.MigrationsAssembly(typeof(SqliteProvider).Assembly.GetName().Name));

    public override void Configure(DbContextOptionsBuilder<PayloadDbContext> options, DbConnection connection) =>
        options.UseSqlite(connection, o => o.MigrationsAssembly(typeof(SqliteProvider).Assembly.GetName().Name));

    public override DbConnection CreateReader() => new SqliteConnection(connectionString);

    public override DbConnection OpenWriter()
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } directory)
        {
            Directory.CreateDirectory(directory);
        }

        var connection = new SqliteConnection(connectionString + ";Pooling=False");
        try
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
