using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Checking;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Storage.Tests;

/// <summary>One bit of one column is another: every way to read the row says so.</summary>
public abstract class DamageTests : IDisposable
{
    private DbConnection? _connection;

    protected virtual bool IsSkipped => false;

    protected abstract StoreProvider Provider();

    /// <summary>Changes rows behind the store's back.</summary>
    private DbConnection Connection
    {
        get
        {
            if (_connection is null)
            {
                _connection = Provider().OpenWriter();
                using var command = _connection.CreateCommand();
                command.CommandText = Hurry;
                command.ExecuteNonQuery();
            }

            return _connection;
        }
    }

    protected abstract string Hurry { get; }

    /// <summary>A literal of bytes.</summary>
    protected abstract string Bytes(byte[] bytes);

    private static EncodedPayload Payload() => new()
    {
        SenderKey = Keys.S,
        CipherText = Guid.NewGuid().ToByteArray(),
        CipherTextNonce = [.. Enumerable.Range(1, 24).Select(i => (byte)i)],
        RecipientBoxes = [new byte[48]],
        RecipientNonce = new byte[24],
        RecipientKeys = [Keys.R],
        PrivacyMode = PrivacyMode.PrivateStateValidation,
        AffectedTransactions = [new AffectedTransaction(default, new byte[32])],
        ExecutionHash = new byte[32],
        PrivacyGroupId = [1, 2, 3],
    };

    [Fact]
    public async Task Every_bit_of_a_stored_payload()
    {
        if (IsSkipped)
            return;
        var payload = Payload();
        var hash = payload.ComputeHash();
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        await store.SaveAsync(hash, payload, [new(Keys.R, PartyRole.Recipient)], default);
        var told = new List<string>();
        store.Damaged += told.Add;
        var where = $"HASH = {Bytes(hash.ToArray())}";
        var row = One($"SELECT ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP, CHECKSUM FROM ENCRYPTED_TRANSACTION WHERE {where}");

        var count = 0;
        foreach (var (column, value) in new[] { "ENCODED_PAYLOAD", "PAYLOAD_CODEC", "TIMESTAMP", "CHECKSUM" }.Zip(row))
        {
            foreach (var flipped in Flips(value))
            {
                Run($"UPDATE ENCRYPTED_TRANSACTION SET {column} = {flipped} WHERE {where}");
                var e = await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(hash, default));
                Assert.Equal(Failure.Damaged, e.Failure);
                Assert.Contains(hash.ToBase64(), e.Message, StringComparison.Ordinal);
                count++;
            }

            Assert.Null((await PagesAsync(store)).Single(p => p.Hash.Equals(hash)).Payload);
            Assert.Contains(Faults(), f => f.StartsWith($"payload {hash.ToBase64()}: ", StringComparison.Ordinal));
            Run($"UPDATE ENCRYPTED_TRANSACTION SET {column} = {Literal(value)} WHERE {where}");
        }

        Assert.Equal(told.Count, store.DamagedReads);
        Assert.All(told, m => Assert.Contains(hash.ToBase64(), m, StringComparison.Ordinal));
        Assert.Equal(count + 4, told.Count);

        // The form of the key, and the key itself: what is asked for is missing, what is there is damaged.
        var other = Flip(hash.ToArray(), 9);
        Run($"UPDATE ENCRYPTED_TRANSACTION SET HASH = {Bytes(other)} WHERE {where}");
        Assert.Null(await store.FindAsync(hash, default));
        Assert.True(await store.IsPartyAsync(hash, default));
        Assert.Equal(Failure.Damaged,
            (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(new PayloadHash(other), default))).Failure);
        Assert.Null((await PagesAsync(store)).Single(p => p.Hash.Equals(new PayloadHash(other))).Payload);
        Run($"UPDATE ENCRYPTED_TRANSACTION SET HASH = {Bytes(other[..63])} WHERE HASH = {Bytes(other)}");
        Assert.Null((await PagesAsync(store)).Single(p => p.Hash is null).Payload);
        Assert.Contains(Faults(), f => f.Contains("(no hash)", StringComparison.Ordinal));
        Run($"UPDATE ENCRYPTED_TRANSACTION SET HASH = {Bytes(hash.ToArray())} WHERE HASH = {Bytes(other[..63])}");
        Assert.NotNull(await store.FindAsync(hash, default));

        // A push repairs it, whatever it was.
        Run($"UPDATE ENCRYPTED_TRANSACTION SET TIMESTAMP = TIMESTAMP + 4, PAYLOAD_CODEC = NULL WHERE {where}");
        await store.SaveAsync(hash, payload, [], default);
        Assert.Equal(LegacyPayloadCodec.Encode(payload), LegacyPayloadCodec.Encode((await store.FindAsync(hash, default))!));
        Assert.Empty(Faults());
    }

    [Fact]
    public async Task Every_bit_of_a_raw_payload()
    {
        if (IsSkipped)
            return;
        var raw = new RawPayload(Guid.NewGuid().ToByteArray(), new byte[48], new byte[24], Keys.S);
        var hash = raw.ComputeHash();
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        await store.SaveRawAsync(hash, raw, default);
        var where = $"HASH = {Bytes(hash.ToArray())}";
        string[] columns = ["ENCRYPTED_KEY", "ENCRYPTED_PAYLOAD", "NONCE", "SENDER", "TIMESTAMP", "CHECKSUM"];
        var row = One($"SELECT {string.Join(',', columns)} FROM ENCRYPTED_RAW_TRANSACTION WHERE {where}");
        foreach (var (column, value) in columns.Zip(row))
        {
            foreach (var flipped in Flips(value))
            {
                Run($"UPDATE ENCRYPTED_RAW_TRANSACTION SET {column} = {flipped} WHERE {where}");
                Assert.Equal(Failure.Damaged,
                    (await Assert.ThrowsAsync<PrivacyException>(() => store.FindRawAsync(hash, default))).Failure);
            }

            Assert.Contains(Faults(), f => f.StartsWith($"raw payload {hash.ToBase64()}: ", StringComparison.Ordinal));
            await store.SaveRawAsync(hash, raw, default);
            Assert.Empty(Faults());
            Run($"UPDATE ENCRYPTED_RAW_TRANSACTION SET TIMESTAMP = {Literal(row[4])}, CHECKSUM = {Literal(row[5])} WHERE {where}");
        }

        var other = Flip(hash.ToArray(), 100);
        Run($"UPDATE ENCRYPTED_RAW_TRANSACTION SET HASH = {Bytes(other)} WHERE {where}");
        Assert.Null(await store.FindRawAsync(hash, default));
        Assert.Equal(Failure.Damaged,
            (await Assert.ThrowsAsync<PrivacyException>(() => store.FindRawAsync(new PayloadHash(other), default))).Failure);
        Run($"DELETE FROM ENCRYPTED_RAW_TRANSACTION WHERE HASH = {Bytes(other)}");
    }

    [Fact]
    public async Task Every_bit_of_a_participation_record()
    {
        if (IsSkipped)
            return;
        var payload = Payload();
        var hash = payload.ComputeHash();
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        await store.SaveAsync(hash, payload, [new(Keys.R, PartyRole.Recipient)], default);
        await store.DeleteAsync(hash, default);
        var where = $"HASH = {Bytes(hash.ToArray())}";
        string[] columns = ["OWN_KEY", "ROLE", "CHECKSUM"];
        var row = One($"SELECT {string.Join(',', columns)}, SEQ FROM PARTICIPATION WHERE {where}");
        var sequence = (long)row[3]!;
        foreach (var (column, value) in columns.Zip(row))
        {
            foreach (var flipped in Flips(value))
            {
                Run($"UPDATE PARTICIPATION SET {column} = {flipped} WHERE {where}");
                Assert.Equal(Failure.Damaged,
                    (await Assert.ThrowsAsync<PrivacyException>(() => store.IsPartyAsync(hash, default))).Failure);
            }

            Assert.Contains(Faults(), f =>
                f.StartsWith($"participation record {sequence} of {hash.ToBase64()}: ", StringComparison.Ordinal));
            Run($"UPDATE PARTICIPATION SET {column} = {Literal(value)} WHERE {where}");
        }

        // A watching node hears of it all the same, but its place in the sequence is not believed.
        Run($"UPDATE PARTICIPATION SET SEQ = {sequence + (1L << 40)} WHERE {where}");
        Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.IsPartyAsync(hash, default))).Failure);
        var told = new List<string>();
        store.Damaged += told.Add;
        for (var i = 0; i < 2; i++)
            Assert.Equal([new SequencedHash(sequence - 1, hash)], await store.AvailableAfterAsync(sequence - 1, 10, default));

        Assert.Single(told);
        var next = Payload();
        await store.SaveAsync(next.ComputeHash(), next, [new(Keys.R, PartyRole.Recipient)], default);
        Assert.Contains(await store.AvailableAfterAsync(sequence, 10, default), s =>
            s.Sequence > sequence && s.Hash.Equals(next.ComputeHash()));
        Run($"UPDATE PARTICIPATION SET SEQ = {sequence} WHERE {where}");
        Assert.True(await store.IsPartyAsync(hash, default));

        var other = Flip(hash.ToArray(), 511);
        Run($"UPDATE PARTICIPATION SET HASH = {Bytes(other)} WHERE {where}");
        Assert.Equal(Failure.Damaged,
            (await Assert.ThrowsAsync<PrivacyException>(() => store.IsPartyAsync(new PayloadHash(other), default))).Failure);
        Assert.Contains(Faults(), f => f.StartsWith($"participation record {sequence} of ", StringComparison.Ordinal));
        Run($"DELETE FROM PARTICIPATION WHERE HASH = {Bytes(other)}");
    }

    public virtual void Dispose() => _connection?.Dispose();

    protected string[] Faults()
    {
        var faults = new List<string>();
        var provider = Provider();
        Assert.Equal(StoreVerifier.Verify(provider, faults.Add).Faults, faults.Count);
        (provider as IDisposable)?.Dispose();
        return [.. faults];
    }

    protected void Run(string statement)
    {
        using var command = Connection.CreateCommand();
        command.CommandText = statement;
        Assert.Equal(1, command.ExecuteNonQuery());
    }

    private object?[] One(string query)
    {
        using var command = Connection.CreateCommand();
        command.CommandText = query;
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        var row = new object?[reader.FieldCount];
        reader.GetValues(row!);
        return row;
    }

    private static async Task<List<StoredPayload>> PagesAsync(PayloadStore store)
    {
        var all = new List<StoredPayload>();
        PayloadCursor? cursor = null;
        do
        {
            var page = await store.PageAsync(cursor, 100, default);
            all.AddRange(page.Payloads);
            cursor = page.Next;
        }
        while (cursor is not null);
        return all;
    }

    private string Literal(object? value) => value switch
    {
        byte[] bytes => Bytes(bytes),
        string text => $"'{text}'",
        _ => $"{value}",
    };

    /// <summary>Every bit of bytes up to 64 of them, else every seventh; every bit of text that leaves it text.</summary>
    private IEnumerable<string> Flips(object? value)
    {
        switch (value)
        {
            case byte[] bytes:
                for (var bit = 0; bit < bytes.Length * 8; bit += bytes.Length > 64 ? 7 : 1)
                    yield return Bytes(Flip(bytes, bit));

                break;
            case string text:
                for (var bit = 0; bit < text.Length * 8; bit++)
                {
                    var flipped = Flip(System.Text.Encoding.ASCII.GetBytes(text), bit);
                    if (flipped.All(b => b is > 31 and < 127 and not (byte)'\''))
                        yield return $"'{System.Text.Encoding.ASCII.GetString(flipped)}'";
                }

                break;
            case int number:
                for (var bit = 0; bit < 31; bit++)
                    yield return $"{number ^ (1 << bit)}";

                break;
            default:
                for (var bit = 0; bit < 63; bit++)
                    yield return $"{(long)value! ^ (1L << bit)}";

                break;
        }
    }

    private static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }
}

public sealed class SqliteDamageTests : DamageTests
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmdb").FullName;

    protected override StoreProvider Provider() => new SqliteProvider(Path.Combine(_directory, "tm.db"));

    protected override string Hurry => "PRAGMA synchronous = OFF";

    protected override string Bytes(byte[] bytes) => $"x'{Convert.ToHexString(bytes)}'";

    /// <summary>A flip in SQLite's own record header gives a column another type.</summary>
    [Theory]
    [InlineData("ENCODED_PAYLOAD = CAST(ENCODED_PAYLOAD AS TEXT)")]
    [InlineData("ENCODED_PAYLOAD = 5")]
    [InlineData("PAYLOAD_CODEC = x'4C4547414359'")]
    [InlineData("TIMESTAMP = 'soon'")]
    [InlineData("TIMESTAMP = TIMESTAMP + 0.5")]
    [InlineData("CHECKSUM = 'none'")]
    [InlineData("CHECKSUM = x''")]
    public async Task A_column_of_another_type(string change)
    {
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        var payload = new EncodedPayload
        {
            SenderKey = Keys.S,
            CipherText = [1],
            CipherTextNonce = [],
            RecipientBoxes = [],
            RecipientNonce = []
        };
        await store.SaveAsync(payload.ComputeHash(), payload, [], default);
        Run("UPDATE ENCRYPTED_TRANSACTION SET " + change);
        Assert.Equal(Failure.Damaged,
            (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(payload.ComputeHash(), default))).Failure);
        var page = await store.PageAsync(null, 10, default);
        Assert.Null(Assert.Single(page.Payloads).Payload);
        Assert.Null(page.Next);
        Assert.Single(Faults());
    }

    /// <summary>Flips in the file itself, wherever the ciphertext, the sender's key or a nonce lie in it.</summary>
    [Fact]
    public async Task A_flip_in_the_file()
    {
        var file = Path.Combine(_directory, "tm.db");
        var payload = new EncodedPayload
        {
            SenderKey = Keys.S,
            CipherText = Guid.NewGuid().ToByteArray(),
            CipherTextNonce = Guid.NewGuid().ToByteArray(),
            RecipientBoxes = [Guid.NewGuid().ToByteArray()],
            RecipientNonce = new byte[24],
            RecipientKeys = [Keys.R],
        };
        var hash = payload.ComputeHash();
        using (var store = PayloadStore.Open(Provider(), TimeProvider.System))
            await store.SaveAsync(hash, payload, [], default);

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        var whole = File.ReadAllBytes(file);
        foreach (var part in new[] { payload.CipherText, payload.CipherTextNonce, payload.RecipientBoxes[0], payload.SenderKey.ToArray() })
        {
            byte[] bytes = [.. whole];
            bytes[bytes.AsSpan().LastIndexOf(part) + 3] ^= 4;
            File.WriteAllBytes(file, bytes);
            using (var store = PayloadStore.Open(Provider(), TimeProvider.System))
                Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.FindAsync(hash, default))).Failure);

            Assert.Single(Faults());
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PostgresDamageTests(PostgresServer postgres) : DamageTests, IClassFixture<PostgresServer>
{
    protected override bool IsSkipped => postgres.SkipReason is not null;

    [PostgresFact]
    public void A_server_is_there() => Assert.StartsWith("Host=", postgres.ConnectionString, StringComparison.Ordinal);

    protected override StoreProvider Provider() => new PostgresProvider(postgres.ConnectionString);

    protected override string Hurry => "SET synchronous_commit = off";

    protected override string Bytes(byte[] bytes) => $"'\\x{Convert.ToHexString(bytes)}'::bytea";
}
