using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Grpc;

public sealed class GrpcTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    private static ByteString Bytes(PublicKey key) => ByteString.CopyFrom(key.Span);

    private static PrivacyManager.PrivacyManagerClient Connect(Participant at) => new(at.GrpcChannel());

    [Fact]
    public async Task Four_answers()
    {
        PrivacyManager.PrivacyManagerClient a = Connect(network.A), b = Connect(network.B), c = Connect(network.C);
        var request = new SendRequest { Payload = ByteString.CopyFromUtf8("by grpc") };
        request.RecipientKeys.Add(Bytes(network.B.Key));
        var sent = await a.SendAsync(request);
        Assert.Equal(Bytes(network.A.Key), sent.SenderKey);
        Assert.Equal([Bytes(network.A.Key)], sent.ManagedParties);

        var ask = new ReceiveRequest();
        ask.Hashes.Add(sent.Hash);
        ask.Hashes.Add(ByteString.CopyFrom(new byte[64]));
        var atB = await b.ReceiveAsync(ask);
        Assert.Equal([Availability.Here, Availability.NotAParty], atB.Answers.Select(x => x.Availability));
        Assert.Equal("by grpc", atB.Answers[0].Payload.ToStringUtf8());
        Assert.False(atB.Answers[0].IsSender);
        Assert.Equal([Bytes(network.B.Key)], atB.Answers[0].ManagedParties);
        Assert.All((await c.ReceiveAsync(ask)).Answers, x => Assert.Equal(Availability.NotAParty, x.Availability));

        using var deleted = await network.Http.DeleteAsync(
            $"{network.B.Q2T}transaction/{TestNetwork.Escape(Convert.ToBase64String(sent.Hash.Span))}");
        Assert.Equal(204, (int)deleted.StatusCode);
        Assert.Equal(Availability.Missing, (await b.ReceiveAsync(ask)).Answers[0].Availability);

        await network.B.StopEnclaveAsync();
        var other = await a.SendAsync(new SendRequest { Payload = ByteString.CopyFromUtf8("own") });
        Assert.NotEqual(sent.Hash, other.Hash);
        await network.A.StopEnclaveAsync();
        var own = new ReceiveRequest();
        own.Hashes.Add(other.Hash);
        Assert.Equal(Availability.Unavailable, (await a.ReceiveAsync(own)).Answers[0].Availability);
        await network.A.StartEnclaveAsync();
        await network.B.StartEnclaveAsync();
        Assert.Equal(Availability.Here, (await a.ReceiveAsync(own)).Answers[0].Availability);
    }

    [Fact]
    public async Task A_sealed_payload_is_opened_by_its_sender_alone()
    {
        PrivacyManager.PrivacyManagerClient a = Connect(network.A), b = Connect(network.B);
        var locked = await a.SealAsync(new SealRequest { Payload = ByteString.CopyFromUtf8("a vote") });
        Assert.Equal(Bytes(network.A.Key), locked.SenderKey);
        Assert.Equal([Bytes(network.A.Key)], locked.RecipientKeys);
        Assert.Equal("a vote", (await a.OpenAsync(locked)).Payload.ToStringUtf8());
        var damaged = locked.Clone();
        damaged.CipherText = ByteString.CopyFrom(new byte[locked.CipherText.Length]);
        foreach (var refused in new[] { (b, locked), (a, damaged) })
        {
            var error = await Assert.ThrowsAsync<RpcException>(async () => await refused.Item1.OpenAsync(refused.Item2));
            Assert.Equal(StatusCode.NotFound, error.StatusCode);
        }
    }

    [Fact]
    public async Task Origin_tells_the_sender_of_all_recipients_and_others_that_they_did_not_send()
    {
        PrivacyManager.PrivacyManagerClient a = Connect(network.A), b = Connect(network.B), c = Connect(network.C);
        var request = new SendRequest { Payload = ByteString.CopyFromUtf8("whose?") };
        request.RecipientKeys.Add(Bytes(network.B.Key));
        var sent = await a.SendAsync(request);
        var atA = await a.OriginAsync(new OriginRequest { Hash = sent.Hash });
        Assert.True(atA.IsSender);
        Assert.Equal(new[] { network.A.Key, network.B.Key }.Select(Bytes).ToHashSet(), atA.RecipientKeys.ToHashSet());
        Assert.False((await b.OriginAsync(new OriginRequest { Hash = sent.Hash })).IsSender);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await c.OriginAsync(new OriginRequest { Hash = sent.Hash }));
        Assert.Equal(StatusCode.NotFound, error.StatusCode);
    }

    [Fact]
    public async Task Watch_tells_of_new_and_of_repaired_payloads()
    {
        var b = Connect(network.B);
        var first = await network.SendRawAsync(network.A, "before the watch", network.B);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var watch = b.Watch(new WatchRequest(), cancellationToken: limit.Token);
        var seen = await UntilAsync(watch, first, limit.Token);

        var second = await network.SendRawAsync(network.A, "during the watch", network.B);
        var next = await UntilAsync(watch, second, limit.Token);
        Assert.True(next.Sequence > seen.Sequence);

        using var deleted = await network.Http.DeleteAsync($"{network.B.Q2T}transaction/{TestNetwork.Escape(first)}");
        await network.PostJsonAsync(network.A.P2P + "resend", $$"""{"type":"ALL","publicKey":"{{network.B.Key}}"}""");
        var repaired = await UntilAsync(watch, first, limit.Token);
        Assert.True(repaired.Sequence > next.Sequence);
    }

    /// <summary>By the manager itself, in good order: a stream that only a broken connection ends would hold up its stop.</summary>
    [Fact]
    public async Task A_stop_ends_the_watch()
    {
        var c = Connect(network.C);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var watch = c.Watch(new WatchRequest(), cancellationToken: limit.Token);
        var sent = await network.SendRawAsync(network.A, "before the stop", network.C);
        await UntilAsync(watch, sent, limit.Token);
        var stop = network.C.StopManagerAsync();
        var ended = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(limit.Token));
        Assert.Equal((StatusCode.Unavailable, "The transaction manager stops"), (ended.StatusCode, ended.Status.Detail));
        await stop;
        await network.C.StartManagerAsync();
        await network.WaitForMeshAsync();
    }

    [Fact]
    public async Task Stalled_nodes_hold_no_more_than_the_budget_and_the_watch_goes_on()
    {
        PrivacyManager.PrivacyManagerClient b = Connect(network.B);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using AsyncServerStreamingCall<WatchEvent> watch = b.Watch(new WatchRequest(), cancellationToken: limit.Token);
        await using (var stalled = new StalledCalls(new UnixDomainSocketEndPoint(network.B.GrpcSocket), connections: 10))
        {
            stalled.SendHalf("quorummesh.privacy.v1.PrivacyManager/Store", callsEach: 10, announced: 16 << 20, sent: 1 << 20);
            await Wait.UntilAsync(() => Task.FromResult(stalled.Refused.Count > 0), "the budget is full");
            Assert.Equal((int)StatusCode.ResourceExhausted, stalled.Refused[0].Status);
            Assert.InRange(network.B.GrpcBudget.Held, 0, network.B.GrpcBudget.Limit);
            await UntilAsync(watch, await network.SendRawAsync(network.A, "while others stall", network.B), limit.Token);
        }

        await Wait.UntilAsync(() => Task.FromResult(network.B.GrpcBudget.Held == 0), "all is given back");
        Assert.True(network.B.GrpcBudget.Refused > 0);
    }

    [Fact]
    public async Task Sends_in_one_message_are_stored_or_refused_each_by_itself()
    {
        PrivacyManager.PrivacyManagerClient a = Connect(network.A), b = Connect(network.B);
        var request = new SendManyRequest { KnownSequence = 1 };
        for (var i = 0; i < 20; i++)
        {
            var send = new SendRequest { Payload = ByteString.CopyFromUtf8($"together {i}") };
            send.RecipientKeys.Add(Bytes(i == 7 ? Keys.Nobody : network.B.Key));
            request.Sends.Add(send);
        }
        request.Sends.Add(new SendRequest());

        using var limit = new CancellationTokenSource(Wait.Limit);
        using var call = a.SendMany(request, cancellationToken: limit.Token);
        var outcomes = new Dictionary<int, SendOutcome>();
        while (await call.ResponseStream.MoveNext(limit.Token))
        {
            Assert.True(call.ResponseStream.Current.Database.Watermark > 0);
            Assert.Equal(1, call.ResponseStream.Current.Database.RowSequence);
            foreach (var outcome in call.ResponseStream.Current.Outcomes) outcomes.Add(outcome.Index, outcome);
        }

        Assert.Equal(Enumerable.Range(0, 21), outcomes.Keys.Order());
        Assert.Equal(((int)StatusCode.NotFound, $"Recipient not found for key: {Keys.Nobody.ToBase64()}"),
            (outcomes[7].Status, outcomes[7].Detail));
        Assert.Equal((int)StatusCode.InvalidArgument, outcomes[20].Status);
        var ask = new ReceiveRequest();
        int[] stored = [.. Enumerable.Range(0, 20).Where(i => i != 7)];
        ask.Hashes.AddRange(stored.Select(i => outcomes[i].Reply.Hash));
        foreach (var manager in new[] { a, b })
        {
            var answers = (await manager.ReceiveAsync(ask)).Answers;
            Assert.Equal(stored.Select(i => $"together {i}"), answers.Select(x => x.Payload.ToStringUtf8()));
        }
    }

    [Fact]
    public async Task A_message_with_too_many_sends_is_refused_whole()
    {
        var info = await Connect(network.A).InfoAsync(new InfoRequest());
        var request = new SendManyRequest();
        request.Sends.AddRange(Enumerable.Range(0, info.SendsAtOnce + 1).Select(_ => new SendRequest()));
        using var call = Connect(network.A).SendMany(request);
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    [Fact]
    public async Task The_watch_brings_along_what_was_just_pushed_to_those_that_ask_for_it()
    {
        var b = Connect(network.B);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var with = b.Watch(new WatchRequest { WithPayloads = true }, cancellationToken: limit.Token);
        using var without = b.Watch(new WatchRequest(), cancellationToken: limit.Token);
        var hash = await network.SendRawAsync(network.A, "brought along", network.B);
        var told = (await UntilAsync(with, hash, limit.Token)).Answer;
        var ask = new ReceiveRequest();
        ask.Hashes.Add(ByteString.FromBase64(hash));
        var asked = Assert.Single((await b.ReceiveAsync(ask)).Answers);
        Assert.Equal("brought along", told.Payload.ToStringUtf8());
        Assert.Equal(asked, told);
        Assert.Null((await UntilAsync(without, hash, limit.Token)).Answer);

        // What is gone is not given out from memory.
        using var deleted = await network.Http.DeleteAsync($"{network.B.Q2T}transaction/{TestNetwork.Escape(hash)}");
        using var later = b.Watch(new WatchRequest { WithPayloads = true }, cancellationToken: limit.Token);
        Assert.Null((await UntilAsync(later, hash, limit.Token)).Answer);
    }

    [Fact]
    public async Task Store_send_signed_and_info()
    {
        PrivacyManager.PrivacyManagerClient a = Connect(network.A), b = Connect(network.B);
        var stored = await a.StoreAsync(new StoreRequest { Payload = ByteString.CopyFromUtf8("raw") });
        var signed = new SendSignedRequest { Hash = stored.Hash };
        signed.RecipientKeys.Add(Bytes(network.B.Key));
        Assert.Equal(stored.Hash, (await a.SendSignedAsync(signed)).Hash);
        var ask = new ReceiveRequest();
        ask.Hashes.Add(stored.Hash);
        Assert.Equal("raw", (await b.ReceiveAsync(ask)).Answers[0].Payload.ToStringUtf8());

        var info = await a.InfoAsync(new InfoRequest());
        Assert.Equal(["1.0", "2.0", "2.1", "3.0", "4.0", "5.0"], info.ApiVersions);
        Assert.Equal([Bytes(network.A.Key)], info.Keys);
        Assert.Equal(32, info.ManagerId.Length);
        Assert.Equal(info.ManagerId, (await a.InfoAsync(new InfoRequest())).ManagerId);
        Assert.NotEqual(info.ManagerId, (await b.InfoAsync(new InfoRequest())).ManagerId);
    }

    [Fact]
    public async Task Payloads_that_are_too_large_for_one_message_come_in_several_answers()
    {
        var a = Connect(network.A);
        var ask = new ReceiveRequest();
        for (var i = 0; i < 9; i++)
        {
            var payload = new byte[2_500_000];
            payload[0] = (byte)i;
            ask.Hashes.Add((await a.SendAsync(new SendRequest { Payload = ByteString.CopyFrom(payload) })).Hash);
        }

        // As nodes of older versions ask: they halve the request then.
        Assert.Equal(StatusCode.ResourceExhausted,
            (await Assert.ThrowsAsync<RpcException>(async () => await a.ReceiveAsync(ask))).StatusCode);
        ask.MaxBytes = 3_000_000;
        for (var i = 0; ask.Hashes.Count > 0; i++)
        {
            var answer = Assert.Single((await a.ReceiveAsync(ask)).Answers);
            Assert.Equal((ask.Hashes[0], (byte)i), (answer.Hash, answer.Payload[0]));
            ask.Hashes.RemoveAt(0);
        }
    }

    [Fact]
    public async Task Every_answer_tells_of_the_database_and_how_much_it_knows()
    {
        var a = Connect(network.A);
        var first = (await a.InfoAsync(new InfoRequest())).Database;
        Assert.Equal((await a.InfoAsync(new InfoRequest())).ManagerId, first.Id);
        var sent = await a.SendAsync(new SendRequest { Payload = ByteString.CopyFromUtf8("watermark") });
        Assert.Equal(first.Id, sent.Database.Id);
        Assert.True(sent.Database.Watermark > first.Watermark);
        var stored = await a.StoreAsync(new StoreRequest { Payload = ByteString.CopyFromUtf8("raw") });
        Assert.Equal(sent.Database, stored.Database);
        var ask = new ReceiveRequest { Hashes = { sent.Hash } };
        Assert.True((await a.ReceiveAsync(ask)).Database.Watermark >= sent.Database.Watermark);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var watch = a.Watch(new WatchRequest(), cancellationToken: limit.Token);
        var seen = await UntilAsync(watch, Convert.ToBase64String(sent.Hash.Span), limit.Token);
        Assert.Equal(first.Id, seen.Database.Id);
        Assert.True(seen.Database.Watermark >= seen.Sequence);
    }

    /// <summary>What a backup of an hour ago, put back and used since, looks like to a node that was down meanwhile.</summary>
    [Fact]
    public async Task A_database_that_was_set_back_and_has_grown_since_tells_of_another_record_at_the_old_number()
    {
        var c = Connect(network.C);
        await network.SendRawAsync(network.C, "before the backup");
        var backup = network.C.Database + ".backup";
        using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={network.C.Database};Pooling=False"))
        {
            connection.Open();
            using var copy = connection.CreateCommand();
            copy.CommandText = $"VACUUM INTO '{backup}'";
            copy.ExecuteNonQuery();
        }

        var lost = await network.SendRawAsync(network.C, "lost with it");
        var known = (await c.InfoAsync(new InfoRequest())).Database.Watermark;
        var told = (await c.InfoAsync(new InfoRequest { KnownSequence = known })).Database;
        Assert.Equal((known, lost), (told.RowSequence, Convert.ToBase64String(told.RowHash.Span)));

        await network.C.StopManagerAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        foreach (var file in new[] { "", "-wal", "-shm" })
            File.Delete(network.C.Database + file);
        File.Move(backup, network.C.Database);
        await network.C.StartManagerAsync();
        for (var i = 0; i < 4; i++)
            await network.SendRawAsync(network.C, $"after it {i}");
        var since = (await c.InfoAsync(new InfoRequest { KnownSequence = known })).Database;
        Assert.Equal(told.Id, since.Id);
        Assert.True(since.Watermark > told.Watermark);
        Assert.NotEmpty(since.RowHash);
        Assert.NotEqual(told.RowHash, since.RowHash);
    }

    [Fact]
    public async Task Bad_requests_have_their_status()
    {
        var a = Connect(network.A);
        async Task<StatusCode> Send(SendRequest request) =>
            (await Assert.ThrowsAsync<RpcException>(async () => await a.SendAsync(request))).StatusCode;
        Assert.Equal(StatusCode.InvalidArgument, await Send(new SendRequest()));
        var payload = ByteString.CopyFromUtf8("x");
        Assert.Equal(StatusCode.NotFound, await Send(new SendRequest { Payload = payload, RecipientKeys = { Bytes(Keys.Nobody) } }));
        Assert.Equal(StatusCode.NotFound, await Send(new SendRequest { Payload = payload, SenderKey = Bytes(Keys.Nobody) }));
        Assert.Equal(StatusCode.PermissionDenied,
            await Send(new SendRequest { Payload = payload, PrivacyFlag = PrivacyFlag.PartyProtection }));
        Assert.Equal(StatusCode.PermissionDenied, await Send(new SendRequest { Payload = payload, PrivateStateId = "other" }));
        var bad = new ReceiveRequest();
        bad.Hashes.Add(payload);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await a.ReceiveAsync(bad))).StatusCode);
        var many = new ReceiveRequest();
        many.Hashes.AddRange(Enumerable.Repeat(ByteString.CopyFrom(new byte[64]), 1025));
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await a.ReceiveAsync(many))).StatusCode);
    }

    private static async Task<WatchEvent> UntilAsync(AsyncServerStreamingCall<WatchEvent> watch, string hash, CancellationToken cancel)
    {
        while (await watch.ResponseStream.MoveNext(cancel))
            if (Convert.ToBase64String(watch.ResponseStream.Current.Hash.Span) == hash)
                return watch.ResponseStream.Current;

        throw new InvalidOperationException("the stream ended");
    }
}
