using System.Buffers;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Postgres;
using QuorumMesh.TxManager.Storage.Sqlite;

namespace QuorumMesh.TxManager.Storage.Tests;

/// <summary>
/// Two managers over one database take parts of the same transaction at the same time: each looks at the row before the other writes it.
/// </summary>
public abstract class MergeTests
{
    private static readonly PayloadRoom Room = new(_ => true, _ => { });
    private static readonly PublicKey K1 = Key(1), K2 = Key(2), Sender = Key(3);

    protected virtual bool IsSkipped => false;

    protected abstract StoreProvider Provider();

    private static PublicKey Key(byte b) => new(Enumerable.Repeat(b, 32).ToArray());

    private static EncodedPayload Payload(int i, PublicKey sender, params PublicKey[] keys) => new()
    {
        SenderKey = sender,
        CipherText = [.. BitConverter.GetBytes(i), 9],
        CipherTextNonce = new byte[24],
        RecipientBoxes = [.. keys.Select(Box)],
        RecipientNonce = new byte[24],
        RecipientKeys = keys,
    };

    private static byte[] Box(PublicKey key) => [.. Enumerable.Repeat(key.Span[0], 48)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Boxes_pushed_to_two_managers_at_once_are_all_kept(bool isOwn)
    {
        if (IsSkipped)
            return;
        using var first = new Manager(Provider());
        using var second = new Manager(Provider());
        for (var i = 0; i < 20; i++)
        {
            var whole = Payload(Random.Shared.Next(), isOwn ? K1 : Sender, K1, K2);
            first.Enclave.MeetAt = second.Enclave.MeetAt = new Barrier(2);
            await Task.WhenAll(
                first.Receiver.StoreAsync(LegacyPayloadCodec.Encode(whole.ForRecipient(K1)!), Room, default),
                second.Receiver.StoreAsync(LegacyPayloadCodec.Encode(whole.ForRecipient(K2)!), Room, default)).WaitAsync(Wait.Limit);

            var stored = (await first.Store.FindAsync(whole.ComputeHash(), default))!;
            Assert.Equal([K1, K2], stored.RecipientKeys.OrderBy(k => k.Span[0]));
            Assert.All([K1, K2], k => Assert.Equal(Box(k), stored.RecipientBoxes[stored.IndexOfRecipient(k)]));
        }
    }

    [Fact]
    public async Task Boxes_pushed_to_one_manager_at_once_are_all_kept_in_the_order_of_arrival()
    {
        if (IsSkipped)
            return;
        using var manager = new Manager(Provider());
        var whole = Payload(Random.Shared.Next(), Sender, K1, K2);
        manager.Enclave.MeetAt = new Barrier(2);
        await Task.WhenAll(
            manager.Receiver.StoreAsync(LegacyPayloadCodec.Encode(whole.ForRecipient(K1)!), Room, default),
            manager.Receiver.StoreAsync(LegacyPayloadCodec.Encode(whole.ForRecipient(K2)!), Room, default)).WaitAsync(Wait.Limit);
        Assert.Equal(2, (await manager.Store.FindAsync(whole.ComputeHash(), default))!.RecipientKeys.Count);

        manager.Enclave.MeetAt = null;
        var next = Payload(Random.Shared.Next(), Sender, K1, K2);
        foreach (var key in new[] { K1, K2, K1 })
            await manager.Receiver.StoreAsync(LegacyPayloadCodec.Encode(next.ForRecipient(key)!), Room, default);

        Assert.Equal([K2, K1], (await manager.Store.FindAsync(next.ComputeHash(), default))!.RecipientKeys);
    }

    [Fact]
    public async Task Signed_transaction_sent_to_others_by_two_managers_at_once_keeps_all_recipients()
    {
        if (IsSkipped)
            return;
        using var first = new Manager(Provider());
        using var second = new Manager(Provider());
        for (byte i = 0; i < 10; i++)
        {
            var raw = new RawPayload([i, .. BitConverter.GetBytes(Random.Shared.Next())], new byte[48], new byte[24], K1);
            var hash = raw.ComputeHash();
            await first.Store.SaveRawAsync(hash, raw, default);
            first.Enclave.MeetAt = second.Enclave.MeetAt = new Barrier(2);
            PublicKey[] others = [Key(100), Key(101)];
            await Task.WhenAll(
                first.Sender.SendSignedAsync(hash.ToArray(), [others[0]], PrivacyOptions.Standard, Room, default),
                second.Sender.SendSignedAsync(hash.ToArray(), [others[1]], PrivacyOptions.Standard, Room, default)).WaitAsync(Wait.Limit);

            var stored = (await second.Store.FindAsync(hash, default))!;
            Assert.Equal([K1, .. others], stored.RecipientKeys.OrderBy(k => k.Span[0]));
            Assert.Single(stored.RecipientBoxes.Select(b => b[^1]).Distinct());
        }
    }

    [Fact]
    public async Task Part_of_another_transaction_is_refused_and_changes_nothing()
    {
        if (IsSkipped)
            return;
        using var store = PayloadStore.Open(Provider(), TimeProvider.System);
        var payload = Payload(Random.Shared.Next(), Sender, K1);
        EncodedPayload[] others = [payload with { SenderKey = K2 },
            Payload(0, Sender, K2) with { CipherText = payload.CipherText, RecipientNonce = [.. Enumerable.Repeat((byte)7, 24)] }];
        await store.SaveAsync(payload.ComputeHash(), payload, [], default);
        foreach (var other in others)
        {
            var e = await Assert.ThrowsAsync<PrivacyException>(() =>
                store.SaveAsync(payload.ComputeHash(), other, [new(K2, PartyRole.Recipient)], default));
            Assert.Equal((Failure.InvalidPayload, "Invalid existing transaction"), (e.Failure, e.Message));
        }

        Assert.Equal(LegacyPayloadCodec.Encode(payload),
            LegacyPayloadCodec.Encode((await store.FindAsync(payload.ComputeHash(), default))!));
        Assert.False(await store.IsPartyAsync(payload.ComputeHash(), default));
    }

    [Fact]
    public async Task Row_that_no_key_of_ours_opens_does_not_end_a_resend()
    {
        if (IsSkipped)
            return;
        using var manager = new Manager(Provider());
        var told = new List<string>();
        manager.Resender.Told += told.Add;
        var asks = Key((byte)Random.Shared.Next(50, 90));
        // Of the form without recipient keys, as an old Tessera wrote it; the enclave below opens none of those.
        var lost = Payload(Random.Shared.Next(), asks) with { RecipientBoxes = [Box(K1)] };
        var good = Payload(Random.Shared.Next(), asks, K1);
        foreach (var payload in new[] { lost, good })
            await manager.Store.SaveAsync(payload.ComputeHash(), payload, [], default);

        Assert.Equal((1, 0), await manager.Resender.AllAsync(asks, default));
        Assert.Equal(1, await manager.Resender.BatchAsync(asks, 100, default));
        Assert.Equal(2, told.Count);
        Assert.All(told, line => Assert.Contains(": 1 payloads were left out", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_a_refusal_of_the_form_turns_a_peer_to_LEGACY(bool isAboutForm)
    {
        if (IsSkipped)
            return;
        using var manager = new Manager(Provider()) { SpeaksCborTo = true };
        manager.Refusal = new PrivacyException(Failure.PeerRefused, "no") { IsAboutForm = isAboutForm };
        var push = manager.Publisher.SendAsync(Payload(1, K1, Key(100)), "http://peer/", default);
        if (isAboutForm)
            await push;
        else
            Assert.Same(manager.Refusal, await Assert.ThrowsAsync<PrivacyException>(() => push));
        Assert.Equal((isAboutForm ? 2 : 1, isAboutForm), (manager.Pushes, manager.IsLegacy));
    }

    private sealed class Manager : IDisposable, IPeerClient, IPeerDirectory
    {
        public Manager(StoreProvider provider)
        {
            Store = PayloadStore.Open(provider, TimeProvider.System);
            var keys = new OwnKeys(Enclave, []);
            Receiver = new PushReceiver(Enclave, Store, keys, new RecentPayloads(TimeProvider.System));
            Publisher = new Publisher(keys, this, this);
            Sender = new PayloadSender(Enclave, Store, keys, Publisher, new FailedSends(TimeProvider.System));
            Resender = new Resender(Enclave, Store, keys, Publisher);
        }

        public MeetingEnclave Enclave { get; } = new();

        public PayloadStore Store { get; }

        public PushReceiver Receiver { get; }

        public PayloadSender Sender { get; }

        public Resender Resender { get; }

        public Publisher Publisher { get; }

        public bool SpeaksCborTo { get; init; }

        /// <summary>Of a push in CBOR.</summary>
        public PrivacyException? Refusal { get; set; }

        public int Pushes { get; private set; }

        public bool IsLegacy { get; private set; }

        public Task PushAsync(string peerUrl, ReadOnlySequence<byte> encodedPayload, CancellationToken cancel)
        {
            Pushes++;
            return Refusal is { } refusal && CborPayloadCodec.Begins(encodedPayload.FirstSpan)
                ? Task.FromException(refusal) : Task.CompletedTask;
        }

        public Task PushBatchAsync(string peerUrl, IReadOnlyList<byte[]> encodedPayloads, CancellationToken cancel) => Task.CompletedTask;

        public Task PushGroupAsync(string peerUrl, byte[] encodedGroup, CancellationToken cancel) => throw new NotSupportedException();

        public Task<string?> SendPartyInfoAsync(string peerUrl, Contracts.Parties.PartyInfo info, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<byte[]?> IdentityAsync(string peerUrl, ReadOnlyMemory<byte> nonce, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<string> ValidateAsync(string peerUrl, ReadOnlyMemory<byte> encodedChallenge, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> KnownPeersAsync(string peerUrl, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<Core.Parties.KnownKey>> KnownKeysAsync(string peerUrl, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task ResendBatchAsync(string peerUrl, PublicKey key, int batchSize, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task ResendAllAsync(string peerUrl, PublicKey key, CancellationToken cancel) => throw new NotSupportedException();

        public ValueTask<string?> FindUrlAsync(PublicKey key, CancellationToken cancel) => ValueTask.FromResult<string?>("http://peer/");

        public bool Speaks(string url, PeerFeatures feature) => feature != PeerFeatures.Cbor || SpeaksCborTo;

        public void ReportLegacy(string url) => IsLegacy = true;

        public void ReportFailure(string url)
        {
        }

        public void ReportSuccess(string url)
        {
        }

        public void Dispose() => Store.Dispose();
    }

    /// <summary>
    /// Opens everything that names a recipient; calls come between the look at the row and the write, and wait there for the other's.
    /// </summary>
    private sealed class MeetingEnclave : IEnclave
    {
        private static int seals;

        public Barrier? MeetAt { get; set; }

        public Task<EnclaveKeys> KeysAsync(CancellationToken cancel) => Task.FromResult(new EnclaveKeys([K1, K2], [], []));

        public async Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel)
        {
            await MeetAsync();
            return payload.RecipientKeys.Count > 0
                ? new OpenedPayload([], payload.RecipientKeys[0])
                : throw new PrivacyException(Failure.NoSuitableKey, "no key opens it");
        }

        public async Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel)
        {
            var nonce = (byte)Interlocked.Increment(ref seals);
            await MeetAsync();
            return Payload(0, raw.SenderKey, [.. recipients]) with
            {
                CipherText = raw.CipherText,
                RecipientNonce = [.. Enumerable.Repeat(nonce, 24)],
                RecipientBoxes = [.. recipients.Select(_ => Enumerable.Repeat(nonce, 48).ToArray())],
            };
        }

        public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(EncodedPayload payload, IReadOnlyList<AffectedPayload> affected,
            CancellationToken cancel) => throw new NotSupportedException();

        public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) => Task.FromResult(
            payload.RecipientNonce.Any(b => b != 0) ? [.. payload.RecipientNonce, .. payload.RecipientNonce] : Box(recipient));

        public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
            IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) => throw new NotSupportedException();

        private Task MeetAsync() =>
            MeetAt is { } barrier ? Task.Run(() => Assert.True(barrier.SignalAndWait(Wait.Limit))) : Task.CompletedTask;
    }
}

public sealed class SqliteMergeTests : MergeTests, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmmerge").FullName;

    protected override StoreProvider Provider() => new SqliteProvider(Path.Combine(_directory, "tm.db"));

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}

public sealed class PostgresMergeTests(PostgresServer postgres) : MergeTests, IClassFixture<PostgresServer>
{
    protected override bool IsSkipped => postgres.SkipReason is not null;

    protected override StoreProvider Provider() => new PostgresProvider(postgres.ConnectionString);
}
