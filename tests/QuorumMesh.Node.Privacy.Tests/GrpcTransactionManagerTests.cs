using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using Answer = QuorumMesh.Contracts.Privacy.PayloadAnswer;
using SealedPayload = QuorumMesh.Node.Runtime.Ports.SealedPayload;

namespace QuorumMesh.Node.Privacy.Tests;

public sealed class GrpcTransactionManagerTests : IAsyncLifetime
{
    private const string Key = "/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=";
    private readonly string _directory = Directory.CreateTempSubdirectory("qm-grpc-").FullName;
    private readonly FakeManager _fake = new();
    private WebApplication _app = null!;
    private GrpcTransactionManager _manager = null!;

    private string Socket => Path.Combine(_directory, "m.sock");

    public async Task InitializeAsync()
    {
        _app = await StartAsync();
        _manager = new GrpcTransactionManager($"unix:{Socket}");
    }

    public async Task DisposeAsync()
    {
        _manager.Dispose();
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Sends_stores_and_sends_signed()
    {
        Assert.Equal(Wait.Hash(1), (await _manager.SendAsync(new SendArguments([1, 2], null, [Key]), default)).Hash);
        Assert.Equal(Key, Assert.Single(_fake.Sent.Single().RecipientKeys).ToBase64());
        Assert.True(_fake.Sent.Single().SenderKey.IsEmpty);
        Assert.Equal(Wait.Hash(2), await _manager.StoreRawAsync([1], Key, default));
        await _manager.SendSignedAsync(Wait.Hash(2), [Key], SendPrivacy.Standard, default);
        Assert.Null(await _manager.CheckAsync(default));
    }

    /// <summary>A send with flag 0 goes out without a run before it; any other flag would be left out by such a manager.</summary>
    [Fact]
    public async Task A_manager_that_does_not_give_back_what_it_stored_sends_signed_transactions_with_flag_0_alone()
    {
        Assert.Null(await _manager.ReceiveStoredAsync(Wait.Hash(2), default));
        await _manager.SendSignedAsync(Wait.Hash(2), [Key], SendPrivacy.Standard, default);
        var refused = await Assert.ThrowsAsync<TransactionManagerException>(
            () => _manager.SendSignedAsync(Wait.Hash(2), [Key], new SendPrivacy(PrivacyMode.PartyProtection), default));
        Assert.Contains("privacy flag 1 (PartyProtection)", refused.Message, StringComparison.Ordinal);

        // Updated meanwhile.
        _fake.Stored = [1, 2];
        Assert.Equal([1, 2], await _manager.ReceiveStoredAsync(Wait.Hash(2), default));
        await _manager.SendSignedAsync(Wait.Hash(2), [Key], new SendPrivacy(PrivacyMode.PartyProtection), default);
    }

    [Fact]
    public async Task An_older_manager_cannot_say_whose_a_vote_is()
    {
        Task[] calls = [_manager.IsSenderAsync(Wait.Hash(2), default), _manager.SealAsync([1], null, default),
            _manager.OpenAsync(new SealedPayload(Key, Key, Key, [], Key, []), default), _manager.ParticipantsAsync(Wait.Hash(2), default)];
        foreach (var call in calls)
            Assert.EndsWith("update it", (await Assert.ThrowsAsync<TransactionManagerException>(() => call)).Message);
    }

    [Fact]
    public async Task Refusals_reach_the_user_in_the_managers_words()
    {
        _fake.Refusal = new Status(StatusCode.NotFound, "Recipient not found for key: x");
        var error = await Assert.ThrowsAsync<TransactionManagerException>(
            () => _manager.SendAsync(new SendArguments([1], null, [Key]), default));
        Assert.Equal("Recipient not found for key: x", error.Message);
        error = await Assert.ThrowsAsync<TransactionManagerException>(
            () => _manager.SendAsync(new SendArguments([1], null, ["not base64"]), default));
        Assert.Equal("privateFor: 'not base64' is not a base64 public key", error.Message);
    }

    [Fact]
    public async Task Answers_keep_their_order_over_many_batches()
    {
        var hashes = Enumerable.Range(0, 200).Select(i => Wait.Hash((byte)i)).ToArray();
        var answers = await _manager.ReceiveAsync(hashes, default);
        Assert.Equal(hashes, answers.Select(a => a.Hash));
        Assert.Equal(PayloadAvailability.Here, answers[0].Availability);
        Assert.Equal(PayloadAvailability.NotAParty, answers[1].Availability);
        Assert.Equal(PayloadAvailability.Missing, answers[2].Availability);
        Assert.Equal(PayloadAvailability.Unavailable, answers[3].Availability);
    }

    [Fact]
    public async Task What_a_send_is_answered_is_what_a_question_would_be()
    {
        var sent = await _manager.SendAsync(new SendArguments([1, 2], null, [Key]), default);
        Assert.Equal((PayloadAvailability.Here, (byte)2), (sent.Availability, sent.Payload![1]));
        Assert.Equal(Key, Convert.ToBase64String(sent.SenderKey!));
        Assert.Equal(Key, Convert.ToBase64String(Assert.Single(sent.ManagedParties)));
    }

    /// <summary>Or the sender would run it as a standard one, and part from its recipients.</summary>
    [Fact]
    public async Task What_a_send_promises_goes_out_and_is_in_its_answer()
    {
        var privacy = new SendPrivacy(PrivacyMode.PrivateStateValidation) { Affected = [Wait.Hash(9)], ExecutionHash = "root" };
        var sent = await _manager.SendAsync(new SendArguments([1, 2], null, [Key]) { Privacy = privacy }, default);
        var request = _fake.Sent.Last();
        Assert.Equal(PrivacyFlag.PrivateStateValidation, request.PrivacyFlag);
        Assert.Equal(Wait.Hash(9).ToArray(), Assert.Single(request.AffectedTransactions).ToByteArray());
        Assert.Equal("root", request.ExecutionHash.ToStringUtf8());
        Assert.Equal(PrivacyMode.PrivateStateValidation, sent.PrivacyMode);
        Assert.Equal(Wait.Hash(9), Assert.Single(sent.AffectedTransactions));
        Assert.Equal("root"u8.ToArray(), sent.ExecutionHash);
    }

    [Fact]
    public async Task Privacy_flag_affected_transactions_and_execution_hash_come_with_the_payload()
    {
        _fake.Enhance = answer =>
        {
            answer.PrivacyFlag = PrivacyFlag.PrivateStateValidation;
            answer.AffectedTransactions.Add(ByteString.CopyFrom(Wait.Hash(9).ToArray()));
            answer.ExecutionHash = ByteString.CopyFromUtf8("root");
            answer.SenderKey = ByteString.FromBase64(Key);
            answer.ManagedParties.Add(ByteString.FromBase64(Key));
        };
        var answer = Assert.Single(await _manager.ReceiveAsync([Wait.Hash(0)], default));
        Assert.Equal(Primitives.PrivacyMode.PrivateStateValidation, answer.PrivacyMode);
        Assert.Equal(Wait.Hash(9), Assert.Single(answer.AffectedTransactions));
        Assert.Equal("root"u8.ToArray(), answer.ExecutionHash);
        Assert.Equal(Key, Convert.ToBase64String(answer.SenderKey!));
        Assert.Equal(Key, Convert.ToBase64String(Assert.Single(answer.ManagedParties)));

        _fake.Enhance = static answer => answer.PrivacyFlag = (PrivacyFlag)4;
        Assert.Equal(PayloadAvailability.Unavailable, Assert.Single(await _manager.ReceiveAsync([Wait.Hash(0)], default)).Availability);
        _fake.Enhance = static answer => answer.AffectedTransactions.Add(ByteString.CopyFromUtf8("short"));
        Assert.Equal(PayloadAvailability.Unavailable, Assert.Single(await _manager.ReceiveAsync([Wait.Hash(0)], default)).Availability);
    }

    [Fact]
    public async Task Batches_too_large_are_halved()
    {
        _fake.LargestBatch = 3;
        var answers = await _manager.ReceiveAsync([.. Enumerable.Range(0, 20).Select(i => Wait.Hash((byte)(i * 4)))], default);
        Assert.All(answers, a => Assert.Equal(PayloadAvailability.Here, a.Availability));
    }

    [Fact]
    public async Task Large_payloads_come_in_several_answers_each_within_its_bound()
    {
        _fake.PayloadBytes = 2_500_000;
        var hashes = Enumerable.Range(0, 12).Select(i => Wait.Hash((byte)(i * 4))).ToArray();
        var answers = new List<Chain.Payloads.PayloadAnswer>();
        while (answers.Count < hashes.Length)
        {
            var some = await _manager.ReceiveAsync(hashes[answers.Count..], default);
            Assert.InRange(some.Sum(a => a.Payload!.Length), 1, 4 * 1024 * 1024);
            answers.AddRange(some);
        }
        Assert.Equal(hashes, answers.Select(a => a.Hash));
        // One that is larger than an answer comes alone.
        _fake.PayloadBytes = 9_000_000;
        Assert.Equal(9_000_000, Assert.Single(await _manager.ReceiveAsync(hashes, default)).Payload!.Length);
    }

    [Fact]
    public async Task Answers_tell_of_the_database_and_of_what_was_known_when_they_were_asked_for()
    {
        Assert.Null(Assert.Single(await _manager.ReceiveAsync([Wait.Hash(0)], default)).Database);
        var seen = new ConcurrentQueue<ManagerDatabase?>();
        _manager.DatabaseSeen += seen.Enqueue;
        Assert.Null(await _manager.CheckAsync(default));
        Assert.Null(Assert.Single(seen));

        _fake.Database = new Database { Id = "one", Watermark = 10 };
        Assert.Equal(new ManagerDatabase("one", 10, 0), (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database);
        _fake.Database.Watermark = 12;
        var sent = await _manager.SendAsync(new SendArguments([1, 2], null, [Key]), default);
        Assert.Equal(new ManagerDatabase("one", 12, 10), seen.Last());
        Assert.Equal(new ManagerDatabase("one", 12, 10), sent.Database);
        // Set back: told once by what was known before, then measured by itself.
        _fake.Database.Watermark = 5;
        Assert.Equal(new ManagerDatabase("one", 5, 12), (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database);
        Assert.Equal(new ManagerDatabase("one", 5, 5), (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database);
        _fake.Database = new Database { Id = "two", Watermark = 1 };
        Assert.Null(await _manager.CheckAsync(default));
        Assert.Equal(new ManagerDatabase("two", 1, 0), seen.Last());

        using var limit = new CancellationTokenSource(Wait.Limit);
        _fake.Events.Add(1);
        await using var watch = _manager.WatchAsync(0, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal("two", watch.Current.Database!.Id);
    }

    [Fact]
    public async Task Every_question_asks_about_the_record_that_the_node_knows()
    {
        _fake.Database = new Database { Id = "one", Watermark = 10 };
        Assert.Null((await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database!.Row);
        _manager.AskAbout(7);
        // One that does not tell of it is of an older version.
        Assert.Null((await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database!.Row);
        _fake.TellsOfRows = true;
        Assert.Equal(new ManagerRow(7, null), (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database!.Row);
        _fake.Database.RowHash = ByteString.CopyFrom(Wait.Hash(3).ToArray());
        var row = new ManagerRow(7, Wait.Hash(3));
        Assert.Equal(row, (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Database!.Row);
        Assert.Equal(row, (await _manager.SendAsync(new SendArguments([1, 2], null, [Key]), default)).Database!.Row);
        var seen = new ConcurrentQueue<ManagerDatabase?>();
        _manager.DatabaseSeen += seen.Enqueue;
        Assert.Null(await _manager.CheckAsync(default));
        await _manager.StoreRawAsync([1], Key, default);
        await _manager.SendSignedAsync(Wait.Hash(2), [Key], SendPrivacy.Standard, default);
        Assert.Equal([row, row, row], seen.Select(s => s!.Row));
        using var limit = new CancellationTokenSource(Wait.Limit);
        _fake.Events.Add(1);
        await using var watch = _manager.WatchAsync(0, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(row, watch.Current.Database!.Row);
    }

    [Fact]
    public async Task Sends_that_are_made_together_go_together_and_each_has_its_own_outcome()
    {
        _fake.SendsAtOnce = 256;
        _fake.Database = new Database { Id = "one", Watermark = 10 };
        Assert.Null(await _manager.CheckAsync(default));
        await Wait.UntilAsync(async () =>
        {
            var sends = Enumerable.Range(1, 20)
                .Select(i => _manager.SendAsync(new SendArguments([(byte)i], null, [Key]), default)).ToList();
            for (var i = 1; i <= sends.Count; i++)
            {
                if (i == FakeManager.Refused)
                {
                    var error = await Assert.ThrowsAsync<TransactionManagerException>(() => sends[FakeManager.Refused - 1]);
                    Assert.Equal("no recipient", error.Message);
                    continue;
                }
                var sent = await sends[i - 1];
                Assert.Equal((Wait.Hash((byte)i), (byte)i), (sent.Hash, sent.Payload![0]));
                Assert.Equal("one", sent.Database!.Id);
            }
            return _fake.Together > 0;
        }, "several in one message");
    }

    [Fact]
    public async Task A_manager_that_came_back_as_an_older_one_gets_each_send_by_itself()
    {
        _fake.SendsAtOnce = 256;
        Assert.Null(await _manager.CheckAsync(default));
        _fake.IsOlder = true;
        for (var round = 0; round < 5; round++)
            await Task.WhenAll(Enumerable.Range(1, 9).Select(i => _manager.SendAsync(new SendArguments([(byte)i], null, [Key]), default)));
        Assert.Equal(45, _fake.Sent.Count);
        Assert.Equal(0, _fake.Together);
    }

    [Fact]
    public async Task The_watch_brings_payloads_along_and_none_for_another_hash()
    {
        _fake.Database = new Database { Id = "one", Watermark = 10 };
        _fake.Along = sequence => sequence == 3 ? null : new Answer
        {
            Hash = ByteString.CopyFrom(Wait.Hash((byte)(sequence == 2 ? 9 : sequence)).ToArray()),
            Availability = Availability.Here,
            Payload = ByteString.CopyFrom(5, 6),
        };
        using var limit = new CancellationTokenSource(Wait.Limit);
        _fake.Events.Add(3);
        await using var watch = _manager.WatchAsync(0, limit.Token).GetAsyncEnumerator(limit.Token);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((Wait.Hash(1), (byte)6), (watch.Current.Answer!.Hash, watch.Current.Answer.Payload![1]));
        Assert.Equal("one", watch.Current.Answer.Database!.Id);
        Assert.True(await watch.MoveNextAsync());
        Assert.Null(watch.Current.Answer);
        Assert.True(await watch.MoveNextAsync());
        Assert.Null(watch.Current.Answer);
    }

    [Fact]
    public async Task A_manager_without_room_is_unavailable_and_never_makes_us_no_party()
    {
        _fake.LargestBatch = 0;
        var answers = await _manager.ReceiveAsync([Wait.Hash(0), Wait.Hash(1), Wait.Hash(2)], default);
        Assert.All(answers, a => Assert.Equal(PayloadAvailability.Unavailable, a.Availability));
        _fake.LargestBatch = 1024;
        Assert.Equal(PayloadAvailability.Here, (await _manager.ReceiveAsync([Wait.Hash(0)], default))[0].Availability);
    }

    [Fact]
    public async Task A_manager_that_goes_away_is_unavailable_and_the_watch_resumes_when_it_is_back()
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        await using var watch = _manager.WatchAsync(0, limit.Token).GetAsyncEnumerator(limit.Token);
        _fake.Events.Add(1);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(1, watch.Current.Sequence);

        await _app.DisposeAsync();
        File.Delete(Socket);
        var answer = Assert.Single(await _manager.ReceiveAsync([Wait.Hash(0)], limit.Token));
        Assert.Equal(PayloadAvailability.Unavailable, answer.Availability);
        Assert.Contains("not reachable", answer.Reason);
        Assert.NotNull(await _manager.CheckAsync(limit.Token));

        _app = await StartAsync();
        _fake.Events.Add(2);
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(2, watch.Current.Sequence);
        Assert.Equal(Wait.Hash(2), watch.Current.Hash);
    }

    [Theory]
    [InlineData("unix:")]
    [InlineData("")]
    [InlineData("ftp://x:1")]
    [InlineData("grpc://hostwithoutport")]
    public void Bad_addresses_are_refused(string address) => Assert.Throws<FormatException>(() => new GrpcTransactionManager(address));

    private async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(_fake);
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket, l => l.Protocols = HttpProtocols.Http2));
        builder.WebHost.UseShutdownTimeout(TimeSpan.FromMilliseconds(100));
        var app = builder.Build();
        app.MapGrpcService<FakeManager>();
        await app.StartAsync();
        return app;
    }

    private sealed class FakeManager : PrivacyManager.PrivacyManagerBase
    {
        public ConcurrentQueue<SendRequest> Sent { get; } = new();

        public BlockingList Events { get; } = new();

        public Status? Refusal { get; set; }

        public int LargestBatch { get; set; } = 1024;

        public int PayloadBytes { get; set; } = 1;

        public Database? Database { get; set; }

        public bool TellsOfRows { get; set; }

        /// <summary>The payload that is refused where sends may go together.</summary>
        public const byte Refused = 13;

        private int _together;

        public int SendsAtOnce { get; set; }

        /// <summary>It says that it knows SendMany, and does not.</summary>
        public bool IsOlder { get; set; }

        /// <summary>Messages with more than one send.</summary>
        public int Together => Volatile.Read(ref _together);

        /// <summary>What an event of the Watch stream brings along.</summary>
        public Func<long, Answer?> Along { get; set; } = static _ => null;

        /// <summary>What more an answer says.</summary>
        public Action<Answer> Enhance { get; set; } = static _ => { };

        public override Task<SendReply> Send(SendRequest request, ServerCallContext context)
        {
            if (Refusal is { } refusal)
                throw new RpcException(refusal);
            Sent.Enqueue(request);
            if (SendsAtOnce > 0 && request.Payload[0] == Refused)
                throw new RpcException(new Status(StatusCode.NotFound, "no recipient"));
            var hash = Bytes(SendsAtOnce > 0 ? request.Payload[0] : (byte)1);
            var reply = new SendReply { Hash = hash, SenderKey = ByteString.FromBase64(Key), Database = Told(request.KnownSequence) };
            reply.ManagedParties.Add(reply.SenderKey);
            return Task.FromResult(reply);
        }

        /// <summary>The outcomes come in another order than the sends, and in two messages.</summary>
        public override async Task SendMany(
            SendManyRequest request, IServerStreamWriter<SendManyReply> responseStream, ServerCallContext context)
        {
            if (IsOlder)
                throw new RpcException(new Status(StatusCode.Unimplemented, ""));
            Interlocked.Increment(ref _together);
            var outcomes = request.Sends.Select((send, index) => send.Payload[0] == Refused
                ? new SendOutcome { Index = index, Status = (int)StatusCode.NotFound, Detail = "no recipient" }
                : new SendOutcome { Index = index, Reply = new SendReply { Hash = Bytes(send.Payload[0]) } }).Reverse().ToList();
            foreach (var some in outcomes.Chunk((outcomes.Count + 1) / 2))
            {
                var reply = new SendManyReply { Database = Told(request.KnownSequence) };
                reply.Outcomes.AddRange(some);
                await responseStream.WriteAsync(reply);
            }
        }

        public override Task<StoreReply> Store(StoreRequest request, ServerCallContext context) =>
            Task.FromResult(new StoreReply { Hash = Bytes(2), Database = Told(request.KnownSequence) });

        public override Task<SendReply> SendSigned(SendSignedRequest request, ServerCallContext context) =>
            Task.FromResult(new SendReply { Hash = request.Hash, Database = Told(request.KnownSequence) });

        /// <summary>What it gives back; null where it is of a version that does not.</summary>
        public byte[]? Stored { get; set; }

        public override Task<ReceiveStoredReply> ReceiveStored(ReceiveStoredRequest request, ServerCallContext context) =>
            Stored is { } stored
                ? Task.FromResult(new ReceiveStoredReply { Payload = ByteString.CopyFrom(stored) })
                : base.ReceiveStored(request, context);

        public override Task<InfoReply> Info(InfoRequest request, ServerCallContext context) =>
            Task.FromResult(new InfoReply { Database = Told(request.KnownSequence), SendsAtOnce = SendsAtOnce });

        public override Task<ReceiveReply> Receive(ReceiveRequest request, ServerCallContext context)
        {
            if (request.Hashes.Count > LargestBatch)
                throw new RpcException(new Status(StatusCode.ResourceExhausted, "too large"));
            var reply = new ReceiveReply { Database = Told(request.KnownSequence) };
            var most = request.MaxBytes > 0 ? Math.Max(1, (int)(request.MaxBytes / PayloadBytes)) : int.MaxValue;
            reply.Answers.AddRange(request.Hashes.Take(most).Select(h => new Answer
            {
                Hash = h,
                Availability = (Availability)(1 + (h[0] % 4)),
                Payload = h[0] % 4 == 0 ? ByteString.CopyFrom(Enumerable.Repeat(h[0], PayloadBytes).ToArray()) : ByteString.Empty,
            }));
            foreach (var answer in reply.Answers) Enhance(answer);
            return Task.FromResult(reply);
        }

        public override async Task Watch(WatchRequest request, IServerStreamWriter<WatchEvent> responseStream, ServerCallContext context)
        {
            var next = request.AfterSequence + 1;
            while (true)
            {
                await Events.ReachesAsync(next, context.CancellationToken);
                await responseStream.WriteAsync(
                    new WatchEvent
                    {
                        Sequence = next,
                        Hash = Bytes((byte)next),
                        Database = Told(request.KnownSequence),
                        Answer = request.WithPayloads ? Along(next) : null,
                    });
                next++;
            }
        }

        private Database? Told(long known)
        {
            var told = Database?.Clone();
            if (told is not null && TellsOfRows)
                told.RowSequence = known;
            return told;
        }

        private static ByteString Bytes(byte first) => ByteString.CopyFrom(Wait.Hash(first).ToArray());
    }

    /// <summary>A growing count that can be awaited.</summary>
    private sealed class BlockingList
    {
        private readonly SemaphoreSlim _added = new(0);
        private long _last;

        public void Add(long sequence)
        {
            Interlocked.Exchange(ref _last, sequence);
            _added.Release();
        }

        public async Task ReachesAsync(long sequence, CancellationToken cancellation)
        {
            while (Interlocked.Read(ref _last) < sequence)
                await _added.WaitAsync(TimeSpan.FromMilliseconds(50), cancellation);
        }
    }
}
