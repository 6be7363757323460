using System.Text.Json;
using Npgsql;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage.Checking;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Storage.Tests;

/// <summary>
/// Databases of a Tessera, with the rows that one wrote (vectors tessera/database.json): of 21.1.1, and of 22.1 with its codec column. What
/// the Tessera does when it is put back is done here in its statements.
/// </summary>
public abstract class TesseraDatabaseTests
{
    protected virtual bool IsSkipped => QuorumMesh.Tests.Vectors.SkipReason is not null;

    /// <summary>The same database for the same name.</summary>
    protected abstract StoreProvider Provider(string name);

    protected abstract string Literal(byte[] bytes);

    /// <summary>What the database calls a column of bytes.</summary>
    protected abstract string Binary { get; }

    public static TheoryData<string, string> Recorded => new()
    {
        { "h2", "A" }, { "h2", "B" }, { "postgresql", "A" }, { "postgresql", "B" },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public async Task Database_of_21_is_taken_over_and_the_Tessera_can_go_back(string source, string manager)
    {
        if (IsSkipped)
            return;
        var name = $"t21{source}{manager}";
        var rows = Rows(source, manager);
        CreateTables(name, "");
        foreach (var row in rows.Payloads)
            Execute(name, Insert(row.Hash, row.Payload));
        foreach (var raw in rows.Raw)
            Execute(name, raw);

        var own = Payload(1);
        using (var store = PayloadStore.Open(Provider(name), TimeProvider.System))
        {
            Assert.Contains("before 22.1", store.Notice, StringComparison.Ordinal);
            Assert.Null(await store.ProbeAsync(default));
            foreach (var row in rows.Payloads)
                Assert.Equal(row.Payload, LegacyPayloadCodec.Encode((await store.FindAsync(new PayloadHash(row.Hash), default))!));
            foreach (var hash in rows.RawHashes)
                Assert.NotNull(await store.FindRawAsync(new PayloadHash(hash), default));
            await store.SaveAsync(own.ComputeHash(), own, [], default);
            while ((await store.AddChecksumsAsync()).More)
            {
            }
        }

        Assert.Equal("1", Ask(name, Where("PAYLOAD_CODEC IS NULL AND ENCODED_PAYLOAD = " + Literal(LegacyPayloadCodec.Encode(own)))));
        // The Tessera again: it inserts, and adds a second recipient's box to a row of ours and to one of its own.
        var second = Payload(2);
        Execute(name, Insert(second.ComputeHash().ToArray(), LegacyPayloadCodec.Encode(second)));
        var merged = own with { RecipientKeys = [Keys.S, .. own.RecipientKeys], RecipientBoxes = [new byte[48], .. own.RecipientBoxes] };
        Execute(name, $"UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = {Literal(LegacyPayloadCodec.Encode(merged))}"
            + $" WHERE HASH = {Literal(own.ComputeHash().ToArray())}");

        using var again = PayloadStore.Open(Provider(name), TimeProvider.System);
        Assert.Null(again.Notice);
        Assert.Equal(2, (await again.FindAsync(own.ComputeHash(), default))!.RecipientKeys.Count);
        Assert.NotNull(await again.FindAsync(second.ComputeHash(), default));
        while ((await again.AddChecksumsAsync()).More)
        {
        }

        var check = StoreVerifier.Verify(Provider(name), fault => Assert.Fail(fault));
        Assert.Equal((0L, 0L, rows.Payloads.Count + 2L), (check.Faults, check.WithoutChecksum, check.Payloads));
    }

    [Fact]
    public async Task Database_of_22_goes_on_in_CBOR()
    {
        if (IsSkipped)
            return;
        const string name = "t22";
        var rows = Rows("h2", "A").Payloads;
        CreateTables(name, "PAYLOAD_CODEC VARCHAR(50),");
        for (var i = 0; i < rows.Count; i++)
        {
            // A database that came from 21.x has both.
            var (bytes, codec) = i % 2 == 0
                ? (CborPayloadCodec.Encode(LegacyPayloadCodec.Decode(rows[i].Payload)), "'CBOR'") : (rows[i].Payload, "NULL");
            Execute(name, "INSERT INTO ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP, HASH)"
                + $" VALUES ({Literal(bytes)}, {codec}, NULL, {Literal(rows[i].Hash)})");
        }

        var (first, second) = (Payload(1), Payload(2));
        using (var store = PayloadStore.Open(Provider(name), TimeProvider.System))
        {
            Assert.Contains("22.1 or later", store.Notice, StringComparison.Ordinal);
            foreach (var row in rows)
                Assert.Equal(row.Payload, LegacyPayloadCodec.Encode((await store.FindAsync(new PayloadHash(row.Hash), default))!));
            await store.SaveAsync(first.ComputeHash(), first, [], default);
            // The page goes on over rows without a time.
            Assert.Equal(rows.Count + 1, (await store.PageAsync(null, 100, default)).Payloads.Count);
        }

        Assert.Equal("1", Ask(name, Where("PAYLOAD_CODEC = 'CBOR' AND ENCODED_PAYLOAD = " + Literal(CborPayloadCodec.Encode(first)))));
        using (var legacy = PayloadStore.Open(Provider(name), TimeProvider.System, RowCodec.Legacy))
            await legacy.SaveAsync(second.ComputeHash(), second, [], default);
        Assert.Equal("1", Ask(name, Where("PAYLOAD_CODEC IS NULL AND ENCODED_PAYLOAD = " + Literal(LegacyPayloadCodec.Encode(second)))));
        using var back = PayloadStore.Open(Provider(name), TimeProvider.System, RowCodec.Cbor);
        Assert.Equal(second.SenderKey, (await back.FindAsync(second.ComputeHash(), default))!.SenderKey);
    }

    [Theory]
    [InlineData("extra", "SOMETHING VARCHAR(5),", 64, "column SOMETHING")]
    [InlineData("orion", "", 32, "Orion")]
    public void Database_that_is_not_known_is_refused_and_left_as_it_is(string name, string column, int hashLength, string said)
    {
        if (IsSkipped)
            return;
        CreateTables(name, column);
        Execute(name, Insert(new byte[hashLength], [1]));
        var e = Assert.Throws<PrivacyException>(() => PayloadStore.Open(Provider(name), TimeProvider.System));
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", e.Message, StringComparison.Ordinal);
        Assert.ThrowsAny<System.Data.Common.DbException>(() => Ask(name, "SELECT count(*) FROM METADATA"));
        Assert.ThrowsAny<System.Data.Common.DbException>(() => Ask(name, "SELECT count(CHECKSUM) FROM ENCRYPTED_TRANSACTION"));
    }

    /// <summary>Versions of ours before this one took such a database for ready, and could read nothing of it.</summary>
    [Fact]
    public async Task Database_that_was_half_taken_over_is_completed()
    {
        if (IsSkipped)
            return;
        const string name = "half";
        var rows = Rows("postgresql", "A").Payloads;
        CreateTables(name, "");
        foreach (var row in rows)
            Execute(name, Insert(row.Hash, row.Payload));
        Execute(name, Provider(name).Schema);
        using var store = PayloadStore.Open(Provider(name), TimeProvider.System);
        Assert.NotNull(store.Notice);
        Assert.Null(await store.ProbeAsync(default));
        foreach (var row in rows)
            Assert.NotNull(await store.FindAsync(new PayloadHash(row.Hash), default));
    }

    protected void Execute(string name, string sql)
    {
        var provider = Provider(name);
        using (var connection = provider.OpenWriter())
        using (var command = connection.CreateCommand())
        {
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        (provider as IDisposable)?.Dispose();
    }

    private static string Where(string condition) => "SELECT count(*) FROM ENCRYPTED_TRANSACTION WHERE " + condition;

    private static EncodedPayload Payload(int i) => new()
    {
        SenderKey = Keys.S,
        CipherText = [.. BitConverter.GetBytes(i), 9],
        CipherTextNonce = new byte[24],
        RecipientBoxes = [new byte[48]],
        RecipientNonce = new byte[24],
        RecipientKeys = [Keys.R],
    };

    private string Insert(byte[] hash, byte[] payload) =>
        $"INSERT INTO ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD, TIMESTAMP, HASH) VALUES ({Literal(payload)}, 5, {Literal(hash)})";

    private void CreateTables(string name, string column)
    {
        Execute(name, $"CREATE TABLE ENCRYPTED_TRANSACTION (ENCODED_PAYLOAD {Binary} NOT NULL, {column} TIMESTAMP BIGINT,"
            + $" HASH {Binary} NOT NULL, PRIMARY KEY (HASH))");
        Execute(name, $"CREATE TABLE ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY {Binary} NOT NULL, ENCRYPTED_PAYLOAD {Binary} NOT NULL,"
            + $" NONCE {Binary} NOT NULL, SENDER {Binary} NOT NULL, TIMESTAMP BIGINT, HASH {Binary} NOT NULL, PRIMARY KEY (HASH))");
    }

    private string Ask(string name, string sql)
    {
        var provider = Provider(name);
        try
        {
            using var connection = provider.OpenWriter();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return command.ExecuteScalar()!.ToString()!;
        }
        finally
        {
            (provider as IDisposable)?.Dispose();
        }
    }

    private (List<(byte[] Hash, byte[] Payload)> Payloads, List<string> Raw, List<byte[]> RawHashes) Rows(string source, string manager)
    {
        var tables = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/database.json")).RootElement
            .GetProperty(source).GetProperty("managers").GetProperty(manager).GetProperty("tables");
        Dictionary<string, JsonElement>[] Of(string table) =>
        [
            .. tables.EnumerateObject().Single(t => t.Name.Equals(table, StringComparison.OrdinalIgnoreCase)).Value.GetProperty("rows")
                .EnumerateArray().Select(r => r.EnumerateObject().ToDictionary(c => c.Name.ToUpperInvariant(), c => c.Value)),
        ];
        byte[] Bytes(JsonElement value) => Convert.FromHexString(value.GetString()!);
        var raw = Of("ENCRYPTED_RAW_TRANSACTION");
        return (
            [.. Of("ENCRYPTED_TRANSACTION").Select(r => (Bytes(r["HASH"]), Bytes(r["ENCODED_PAYLOAD"])))],
            [.. raw.Select(r => "INSERT INTO ENCRYPTED_RAW_TRANSACTION (ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, HASH)"
                + $" VALUES ({Literal(Bytes(r["ENCRYPTED_KEY"]))}, {Literal(Bytes(r["ENCRYPTED_PAYLOAD"]))}, {Literal(Bytes(r["NONCE"]))},"
                + $" {Literal(Bytes(r["SENDER"]))}, {r["TIMESTAMP"].GetInt64()}, {Literal(Bytes(r["HASH"]))})")],
            [.. raw.Select(r => Bytes(r["HASH"]))]);
    }
}

public sealed class SqliteTesseraDatabaseTests : TesseraDatabaseTests, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmtdb").FullName;

    protected override string Binary => "BLOB";

    protected override StoreProvider Provider(string name) => new SqliteProvider(Path.Combine(_directory, name + ".db"));

    protected override string Literal(byte[] bytes) => $"x'{Convert.ToHexString(bytes)}'";

    [Fact]
    public void Refused_file_with_a_rollback_journal_stays_byte_for_byte()
    {
        var path = Path.Combine(_directory, "journal.db");
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE ENCRYPTED_TRANSACTION (HASH BLOB PRIMARY KEY, SOMETHING INT)";
            command.ExecuteNonQuery();
        }

        var before = File.ReadAllBytes(path);
        Assert.Throws<PrivacyException>(() => PayloadStore.Open(new SqliteProvider(path), TimeProvider.System));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_directory, "journal.db*"));
    }

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PostgresTesseraDatabaseTests(PostgresServer postgres) : TesseraDatabaseTests, IClassFixture<PostgresServer>
{
    private readonly HashSet<string> _schemas = [];

    protected override bool IsSkipped => base.IsSkipped || postgres.SkipReason is not null;

    protected override string Binary => "BYTEA";

    /// <summary>Each in a schema of its own.</summary>
    protected override StoreProvider Provider(string name)
    {
        if (_schemas.Add(name))
        {
            using var connection = new NpgsqlConnection(postgres.ConnectionString);
            connection.Open();
            using var command = new NpgsqlCommand($"CREATE SCHEMA IF NOT EXISTS {name}", connection);
            command.ExecuteNonQuery();
        }

        return new PostgresProvider(postgres.ConnectionString + $";Search Path={name}");
    }

    protected override string Literal(byte[] bytes) => $"'\\x{Convert.ToHexString(bytes)}'::bytea";

    [Theory]
    [InlineData("later", "second.encrypted_transaction", "\"second_later\".\"encrypted_transaction\"")]
    [InlineData("upper", "first.\"ENCRYPTED_TRANSACTION\"", "\"first_upper\".\"ENCRYPTED_TRANSACTION\"")]
    [InlineData("raw", "second.\"Encrypted_Raw_Transaction\"", "\"second_raw\".\"Encrypted_Raw_Transaction\"")]
    public void Payloads_where_no_statement_would_find_them_refuse_the_start(string name, string table, string said)
    {
        if (postgres.SkipReason is not null)
            return;
        Run($"CREATE SCHEMA first_{name}; CREATE SCHEMA second_{name};"
            + $"CREATE TABLE {table.Replace(".", $"_{name}.", StringComparison.Ordinal)} (hash bytea)");
        using (var provider = OnPath($"first_{name},second_{name}"))
        {
            var e = Assert.Throws<PrivacyException>(() => PayloadStore.Open(provider, TimeProvider.System));
            Assert.Equal(Failure.StoreUnavailable, e.Failure);
            Assert.Contains(said, e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1L, Run($"SELECT count(*) FROM pg_tables WHERE schemaname IN ('first_{name}', 'second_{name}')"));
    }

    /// <summary>The manager's own tables may lie in a later schema, beside another program's history in an earlier one.</summary>
    [Fact]
    public async Task Own_tables_are_found_wherever_the_search_path_has_them()
    {
        if (postgres.SkipReason is not null)
            return;
        Run("CREATE SCHEMA ours; CREATE SCHEMA empty; CREATE SCHEMA others;"
            + "CREATE TABLE others.\"__EFMigrationsHistory\" (\"MigrationId\" varchar(150), \"ProductVersion\" varchar(32));"
            + "CREATE TABLE others.metadata (id int)");
        var payload = new EncodedPayload
        {
            SenderKey = Keys.S,
            CipherText = [1],
            CipherTextNonce = new byte[24],
            RecipientBoxes = [new byte[48]],
            RecipientNonce = new byte[24],
            RecipientKeys = [Keys.R],
        };
        using (var provider = OnPath("ours,others"))
        using (var store = PayloadStore.Open(provider, TimeProvider.System))
            await store.SaveAsync(payload.ComputeHash(), payload, [], default);
        foreach (var path in new[] { "ours,others", "empty,ours" })
        {
            using var provider = OnPath(path);
            using var store = PayloadStore.Open(provider, TimeProvider.System);
            Assert.NotNull(await store.FindAsync(payload.ComputeHash(), default));
        }
    }

    private PostgresProvider OnPath(string schemas) => new(postgres.ConnectionString + $";Search Path=\"{schemas}\"");

    private object? Run(string sql)
    {
        using var connection = new NpgsqlConnection(postgres.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    [PostgresFact]
    public void A_server_is_there() => Assert.StartsWith("Host=", postgres.ConnectionString, StringComparison.Ordinal);
}
