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

    public override IReadOnlyList<string> Migrations { get; } = [Initial.Id, Checksums.Id, Groups.Id, Identities.Id, Receipts.Id];

    /// <remarks>Ours alone: another program's, in a schema further on in the search path, says nothing of our steps.</remarks>
    public override string HistoryTables => $"SELECT count(*) FROM ({OwnHistory}) AS history";

    /// <remarks>From pg_attribute, which also shows columns that this user may not read.</remarks>
    public override string Columns =>
        $"""
        SELECT c.relname, a.attname, coalesce(base.typname, t.typname)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid LEFT JOIN pg_type AS base ON t.typtype = 'd' AND base.oid = t.typbasetype
        WHERE c.relkind IN ({Tables}) AND c.relnamespace = {Home}
        """;

    public override string? Strays =>
        $"""
        SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ({Tables}) AND lower(c.relname) IN ('encrypted_transaction', 'encrypted_raw_transaction')
        AND n.nspname = ANY (current_schemas(false)) AND (c.relname <> lower(c.relname) OR c.relnamespace IS DISTINCT FROM {Home})
        """;

    /// <summary>Whatever can be read like a table.</summary>
    private const string Tables = "'r', 'p', 'v', 'm', 'f'";

    private const string OwnHistory =
        """
        SELECT h.relnamespace FROM pg_class AS h WHERE h.oid = to_regclass('"__EFMigrationsHistory"')
        AND EXISTS (SELECT 1 FROM pg_class AS p WHERE p.relnamespace = h.relnamespace AND p.relname = 'participation')
        """;

    /// <summary>The schema that has our tables, or gets them.</summary>
    private const string Home =
        $"coalesce(({OwnHistory}), (SELECT oid FROM pg_namespace WHERE nspname = current_schema()))";

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
