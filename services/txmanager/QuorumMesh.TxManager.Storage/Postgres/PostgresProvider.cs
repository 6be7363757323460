using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Postgres.Migrations;

namespace QuorumMesh.TxManager.Storage.Postgres;

/// <summary>
/// PostgreSQL. Several managers may share a database: an advisory lock keeps the sequence numbers in the order of commits.
/// </summary>
public sealed class PostgresProvider : StoreProvider, IDisposable
{
    private readonly NpgsqlDataSource _source;

    /// <param name="connectionString">Npgsql's form.</param>
    /// <exception cref="ArgumentException">The connection string cannot be understood.</exception>
    public PostgresProvider(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (!settings.ContainsKey("Application Name"))
            settings.ApplicationName = "quorummesh-txmanager";
        Description = $"PostgreSQL {settings.Host}:{settings.Port}/{settings.Database}";
        _source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
    }

    public override string Description { get; }

    public override IReadOnlyList<SchemaStep> Migrations => [new(Initial.Id, Initial.Statements), new(Checksums.Id, Checksums.Statements)];

    public override string? BatchPrologue => "SELECT pg_advisory_xact_lock(7310571)";

    public override string RowLock => "FOR UPDATE";

    public override PayloadContext CreateContext() =>
        new PostgresPayloadContext(new DbContextOptionsBuilder<PostgresPayloadContext>().UseNpgsql(_source).Options);

    public override DbConnection CreateReader() => _source.CreateConnection();

    public override DbConnection OpenWriter() => Open("SET synchronous_commit = on");

    public override string ReserveSequence =>
        "SELECT max(n) FROM (SELECT nextval(pg_get_serial_sequence('participation', 'seq')) AS n FROM generate_series(1, @count)) "
            + "AS reserved";

    public override DbConnection OpenReadOnly() => Open("SET default_transaction_read_only = on");

    public void Dispose() => _source.Dispose();

    private NpgsqlConnection Open(string setting)
    {
        var connection = _source.OpenConnection();
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = setting;
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
