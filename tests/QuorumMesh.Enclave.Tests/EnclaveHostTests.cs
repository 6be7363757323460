using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Enclave;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Listeners.Grpc;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Tests;

public sealed class EnclaveHostTests : IAsyncLifetime, IDisposable
{
    private readonly TempDirectory _directory = new();
    private WebApplication _app = null!;
    private GrpcChannel _channel = null!;
    private Contracts.Enclave.Enclave.EnclaveClient _client = null!;

    private string Socket => _directory.File("e.sock");

    public async Task InitializeAsync()
    {
        WriteConfig(withRecipient: false);
        _app = await EnclaveHost.StartAsync(Options(), CancellationToken.None);
        _channel = Channel(Socket);
        _client = new Contracts.Enclave.Enclave.EnclaveClient(_channel);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Assert.False(File.Exists(Socket));
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Tells_its_keys_seals_and_opens()
    {
        var keys = await _client.KeysAsync(new KeysRequest());
        var key = Assert.Single(keys.Keys);
        Assert.Equal(Samples.SenderPublic, key.PublicKey.ToBase64());
        Assert.Equal(KeyState.Active, key.State);
        Assert.Equal(Samples.RecipientPublic, Assert.Single(keys.AlwaysSendTo).ToBase64());

        var request = new SealRequest { Payload = ByteString.CopyFromUtf8("hello") };
        request.RecipientKeys.Add(key.PublicKey);
        var reply = await _client.SealAsync(request);
        var opened = await _client.OpenAsync(new OpenRequest { Sealed = reply.Sealed });
        Assert.Equal("hello", opened.Payload.ToStringUtf8());
        Assert.Equal(key.PublicKey, opened.KeyUsed);
    }

    [Fact]
    public async Task Calls_in_one_message_are_answered_each_by_itself_in_their_order()
    {
        var keys = await _client.KeysAsync(new KeysRequest());
        var sealing = new SealRequest { Payload = ByteString.CopyFromUtf8("one of many") };
        sealing.RecipientKeys.Add(keys.Keys[0].PublicKey);
        var stranger = sealing.Clone();
        stranger.SenderKey = ByteString.FromBase64(Samples.RecipientPublic);
        var alone = await _client.SealAsync(sealing);
        var request = new ManyRequest();
        request.Calls.Add(new EnclaveCall { Seal = sealing });
        request.Calls.Add(new EnclaveCall { Seal = stranger });
        request.Calls.Add(new EnclaveCall { Open = new OpenRequest { Sealed = alone.Sealed } });
        request.Calls.Add(new EnclaveCall { Open = new OpenRequest() });
        request.Calls.Add(new EnclaveCall());
        var outcomes = (await _client.ManyAsync(request)).Outcomes;
        Assert.Equal(5, outcomes.Count);
        var opened = await _client.OpenAsync(new OpenRequest { Sealed = outcomes[0].Seal.Sealed });
        Assert.Equal("one of many", opened.Payload.ToStringUtf8());
        Assert.Equal((int)StatusCode.NotFound, outcomes[1].Refusal.Status);
        Assert.Contains("not found when searching for private key", outcomes[1].Refusal.Detail, StringComparison.Ordinal);
        Assert.Equal("one of many", outcomes[2].Open.Payload.ToStringUtf8());
        Assert.Equal([(int)StatusCode.InvalidArgument, (int)StatusCode.InvalidArgument], outcomes.Skip(3).Select(o => o.Refusal.Status));

        request = new ManyRequest();
        request.Calls.AddRange(Enumerable.Range(0, keys.CallsAtOnce + 1).Select(_ => new EnclaveCall()));
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _client.ManyAsync(request));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    [Fact]
    public async Task Stores_raw_then_seals_from_it_and_adds_a_box()
    {
        var raw = (await _client.SealRawAsync(new SealRawRequest { Payload = ByteString.CopyFromUtf8("raw") })).Raw;
        Assert.Equal("raw", (await _client.OpenAsync(new OpenRequest { Raw = raw })).Payload.ToStringUtf8());
        var request = new SealRequest { Raw = raw };
        request.RecipientKeys.Add(raw.SenderKey);
        var payload = (await _client.SealAsync(request)).Sealed;
        Assert.Equal(raw.CipherText, payload.CipherText);
        var box = await _client.AddBoxAsync(
            new AddBoxRequest { Sealed = payload, RecipientKey = ByteString.FromBase64(Samples.RecipientPublic) });
        Assert.Equal(48, box.Box.Length);
    }

    [Fact]
    public async Task Unknown_key_is_not_found_and_bad_bytes_are_invalid()
    {
        var request = new SealRequest
        {
            Payload = ByteString.CopyFromUtf8("x"),
            SenderKey = ByteString.FromBase64(Samples.RecipientPublic)
        };
        request.RecipientKeys.Add(request.SenderKey);
        Assert.Equal(StatusCode.NotFound,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.SealAsync(request))).StatusCode);

        request.SenderKey = ByteString.CopyFrom(1, 2);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.SealAsync(request))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.SealAsync(new SealRequest()))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.OpenAsync(new OpenRequest()))).StatusCode);

        var good = new SealRequest { Payload = ByteString.CopyFromUtf8("x") };
        good.RecipientKeys.Add(ByteString.FromBase64(Samples.SenderPublic));
        var payload = (await _client.SealAsync(good)).Sealed;
        payload.CipherText = ByteString.CopyFrom(new byte[20]);
        Assert.Equal(StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.OpenAsync(new OpenRequest { Sealed = payload }))).StatusCode);
    }

    [Fact]
    public async Task Statements_are_signed_by_the_identity_for_keys_of_ours_alone()
    {
        var receipt = new DeliveryReceipt
        {
            PayloadHash = ByteString.CopyFrom(new byte[64]),
            RecipientKey = ByteString.FromBase64(Samples.SenderPublic),
            KeptAtMs = 1_780_000_000_000,
        };
        var request = new SignRequest { DeliveryReceipt = receipt };
        Assert.True((await _client.KeysAsync(new KeysRequest())).Identity.IsEmpty);
        await RefusedAsync(_client, request, StatusCode.FailedPrecondition);

        var identity = IdentityFile.Generate(_directory.File("identity"), passwordFile: null);
        _directory.Write("i.json", File.ReadAllText(_directory.File("e.json")).Replace("\"keyData\"",
            "\"identity\":{\"privateKeyPath\":\"identity.key\",\"publicKeyPath\":\"identity.pub\"},\"keyData\"", StringComparison.Ordinal));
        var socket = _directory.File("i.sock");
        await using var app = await EnclaveHost.StartAsync(
            Options() with { ConfigFile = _directory.File("i.json"), Listen = "unix:" + socket }, CancellationToken.None);
        using var channel = Channel(socket);
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        Assert.Equal(identity, (await client.KeysAsync(new KeysRequest())).Identity.ToBase64());
        var reply = await client.SignAsync(request);
        var statement = IdentityStatement.DeliveryReceipt(new byte[64], PublicKey.FromBase64(Samples.SenderPublic),
            DateTimeOffset.FromUnixTimeMilliseconds(receipt.KeptAtMs));
        Assert.True(IdentityKey.Verify(Convert.FromBase64String(identity), statement, reply.Signature.Span));

        receipt.KeptAtMs = -1;
        await RefusedAsync(client, request, StatusCode.InvalidArgument);
        receipt.RecipientKey = ByteString.FromBase64(Samples.RecipientPublic);
        await RefusedAsync(client, request, StatusCode.NotFound);
        await RefusedAsync(client, new SignRequest(), StatusCode.InvalidArgument);
        await RefusedAsync(client, new SignRequest { ManagerTlsKey = ByteString.Empty }, StatusCode.InvalidArgument);
        await app.StopAsync();
    }

    [Fact]
    public async Task The_identity_announces_the_enclaves_keys_and_its_presence_at_a_url()
    {
        await Assert.ThrowsAsync<RpcException>(async () => await _client.AnnounceAsync(new AnnounceRequest()));
        var identity = Convert.FromBase64String(IdentityFile.Generate(_directory.File("identity"), passwordFile: null));
        _directory.Write("i.json", File.ReadAllText(_directory.File("e.json")).Replace("\"keyData\"",
            "\"identity\":{\"privateKeyPath\":\"identity.key\",\"publicKeyPath\":\"identity.pub\"},"
            + $"\"revoked\":[{{\"publicKey\":\"{Samples.RecipientPublic}\",\"successor\":\"{Samples.SenderPublic}\"}}],\"keyData\"",
            StringComparison.Ordinal));
        var socket = _directory.File("i.sock");
        await using var app = await EnclaveHost.StartAsync(
            Options() with { ConfigFile = _directory.File("i.json"), Listen = "unix:" + socket }, CancellationToken.None);
        using var channel = Channel(socket);
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        Assert.Equal(Samples.RecipientPublic, Assert.Single((await client.KeysAsync(new KeysRequest())).Revoked).ToBase64());
        var first = await client.AnnounceAsync(new AnnounceRequest());
        var announced = KeyAnnouncementCodec.Decode(first.Announcement.Span);
        Assert.True(IdentityKey.Verify(identity, IdentityStatement.OwnKeys(first.Announcement.Span), first.Signature.Span));
        Assert.Equal([Samples.Sender, Samples.Recipient], announced.Keys.Select(k => k.Key));
        Assert.Equal([AnnouncedState.Active, AnnouncedState.Revoked], announced.Keys.Select(k => k.State));
        var second = await client.AnnounceAsync(new AnnounceRequest { After = announced.Serial + 1000 });
        Assert.True(KeyAnnouncementCodec.Decode(second.Announcement.Span).Serial > announced.Serial + 1000);
        var presence = new Presence { Nonce = ByteString.CopyFrom(new byte[32]), Url = "http://a:1/" };
        var signed = await client.SignAsync(new SignRequest { Presence = presence });
        Assert.True(IdentityKey.Verify(identity, IdentityStatement.Presence(new byte[32], "http://a:1/"), signed.Signature.Span));
        presence.Nonce = ByteString.Empty;
        await RefusedAsync(client, new SignRequest { Presence = presence }, StatusCode.InvalidArgument);
        await app.StopAsync();
    }

    private static async Task RefusedAsync(Contracts.Enclave.Enclave.EnclaveClient client, SignRequest request, StatusCode status) =>
        Assert.Equal(status, (await Assert.ThrowsAsync<RpcException>(async () => await client.SignAsync(request))).StatusCode);

    [Fact]
    public async Task Garbage_on_the_socket_does_not_stop_it()
    {
        for (var i = 0; i < 20; i++)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
            await socket.SendAsync(Samples.Run(i, 200));
        }

        Assert.Single((await _client.KeysAsync(new KeysRequest())).Keys);
    }

    [Fact]
    public async Task Changed_keys_are_taken_without_a_restart()
    {
        WriteConfig(withRecipient: true);
        _app.Services.GetRequiredService<TesseraKeyProvider>().NotifyChanged();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await _client.KeysAsync(new KeysRequest(), cancellationToken: limit.Token)).Keys.Count < 2)
            await Task.Delay(20, limit.Token);

        _directory.Write("e.json", "{");
        _app.Services.GetRequiredService<TesseraKeyProvider>().NotifyChanged();
        Assert.Equal(2, (await _client.KeysAsync(new KeysRequest())).Keys.Count);
    }

    [Fact]
    public async Task Socket_is_the_owners_and_a_second_enclave_is_refused()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
        var error = await Assert.ThrowsAsync<OptionsException>(() => EnclaveHost.StartAsync(Options(), CancellationToken.None));
        Assert.Contains("another process already listens", error.Message);
    }

    [Fact]
    public async Task Only_loopback_is_listened_on_without_tls()
    {
        var options = Options() with { Listen = "http://0.0.0.0:0" };
        Assert.Contains("loopback",
            (await Assert.ThrowsAsync<OptionsException>(() => EnclaveHost.StartAsync(options, CancellationToken.None))).Message);
        options = Options() with { ConfigFile = _directory.File("absent.json") };
        Assert.Contains("absent.json",
            (await Assert.ThrowsAsync<OptionsException>(() => EnclaveHost.StartAsync(options, CancellationToken.None))).Message);
    }

    [Fact]
    public async Task Stopped_it_ends_in_time_whoever_is_connected()
    {
        var socket = _directory.File("own.sock");
        var port = FreePorts.One();
        await using var run = new ServiceRun("quorummesh-enclave",
            ["-configfile", _directory.File("e.json"), "--listen", "unix:" + socket, "--health-url", $"http://127.0.0.1:{port}"]);
        await run.WaitReadyAsync($"http://127.0.0.1:{port}");
        using var channel = Channel(socket);
        Assert.Single((await new Contracts.Enclave.Enclave.EnclaveClient(channel).KeysAsync(new KeysRequest())).Keys);
        await run.StallAsync(new UnixDomainSocketEndPoint(socket), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await run.StallAsync(new UnixDomainSocketEndPoint(socket), "PRI");
        await run.StallAsync(new IPEndPoint(IPAddress.Loopback, port), "GET /readyz HTTP/1.1\r\nHost:");
        await run.StopsAsync();
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task Messages_that_stalled_clients_began_are_bounded_together_and_let_go()
    {
        var socket = _directory.File("bounded.sock");
        await using var app = await EnclaveHost.StartAsync(
            Options() with { Listen = "unix:" + socket, ListenerBytes = 16 << 20 }, CancellationToken.None);
        var budget = app.Services.GetRequiredService<GrpcListener>().Budget;
        await using (var stalled = new StalledCalls(new UnixDomainSocketEndPoint(socket), connections: 10))
        {
            stalled.SendHalf("quorummesh.enclave.v1.Enclave/SealRaw", callsEach: 10, announced: 16 << 20, sent: 1 << 20);
            await UntilAsync(() => stalled.Refused.Count > 0);
            Assert.Equal((int)StatusCode.ResourceExhausted, stalled.Refused[0].Status);
            Assert.InRange(budget.Held, 0, budget.Limit);
            using var channel = Channel(socket);
            Assert.Single((await new Contracts.Enclave.Enclave.EnclaveClient(channel).KeysAsync(new KeysRequest())).Keys);
        }
        await UntilAsync(() => budget.Held == 0);
        Assert.True(budget.Refused > 0);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!holds()) await Task.Delay(20, limit.Token);
    }

    private static GrpcChannel Channel(string path) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });

    private EnclaveOptions Options() => new(_directory.File("e.json"), null, null, [], false);

    private void WriteConfig(bool withRecipient)
    {
        var more = withRecipient
            ? $$$""",{"privateKey":"{{{Samples.RecipientPrivate}}}","publicKey":"{{{Samples.RecipientPublic}}}"}""" : "";
        _directory.Write("e.json", $$$"""
            {"serverConfigs":[{"app":"ENCLAVE","serverAddress":"unix:{{{Socket}}}"}],"alwaysSendTo":["{{{Samples.RecipientPublic}}}"],
             "keys":{"keyData":[{"privateKey":"{{{Samples.SenderPrivate}}}","publicKey":"{{{Samples.SenderPublic}}}"}{{{more}}}]}}
            """);
    }
}
