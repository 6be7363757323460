using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
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
    private readonly Lazy<Contexts> _contexts;

    /// <param name="connectionString">Npgsql's form.</param>
    /// <exception cref="ArgumentException">The connection string cannot be understood.</exception>
    public PostgresProvider(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        if (!settings.ContainsKey("Application Name"))
            settings.ApplicationName = "quorummesh-txmanager";
        if (!settings.ContainsKey("Max Auto Prepare"))
            // The few statements of every payload are prepared on each connection, in batches too.
            settings.MaxAutoPrepare = 32;
        Description = $"PostgreSQL {settings.Host}:{settings.Port}/{settings.Database}";
        _source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        _contexts = new Lazy<Contexts>(() => new Contexts(_source));
    }

    public override IReadOnlyList<string> Migrations { get; } = [Initial.Id, Checksums.Id];

    public override string HistoryTables => """SELECT count(*) FROM pg_class WHERE oid = to_regclass('"__EFMigrationsHistory"')""";

    public override string Columns =>
        "SELECT table_name, column_name, udt_name FROM information_schema.columns WHERE table_schema = current_schema()";

    public override IReadOnlyList<string> Takeover { get; } =
    [
        "CREATE INDEX ix_encrypted_transaction_unsealed ON encrypted_transaction (hash) WHERE checksum IS NULL",
        """
        CREATE FUNCTION quorummesh_void_checksum() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.checksum IS NOT DISTINCT FROM OLD.checksum THEN NEW.checksum := NULL; END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER tr_encrypted_transaction_seal BEFORE UPDATE ON encrypted_transaction
        FOR EACH ROW EXECUTE PROCEDURE quorummesh_void_checksum()
        """,
    ];

    public override string Description { get; }

    // One writer at a time among managers that share the database: a sequence number is then never seen before a smaller one is
    // committed, so that a reader that goes on from a number misses none.
    public override string? BatchPrologue => "SELECT pg_advisory_xact_lock(7310571)";

    public override string RowLock => "FOR UPDATE";

    public override PayloadContext CreateReader() => _contexts.Value.Pooled();

    public override DbConnection CreateConnection() => _source.CreateConnection();

    protected override PayloadContext NewContext() => _contexts.Value.New();

    // Whatever the server's default: an answered hash is on disk.
    public override DbConnection OpenWriter() => Open("SET synchronous_commit = on");

    public override string ReserveSequence =>
        "SELECT max(n) FROM (SELECT nextval(pg_get_serial_sequence('participation', 'seq')) AS n"
        + " FROM generate_series(1, @count)) AS reserved";

    protected override DbConnection OpenReadOnlyConnection() => Open("SET default_transaction_read_only = on");

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

    private sealed class Contexts(NpgsqlDataSource source)
    {
        private readonly DbContextOptions<PostgresPayloadContext> _options = Options<PostgresPayloadContext>().UseNpgsql(source).Options;
        private PooledDbContextFactory<PostgresPayloadContext>? _pool;

        public PayloadContext New() => new PostgresPayloadContext(_options);

        public PayloadContext Pooled() => LazyInitializer
            .EnsureInitialized(ref _pool, () => new PooledDbContextFactory<PostgresPayloadContext>(_options)).CreateDbContext();
    }
}
