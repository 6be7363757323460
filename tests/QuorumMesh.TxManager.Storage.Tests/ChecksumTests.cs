using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Hosting;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Checking;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Storage.Tests;

/// <summary>Databases of the schema before checksums.</summary>
public abstract class ChecksumTests
{
    private const int Rows = 600;

    protected virtual bool IsSkipped => false;

    protected abstract StoreProvider Provider();

    protected abstract string Literal(byte[] bytes);

    private static EncodedPayload Payload(int i) => new()
    {
        SenderKey = Keys.S,
        CipherText = BitConverter.GetBytes(i),
        CipherTextNonce = new byte[24],
        RecipientBoxes = [new byte[48]],
        RecipientNonce = new byte[24],
        RecipientKeys = [Keys.R],
    };

    [Fact]
    public async Task Rows_of_the_former_schema_are_read_and_get_their_checksums_step_by_step()
    {
        if (IsSkipped)
            return;
        FormerDatabase();
        var damaged = Payload(7).ComputeHash();
        var broken = LegacyPayloadCodec.Encode(Payload(7));
        broken[50] ^= 1;
        Execute($"UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = {Literal(broken)} WHERE HASH = {Literal(damaged.ToArray())}");

        var first = Payload(0).ComputeHash();
        using (var store = PayloadStore.Open(Provider(), TimeProvider.System))
        {
            // As before: a payload, a raw one, a participation record, a sequence that goes on; a ciphertext that does not fit is found.
            Assert.NotNull(await store.FindAsync(first, default));
            Assert.NotNull(await store.FindRawAsync(Sha3.HashPayload([9]), default));
            Assert.True(await store.IsPartyAsync(first, default));
            Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(damaged, default))).Failure);
            Assert.Equal((2 * Rows) + 1, Check().WithoutChecksum);

            // A row written now has its checksum at once.
            var added = Payload(-1);
            await store.SaveAsync(added.ComputeHash(), added, [new(Keys.R, PartyRole.Recipient)], default);
            var available = await store.AvailableAfterAsync(0, 10_000, default);
            Assert.Equal(Rows + 1, available.Single(s => s.Hash.Equals(added.ComputeHash())).Sequence);
            Assert.Equal((2 * Rows) + 1, Check().WithoutChecksum);

            var step = await store.AddChecksumsAsync();
            Assert.InRange(step.Added, 200, 256);
            Assert.True(step.More);
        }

        // Stopped in the middle: the next start goes on where it was.
        using (var store = PayloadStore.Open(Provider(), TimeProvider.System))
        {
            var told = new List<string>();
            store.Damaged += told.Add;
            Assert.InRange(await AddAllChecksumsAsync(store), (2 * Rows) - 256, (2 * Rows) - 200);
            Assert.True(told.Count <= 1);
            Assert.Equal(new ChecksumStep(0, false), await store.AddChecksumsAsync());

            // The damaged row was not declared good.
            var check = Check();
            Assert.Equal((1, 1, Rows + 1, 1, Rows + 1),
                (check.WithoutChecksum, check.Faults, check.Payloads, check.Raw, check.Participations));
            Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(damaged, default))).Failure);
            await store.SaveAsync(damaged, Payload(7), [], default);
            check = Check();
            Assert.Equal((0, 0), (check.WithoutChecksum, check.Faults));

            // What has a checksum is checked: here a bit that only the checksum covers.
            Execute($"UPDATE ENCRYPTED_TRANSACTION SET TIMESTAMP = TIMESTAMP + 1 WHERE HASH = {Literal(first.ToArray())}");
            Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(first, default))).Failure);
        }
    }

    [Fact]
    public async Task A_place_that_cannot_be_read_starts_again()
    {
        if (IsSkipped)
            return;
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        var payload = Payload(Random.Shared.Next());
        await store.SaveAsync(payload.ComputeHash(), payload, [], default);
        await AddAllChecksumsAsync(store);
        foreach (var place in new[] { "", "Payload", "Payload:xy", "Raw:0", "Participation:", "Nothing:00", "9:00" })
        {
            Execute($"UPDATE ENCRYPTED_TRANSACTION SET CHECKSUM = NULL WHERE HASH = {Literal(payload.ComputeHash().ToArray())}");
            Execute($"UPDATE METADATA SET VALUE = '{place}' WHERE NAME = 'sealing'");
            Assert.Equal(1, await AddAllChecksumsAsync(store));
        }
    }

    [Fact]
    public void A_check_tells_in_lines_and_by_its_exit_code()
    {
        if (IsSkipped)
            return;
        FormerDatabase();
        using var output = new StringWriter();
        var e = Assert.Throws<ServiceDefaults.StartupException>(() => StoreCheckRun.Run(Provider(), output));
        Assert.Contains("start the transaction manager on it once", e.Message, StringComparison.Ordinal);

        using (PayloadStore.Open(Provider(), TimeProvider.System))
        {
        }

        Assert.Equal(0, StoreCheckRun.Run(Provider(), output));
        Assert.Equal(
            [$"{Rows} payloads, 1 raw payloads, {Rows} participation records",
                $"{(2 * Rows) + 1} rows have no checksum yet: of those only hash and form could be checked", "all is well"],
            output.ToString().Trim().Split(Environment.NewLine));

        output.GetStringBuilder().Clear();
        Execute($"DELETE FROM ENCRYPTED_TRANSACTION WHERE HASH = {Literal(Payload(3).ComputeHash().ToArray())}");
        Execute($"UPDATE ENCRYPTED_RAW_TRANSACTION SET ENCRYPTED_PAYLOAD = {Literal([8])}");
        Assert.Equal(1, StoreCheckRun.Run(Provider(), output));
        Assert.StartsWith($"BROKEN raw payload {Sha3.HashPayload([9]).ToBase64()}: its ciphertext does not fit its hash",
            output.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 participation records are of payloads that are not here", output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("1 faults; have the parties send damaged payloads again (resend), or restore the database from a backup",
            output.ToString().Trim(), StringComparison.Ordinal);
    }

    private static async Task<int> AddAllChecksumsAsync(PayloadStore store)
    {
        var rows = 0;
        ChecksumStep step;
        do
        {
            step = await store.AddChecksumsAsync();
            rows += step.Added;
        }
        while (step.More);
        return rows;
    }

    private StoreCheck Check()
    {
        var provider = Provider();
        var check = StoreVerifier.Verify(provider, _ => { });
        (provider as IDisposable)?.Dispose();
        return check;
    }

    /// <summary>Made by statements, as the version before left it.</summary>
    private void FormerDatabase()
    {
        var provider = Provider();
        using (var connection = provider.OpenWriter())
        using (var db = provider.On(connection))
        {
            using var transaction = connection.BeginTransaction();
            string[] tables = ["ENCRYPTED_TRANSACTION", "ENCRYPTED_RAW_TRANSACTION", "PARTICIPATION", "METADATA", "PEER_IDENTITY",
                "KEY_PIN", "RECEIPT_LIST", "RECEIPT", "\"__EFMigrationsHistory\""];
            foreach (var table in tables)
                Run($"DROP TABLE IF EXISTS {table}");

            Run("""CREATE TABLE "__EFMigrationsHistory" ("MigrationId" VARCHAR(150) NOT NULL PRIMARY KEY, "ProductVersion" VARCHAR(32) NOT NULL)""");
            var initial = db.Database.GetMigrations().First();
            foreach (var operation in Operations(db, initial))
                Run(operation.Sql);

            Run($"""INSERT INTO "__EFMigrationsHistory" VALUES ('{initial}', '10.0.15')""");
            Run("INSERT INTO METADATA VALUES ('managerId', '00000000000000000000000000000001')");
            for (var i = 0; i < Rows; i++)
            {
                var hash = Payload(i).ComputeHash().ToArray();
                var codec = i % 2 == 0 ? "'LEGACY'" : "NULL";
                Run($"INSERT INTO ENCRYPTED_TRANSACTION VALUES ({Literal(hash)}, {Literal(LegacyPayloadCodec.Encode(Payload(i)))}, "
                    + $"{codec}, {1_700_000_000_000 + i})");
                Run($"INSERT INTO PARTICIPATION (HASH, OWN_KEY, ROLE) VALUES ({Literal(hash)}, {Literal(Keys.R.ToArray())}, 2)");
            }

            Run($"INSERT INTO ENCRYPTED_RAW_TRANSACTION VALUES ({Literal(Sha3.HashPayload([9]).ToArray())}, {Literal(new byte[48])}, "
                + $"{Literal([9])}, {Literal(new byte[24])}, {Literal(Keys.S.ToArray())}, 1)");
            transaction.Commit();

            void Run(string statement)
            {
                using var command = connection.CreateCommand();
                command.Transaction = transaction;
                command.CommandText = statement;
                command.ExecuteNonQuery();
            }
        }

        (provider as IDisposable)?.Dispose();
    }

    private static IEnumerable<SqlOperation> Operations(PayloadContext db, string migration)
    {
        var migrations = db.GetService<IMigrationsAssembly>();
        return migrations.CreateMigration(migrations.Migrations[migration], db.Database.ProviderName!).UpOperations.Cast<SqlOperation>();
    }

    private void Execute(string statement)
    {
        var provider = Provider();
        using (var connection = provider.OpenWriter())
        using (var command = connection.CreateCommand())
        {
            command.CommandText = statement;
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        (provider as IDisposable)?.Dispose();
    }
}

public sealed class SqliteChecksumTests : ChecksumTests, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmdb").FullName;

    protected override StoreProvider Provider() => new SqliteProvider(Path.Combine(_directory, "tm.db"));

    protected override string Literal(byte[] bytes) => $"x'{Convert.ToHexString(bytes)}'";

    [Fact]
    public void A_check_finds_an_index_that_lacks_a_row_and_makes_no_file()
    {
        var path = Path.Combine(_directory, "none.db");
        using var output = new StringWriter();
        Assert.Contains(path,
            Assert.Throws<ServiceDefaults.StartupException>(() => StoreCheckRun.Run(new SqliteProvider(path), output)).Message,
                StringComparison.Ordinal);
        Assert.False(File.Exists(path));

        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        using var connection = Provider().OpenWriter();
        using var command = connection.CreateCommand();
        command.CommandText = """
            INSERT INTO PARTICIPATION (HASH, OWN_KEY, ROLE) VALUES (zeroblob(64), x'01', 1);
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE INDEX', 'INDEX'), rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'IX_ENCRYPTED_TRANSACTION_TIME') WHERE name = 'IX_PARTICIPATION_HASH';
            """;
        command.ExecuteNonQuery();
        Assert.Equal(1, StoreCheckRun.Run(Provider(), output));
        Assert.Contains("BROKEN the database: ", output.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PostgresChecksumTests(PostgresServer postgres) : ChecksumTests, IClassFixture<PostgresServer>
{
    protected override bool IsSkipped => postgres.SkipReason is not null;

    [PostgresFact]
    public void A_server_is_there() => Assert.StartsWith("Host=", postgres.ConnectionString, StringComparison.Ordinal);

    protected override StoreProvider Provider() => new PostgresProvider(postgres.ConnectionString);

    protected override string Literal(byte[] bytes) => $"'\\x{Convert.ToHexString(bytes)}'::bytea";
}
