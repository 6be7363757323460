using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Sqlite.Migrations;

namespace QuorumMesh.TxManager.Storage.Sqlite;

/// <summary>SQLite in a file: write-ahead log, and a commit waits for the disk.</summary>
public sealed class SqliteProvider : StoreProvider
{
    private readonly string _path;
    private readonly string _connectionString;
    private readonly Lazy<Contexts> _contexts;

    /// <param name="path">The database file; made when it is absent.</param>
    public SqliteProvider(string path)
    {
        _path = Path.GetFullPath(path);
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            DefaultTimeout = 30,
            Pooling = true,
        }.ToString();
        _contexts = new Lazy<Contexts>(() => new Contexts(_connectionString));
    }

    public override IReadOnlyList<string> Migrations { get; } = [Initial.Id, Checksums.Id, Groups.Id, Identities.Id, Receipts.Id];

    public override string HistoryTables => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '__EFMigrationsHistory'";

    public override string Columns =>
        "SELECT t.name, c.name, c.type FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'";

    public override IReadOnlyList<string> Takeover { get; } =
    [
        "CREATE INDEX IX_ENCRYPTED_TRANSACTION_UNSEALED ON ENCRYPTED_TRANSACTION (HASH) WHERE CHECKSUM IS NULL",
        """
        CREATE TRIGGER TR_ENCRYPTED_TRANSACTION_SEAL AFTER UPDATE ON ENCRYPTED_TRANSACTION
        WHEN NEW.CHECKSUM IS NOT NULL AND NEW.CHECKSUM IS OLD.CHECKSUM
        BEGIN UPDATE ENCRYPTED_TRANSACTION SET CHECKSUM = NULL WHERE HASH = NEW.HASH; END
        """,
    ];

    public override string Description => $"SQLite {_path}";

    /// <summary>The database and what SQLite keeps beside it; not all are there at all times.</summary>
    public IReadOnlyList<string> Files => [_path, _path + "-wal", _path + "-shm", _path + "-journal"];

    public override bool KeepsStatements => true;

    public override PayloadContext CreateReader() => _contexts.Value.Pooled();

    public override DbConnection CreateConnection() => new SqliteConnection(_connectionString);

    protected override PayloadContext NewContext() => _contexts.Value.New();

    public override DbConnection OpenWriter()
    {
        if (Path.GetDirectoryName(_path) is { Length: > 0 } directory)
            Directory.CreateDirectory(directory);
        MakeOwnFile();

        var connection = new SqliteConnection(_connectionString + ";Pooling=False");
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            // FULL: in WAL mode, NORMAL would not flush at each commit, and an answered hash could be lost with the power.
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

    /// <summary>The writer turns a rollback journal into a write-ahead log; a database that has one stays as it is.</summary>
    public override DbConnection? OpenToLook()
    {
        if (!File.Exists(_path))
            return null;
        // The write version of the file format: 1 is a rollback journal, 2 a write-ahead log (SQLite file format, 1.3).
        Span<byte> header = stackalloc byte[19];
        using (var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0))
            if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || header[18] != 1)
                return null;
        return OpenReadOnlyConnection();
    }

    /// <summary>Payloads are for this user alone. SQLite gives the files beside the database its mode.</summary>
    private void MakeOwnFile()
    {
        if (!File.Exists(_path))
            new FileStream(_path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }).Dispose();
    }

    public override string ReserveSequence =>
        "SELECT max(coalesce((SELECT max(SEQ) FROM PARTICIPATION), 0),"
        + " coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'PARTICIPATION'), 0)) + @count";

    public override string TableHint => "NOT INDEXED";

    protected override DbConnection OpenReadOnlyConnection()
    {
        if (!File.Exists(_path))
            throw new FileNotFoundException($"There is no database {_path}", _path);
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = _path,
                DefaultTimeout = 30,
                Pooling = false,
                Mode = SqliteOpenMode.ReadOnly
            }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Among others whether the indexes have what the tables have.</summary>
    public override IEnumerable<string> StructureFaults(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check(100)";
        using var reader = command.ExecuteReader();
        while (reader.Read())
            if (reader.GetString(0) is not "ok" and var fault)
                yield return fault.ReplaceLineEndings(" ");
    }

    private sealed class Contexts(string connectionString)
    {
        private readonly DbContextOptions<SqlitePayloadContext> _options =
            Options<SqlitePayloadContext>().UseSqlite(connectionString).Options;
        private PooledDbContextFactory<SqlitePayloadContext>? _pool;

        public PayloadContext New() => new SqlitePayloadContext(_options);

        public PayloadContext Pooled() => LazyInitializer
            .EnsureInitialized(ref _pool, () => new PooledDbContextFactory<SqlitePayloadContext>(_options)).CreateDbContext();
    }
}
