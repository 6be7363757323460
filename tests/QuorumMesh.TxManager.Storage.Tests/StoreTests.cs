using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Storage.Tests;

/// <summary>The same promises for every database.</summary>
public abstract class StoreTests
{
    private static readonly Participation Recipient = new(Keys.R, PartyRole.Recipient);

    protected virtual bool IsSkipped => false;

    protected abstract StoreProvider Provider();

    private PayloadStore? Open() => IsSkipped ? null : PayloadStore.Open(Provider(), TimeProvider.System);

    private static EncodedPayload Payload(int i) => new()
    {
        SenderKey = Keys.S,
        CipherText = [.. BitConverter.GetBytes(i), 1, 2, 3],
        CipherTextNonce = new byte[24],
        RecipientBoxes = [new byte[48]],
        RecipientNonce = new byte[24],
        RecipientKeys = [Keys.R],
    };

    [Fact]
    public async Task Saved_payload_is_found_after_reopening()
    {
        if (Open() is not { } store)
            return;
        var payload = Payload(Random.Shared.Next());
        var hash = payload.ComputeHash();
        Assert.Null(await store.FindAsync(hash, default));
        await store.SaveAsync(hash, payload, [Recipient, new(Keys.S, PartyRole.Sender)], default);
        var id = await store.ManagerIdAsync(default);
        store.Dispose();

        using var reopened = Open()!;
        Assert.Equal(LegacyPayloadCodec.Encode(payload), LegacyPayloadCodec.Encode((await reopened.FindAsync(hash, default))!));
        Assert.Equal(id, await reopened.ManagerIdAsync(default));
        Assert.True(await reopened.IsPartyAsync(hash, default));
        var replaced = payload with { RecipientKeys = [Keys.R, Keys.S], RecipientBoxes = [new byte[48], new byte[48]] };
        await reopened.SaveAsync(hash, replaced, [Recipient], default);
        Assert.Equal(2, (await reopened.FindAsync(hash, default))!.RecipientKeys.Count);
    }

    [Fact]
    public async Task Payloads_without_a_participation_record_are_found_and_get_it()
    {
        using var store = Open();
        if (store is null)
            return;
        var unnoted = new Dictionary<PayloadHash, EncodedPayload>();
        for (var i = 0; i < 7; i++)
        {
            var payload = Payload(Random.Shared.Next());
            await store.SaveAsync(payload.ComputeHash(), payload, i % 2 == 0 ? [] : [Recipient], default);
            if (i % 2 == 0)
                unnoted[payload.ComputeHash()] = payload;
        }

        var found = await UnnotedAsync(store);
        Assert.True(found.IsSupersetOf(unnoted.Keys));
        foreach (var (hash, payload) in unnoted)
        {
            Assert.False(await store.IsPartyAsync(hash, default));
            await store.SaveAsync(hash, payload, [Recipient], default);
            Assert.True(await store.IsPartyAsync(hash, default));
            Assert.Single(await AllAsync(store), s => s.Hash.Equals(hash));
        }

        Assert.Empty((await UnnotedAsync(store)).Intersect(unnoted.Keys));
    }

    /// <summary>Three at a time.</summary>
    private static async Task<HashSet<PayloadHash>> UnnotedAsync(PayloadStore store)
    {
        var found = new HashSet<PayloadHash>();
        byte[]? place = null;
        do
        {
            var page = await store.UnnotedAsync(place, 3, default);
            found.UnionWith(page.Hashes);
            place = page.Next;
        }
        while (place is not null);
        return found;
    }

    [Fact]
    public async Task The_watermark_is_that_of_the_database_whoever_wrote_it_and_never_goes_down()
    {
        using var one = Open();
        if (one is null)
            return;
        var start = (await one.MarkAsync(0, default)).Watermark;
        var payload = Payload(Random.Shared.Next());
        var hash = payload.ComputeHash();
        await one.SaveAsync(hash, payload, [Recipient], default);
        var saved = (await one.MarkAsync(0, default)).Watermark;
        Assert.True(saved > start);
        // A manager that only reads knows as much as the one that wrote.
        using var sibling = Open()!;
        Assert.Equal(saved, (await sibling.MarkAsync(0, default)).Watermark);
        Assert.Equal(await one.ManagerIdAsync(default), await sibling.ManagerIdAsync(default));
        await one.DeleteAsync(hash, default);
        Assert.Equal(saved, (await sibling.MarkAsync(0, default)).Watermark);
        await one.SaveAsync(hash, payload, [Recipient], default);
        Assert.True((await sibling.MarkAsync(0, default)).Watermark > saved);
    }

    [Fact]
    public async Task A_record_is_told_by_its_number_and_a_number_is_never_given_twice()
    {
        using var store = Open();
        if (store is null)
            return;
        var payload = Payload(Random.Shared.Next());
        var hash = payload.ComputeHash();
        await store.SaveAsync(hash, payload, [Recipient], default);
        var mark = await store.MarkAsync(0, default);
        Assert.Null(mark.KnownHash);
        Assert.Equal(new StoreMark(mark.Watermark, hash), await store.MarkAsync(mark.Watermark, default));
        Assert.Equal(new StoreMark(mark.Watermark, null), await store.MarkAsync(mark.Watermark + 1, default));

        // Repaired, it has a later record; nobody gets the old one.
        await store.DeleteAsync(hash, default);
        await store.SaveAsync(hash, payload, [Recipient], default);
        var other = Payload(Random.Shared.Next());
        await store.SaveAsync(other.ComputeHash(), other, [Recipient], default);
        var later = await store.MarkAsync(mark.Watermark, default);
        Assert.Null(later.KnownHash);
        Assert.Equal(other.ComputeHash(), (await store.MarkAsync(later.Watermark, default)).KnownHash);
    }

    [Fact]
    public async Task The_length_is_told_before_a_payload_is_read_and_pages_end_at_some_bytes()
    {
        using var store = Open();
        if (store is null)
            return;
        var payloads = new List<EncodedPayload>();
        for (var i = 0; i < 5; i++)
        {
            var payload = Payload(Random.Shared.Next()) with { CipherText = [.. Guid.NewGuid().ToByteArray(), .. new byte[2_000_000]] };
            payloads.Add(payload);
            await store.SaveAsync(payload.ComputeHash(), payload, [Recipient], default);
        }

        var hash = payloads[0].ComputeHash();
        long length = 0;
        Assert.NotNull(await store.FindAsync(hash, default, found => length = found));
        Assert.InRange(length, 2_000_000, 2_001_000);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            () => store.FindAsync(hash, default, _ => throw new InvalidTimeZoneException()));
        Assert.Null(await store.FindAsync(default, default, _ => throw new InvalidTimeZoneException()));

        HashSet<PayloadHash> seen = [];
        PayloadCursor? cursor = null;
        do
        {
            var page = await store.PageAsync(cursor, 100, default);
            Assert.InRange(page.Payloads.Sum(p => (long)p.Payload!.CipherText.Length), 0, 4 * 1024 * 1024);
            seen.UnionWith(page.Payloads.Select(p => p.Hash!.Value));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Superset(payloads.Select(p => p.ComputeHash()).ToHashSet(), seen);
    }

    [Fact]
    public async Task Delete_keeps_participation_and_repair_gets_a_new_sequence()
    {
        using var store = Open();
        if (store is null)
            return;
        var payload = Payload(Random.Shared.Next());
        var hash = payload.ComputeHash();
        await store.SaveAsync(hash, payload, [Recipient], default);
        var first = (await AllAsync(store)).Single(s => s.Hash.Equals(hash));
        await store.SaveAsync(hash, payload, [Recipient], default);
        Assert.Equal(first, (await AllAsync(store)).Single(s => s.Hash.Equals(hash)));

        Assert.True(await store.DeleteAsync(hash, default));
        Assert.False(await store.DeleteAsync(hash, default));
        Assert.Null(await store.FindAsync(hash, default));
        Assert.True(await store.IsPartyAsync(hash, default));

        await store.SaveAsync(hash, payload, [Recipient], default);
        var repaired = (await AllAsync(store)).Single(s => s.Hash.Equals(hash));
        Assert.True(repaired.Sequence > first.Sequence);
    }

    [Fact]
    public async Task Raw_payload_is_kept()
    {
        using var store = Open();
        if (store is null)
            return;
        var raw = new RawPayload([1, 2, .. BitConverter.GetBytes(Random.Shared.Next())], new byte[48], new byte[24], Keys.S);
        await store.SaveRawAsync(raw.ComputeHash(), raw, default);
        await store.SaveRawAsync(raw.ComputeHash(), raw, default);
        var found = (await store.FindRawAsync(raw.ComputeHash(), default))!;
        Assert.Equal(raw.CipherText, found.CipherText);
        Assert.Equal(raw.SenderKey, found.SenderKey);
        Assert.False(await store.IsPartyAsync(raw.ComputeHash(), default));
    }

    [Fact]
    public async Task Parallel_writes_are_all_there_in_pages_and_in_sequence()
    {
        using var store = Open();
        if (store is null)
            return;
        var waiting = store.WaitForWriteAsync(default);
        EncodedPayload[] payloads = [.. Enumerable.Range(Random.Shared.Next(), 700).Select(Payload)];
        await Task.WhenAll(payloads.Select(p => store.SaveAsync(p.ComputeHash(), p, [Recipient], default)));
        await waiting;
        HashSet<PayloadHash> expected = [.. payloads.Select(p => p.ComputeHash())];

        var seen = new List<PayloadHash>();
        PayloadCursor? cursor = null;
        do
        {
            var page = await store.PageAsync(cursor, 100, default);
            seen.AddRange(page.Payloads.Select(p => p.Hash!.Value));
            cursor = page.Next;
        }
        while (cursor is not null);

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Superset(expected, seen.ToHashSet());
        var all = await AllAsync(store);
        Assert.Equal(all.Select(s => s.Sequence).Order(), all.Select(s => s.Sequence));
        Assert.Superset(expected, all.Select(s => s.Hash).ToHashSet());
    }

    [Fact]
    public void Migrations_lead_to_the_model()
    {
        if (IsSkipped)
            return;
        using var store = Open();
        var provider = Provider();
        using var db = provider.OpenReadOnly();
        Assert.False(db.Database.HasPendingModelChanges());
        Assert.Empty(db.Database.GetPendingMigrations());
        Assert.Equal(db.Database.GetMigrations(), db.Database.GetAppliedMigrations());
        Assert.Equal(
            [
                "20260901000000_Initial", "20261126000000_Checksums", "20261201000000_Groups", "20261202000000_Identities",
                "20261203000000_Receipts",
            ],
            db.Database.GetAppliedMigrations());
        Assert.Equal(provider.Migrations, db.Database.GetMigrations());
    }

    /// <summary>The kept script is made new by hand: what this test expects goes into Schema.sql of the database.</summary>
    [Fact]
    public void A_new_database_gets_what_the_migrations_make()
    {
        if (IsSkipped)
            return;
        var provider = Provider();
        using var db = provider.CreateReader();
        var script = db.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.NoTransactions);
        Assert.Equal(script.ReplaceLineEndings("\n").TrimEnd(), provider.Schema.TrimEnd());
    }

    [Fact]
    public async Task Pins_are_kept_and_neither_serials_owners_nor_revocations_go_back()
    {
        if (Open() is not { } opened)
            return;
        using var store = opened;
        PublicKey owner = NewKey(), thief = NewKey(), first = NewKey(), second = NewKey();
        var since = DateTimeOffset.FromUnixTimeMilliseconds(1_780_000_000_123);
        KeyPin Pin(PublicKey key, PublicKey of, AnnouncedState state, PublicKey? successor = null) => new(key, of, state, successor, since);
        async Task<KeyPin> StoredAsync(PublicKey key) => (await store.IdentitiesAsync(default)).Pins.Single(p => p.Key == key);

        await store.SavePinsAsync(owner, 5, [Pin(first, owner, AnnouncedState.Active)], default);
        Assert.Equal(Pin(first, owner, AnnouncedState.Active), await StoredAsync(first));
        await store.SavePinsAsync(
            owner, 7, [Pin(first, owner, AnnouncedState.Retired, second), Pin(second, owner, AnnouncedState.Active)], default);
        Assert.Equal(second, (await StoredAsync(first)).Successor);
        // A manager over the same database that was slower.
        await store.SavePinsAsync(owner, 6, [Pin(first, owner, AnnouncedState.Active)], default);
        await store.SavePinsAsync(thief, 9, [Pin(first, thief, AnnouncedState.Active)], default);
        Assert.Equal(Pin(first, owner, AnnouncedState.Retired, second), await StoredAsync(first));
        Assert.Equal(7, (await store.IdentitiesAsync(default)).Serials[owner]);

        await store.SavePinsAsync(owner, 8, [Pin(first, owner, AnnouncedState.Revoked)], default);
        await store.SavePinsAsync(owner, 9, [Pin(first, owner, AnnouncedState.Active)], default);
        Assert.Equal(AnnouncedState.Revoked, (await StoredAsync(first)).State);
        Assert.True(await store.ForgetPinAsync(first, default));
        Assert.False(await store.ForgetPinAsync(first, default));
        Assert.DoesNotContain((await store.IdentitiesAsync(default)).Pins, p => p.Key == first);

        await store.AcceptPinAsync(Pin(second, thief, AnnouncedState.Active), 9, default);
        Assert.Equal(Pin(second, thief, AnnouncedState.Active), await StoredAsync(second));
        Assert.Equal(9, (await store.IdentitiesAsync(default)).Accepted[second]);

        await store.SaveOwnSerialAsync(77, default);
        await store.SaveOwnSerialAsync(78, default);
        await store.SaveOwnSerialAsync(76, default);
        Assert.Equal(78, await store.OwnSerialAsync(default));

        static PublicKey NewKey() => new(RandomNumberGenerator.GetBytes(32));
    }

    [Fact]
    public async Task Receipts_are_found_by_their_payload_and_the_first_one_stays()
    {
        if (Open() is not { } opened)
            return;
        using var store = opened;
        var (one, two) = (Payload(Random.Shared.Next()).ComputeHash(), Payload(Random.Shared.Next()).ComputeHash());
        DeliveryReceipts Receipt(long time, params PayloadHash[] hashes) => new(
            Keys.R, DateTimeOffset.FromUnixTimeMilliseconds(time), Guid.NewGuid(), [.. hashes.Select(h => new Delivery(h, Keys.S))],
            new byte[64]);
        Assert.Empty(await store.ReceiptsAsync(one, default));
        var both = Receipt(5, one, two);
        await store.SaveReceiptsAsync([both, Receipt(6, two)], default);
        await store.SaveReceiptsAsync([both], default);
        foreach (var hash in new[] { one, two })
            Assert.Equal(both.Write(), Assert.Single(await store.ReceiptsAsync(hash, default)).Write());
    }

    [Fact]
    public async Task Privacy_groups_are_read_page_by_page()
    {
        if (Open() is not { } opened)
            return;
        using var store = opened;
        var members = new[] { new PublicKey(RandomNumberGenerator.GetBytes(32)) };
        var (_, before) = await store.MeasureGroupsAsync(default);
        for (byte i = 0; i < 5; i++)
        {
            var group = new PrivacyGroup($"group {i}", "d", members, [i], PrivacyGroupType.Pantheon);
            await store.SaveGroupAsync(group, default);
            before += PrivacyGroupCodec.Encode(group).Length;
        }

        Assert.Equal(before, (await store.MeasureGroupsAsync(default)).Bytes);
        var (found, pages) = (new List<PrivacyGroup>(), 0);
        byte[]? after = null;
        do
        {
            var page = await store.GroupsAfterAsync(PrivacyGroup.LookupIdOf(members), after, 2, default);
            found.AddRange(page.Groups);
            (after, pages) = (page.Last, pages + 1);
        }
        while (after is not null);
        Assert.Equal(3, pages);
        Assert.Equal([0, 1, 2, 3, 4], found.Select(group => (int)group.Seed[0]).Order().ToArray());
        Assert.NotEmpty((await store.GroupsAfterAsync(null, null, 2, default)).Groups);
    }

    private static async Task<IReadOnlyList<SequencedHash>> AllAsync(PayloadStore store) =>
        await store.AvailableAfterAsync(0, 100_000, default);
}

public sealed class SqliteStoreTests : StoreTests, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmdb").FullName;

    protected override StoreProvider Provider() => new SqliteProvider(Path.Combine(_directory, "sub", "tm.db"));

    /// <summary>
    /// As on a full disk, or when the file has become read-only: reads go on, and nobody would notice before the next send.
    /// </summary>
    [Fact]
    public async Task A_store_that_takes_no_writes_says_so_until_it_does_again()
    {
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        Execute("CREATE TRIGGER full_disk BEFORE INSERT ON METADATA BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
        Assert.Null(await store.FindAsync(default, default));
        Assert.Contains("database or disk is full", await store.ProbeAsync(default), StringComparison.Ordinal);
        Execute("DROP TRIGGER full_disk");
        await Wait.UntilAsync(async () => await store.ProbeAsync(default) is null, "the store takes writes");
    }

    [Fact]
    public async Task A_damaged_privacy_group_is_left_out_of_lists()
    {
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        foreach (var seed in new byte[] { 1, 2, 3 })
            await store.SaveGroupAsync(new PrivacyGroup($"group {seed}", "d", [Keys.S], [seed], PrivacyGroupType.Pantheon), default);
        var damaged = new PrivacyGroup("group 2", "d", [Keys.S], [2], PrivacyGroupType.Pantheon).Id;
        Execute($"UPDATE PRIVACY_GROUP SET DATA = x'00' WHERE ID = x'{Convert.ToHexString(damaged.Bytes)}'");
        Assert.Equal(2, (await store.GroupsAfterAsync(null, null, 10, default)).Groups.Count);
        Assert.Equal(2, (await store.GroupsAfterAsync(PrivacyGroup.LookupIdOf([Keys.S]), null, 10, default)).Groups.Count);
        Assert.NotNull((await store.GroupsAfterAsync(null, null, 3, default)).Last);
        Assert.Equal(Failure.Damaged, (await Assert.ThrowsAsync<PrivacyException>(() => store.FindGroupAsync(damaged, default))).Failure);
    }

    private void Execute(string sql)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + Path.Combine(_directory, "sub", "tm.db"));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    [Fact]
    public void File_that_is_no_database_is_said()
    {
        var path = Path.Combine(_directory, "bad.db");
        File.WriteAllText(path, new string('x', 5000));
        var e = Assert.Throws<PrivacyException>(() => PayloadStore.Open(new SqliteProvider(path), TimeProvider.System));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PostgresStoreTests(PostgresServer postgres) : StoreTests, IClassFixture<PostgresServer>
{
    protected override bool IsSkipped => postgres.SkipReason is not null;

    [PostgresFact]
    public void A_server_is_there() => Assert.StartsWith("Host=", postgres.ConnectionString, StringComparison.Ordinal);

    protected override StoreProvider Provider() => new PostgresProvider(postgres.ConnectionString);
}
