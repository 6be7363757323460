using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Listeners.Grpc.Tests;

/// <summary>
/// Clients that begin what they do not end, or ask for much and read nothing: what they hold is bounded, others are served, and
/// it comes back.
/// </summary>
public sealed class GrpcListenerTests : IAsyncLifetime
{
    private const string StoreMethod = "quorummesh.privacy.v1.PrivacyManager/Store";
    private const string ReceiveMethod = "quorummesh.privacy.v1.PrivacyManager/Receive";
    private const string WatchMethod = "quorummesh.privacy.v1.PrivacyManager/Watch";
    private const int Megabyte = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);

    private readonly FakeManager _manager = new();
    private WebApplication? _app;
    private GrpcListener _listener = null!;
    private GrpcChannel? _channel;
    private PrivacyManager.PrivacyManagerClient _client = null!;

    private IPEndPoint Server => IPEndPoint.Parse(new Uri(_app!.Urls.First()).Authority);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        _channel?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
    }

    [Fact]
    public async Task Messages_of_which_half_came_stay_within_the_budget_and_go_with_their_clients()
    {
        await StartAsync(32 * Megabyte, Never);
        await using (var stalled = new StalledCalls(Server, connections: 20))
        {
            stalled.SendHalf(StoreMethod, callsEach: 20, announced: 16 * Megabyte, sent: 2 * Megabyte);
            await UntilAsync(() => stalled.Refused.Count > 0 && _listener.Budget.Held > 0, "the budget is full");
            Assert.All(stalled.Refused, r => Assert.Equal((int)StatusCode.ResourceExhausted, r.Status));
            Assert.Contains("try again later", stalled.Refused[0].Text, StringComparison.Ordinal);
            Assert.InRange(_listener.Budget.Held, 1, _listener.Budget.Limit);
            Assert.True(_listener.Budget.Refused > 0);
            Assert.Equal("100", (await _client.StoreAsync(Payload(100))).Hash.ToStringUtf8());
        }
        await UntilAsync(() => _listener.Budget.Held == 0, "all is given back");
        Assert.Equal("5000000", (await _client.StoreAsync(Payload(5_000_000))).Hash.ToStringUtf8());
    }

    [Fact]
    public async Task Answers_that_nobody_reads_stay_within_the_budget_and_go_with_their_clients()
    {
        await StartAsync(32 * Megabyte, Never);
        await using (var stalled = new StalledCalls(Server, connections: 3))
        {
            for (var i = 1; i <= 3; i++)
            {
                await stalled.AskAsync(ReceiveMethod, Ask(4 * Megabyte).ToByteArray());
                var held = i * (8L * Megabyte - ByteLease.Free);
                await UntilAsync(() => _listener.Budget.Held >= held, "the whole answer waits for its reader");
            }
            var refused = await Assert.ThrowsAsync<RpcException>(async () => await _client.ReceiveAsync(Ask(6 * Megabyte)));
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
            Assert.Contains("try again later", refused.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(10, (await _client.ReceiveAsync(Ask(10))).Answers[0].Payload.Length);
            var (read, isWhole) = await stalled.ReadAsync(0);
            Assert.True(isWhole);
            Assert.InRange(read, 4 * Megabyte, 5 * Megabyte);
        }
        await UntilAsync(() => _listener.Budget.Held == 0, "all is given back");
        Assert.Equal(6 * Megabyte, (await _client.ReceiveAsync(Ask(6 * Megabyte))).Answers[0].Payload.Length);
    }

    [Fact]
    public async Task What_is_worked_on_counts_until_its_answer_does_and_goes_with_its_client()
    {
        await StartAsync(32 * Megabyte, Never);
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (_manager.Work, _manager.Made) = (10 * Megabyte, made.Task);
        using var gone = new CancellationTokenSource();
        var given = _client.ReceiveAsync(Ask(Megabyte)).ResponseAsync;
        var dropped = _client.ReceiveAsync(Ask(Megabyte), cancellationToken: gone.Token).ResponseAsync;
        await using (var stalled = new StalledCalls(Server, connections: 1))
        {
            var unread = stalled.AskAsync(ReceiveMethod, Ask(4 * Megabyte).ToByteArray());
            await UntilAsync(() => _listener.Budget.Held == 3 * (10L * Megabyte - ByteLease.Free), "three are in work");
            var refused = await Assert.ThrowsAsync<RpcException>(async () => await _client.ReceiveAsync(Ask(10)));
            Assert.Equal((StatusCode.ResourceExhausted, "no room to work"), (refused.StatusCode, refused.Status.Detail));
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<Exception>(() => dropped);
            await UntilAsync(() => _listener.Budget.Held == 2 * (10L * Megabyte - ByteLease.Free), "the one whose client went is over");
            made.SetResult();
            Assert.Equal(Megabyte, (await given).Answers[0].Payload.Length);
            await unread;
            // A slow reader's answer counts alone, its work no longer.
            await UntilAsync(() => _listener.Budget.Held is > 7 * Megabyte and < 9 * Megabyte, "the answer waits for its reader");
        }
        await UntilAsync(() => _listener.Budget.Held == 0, "all is given back");
    }

    [Fact]
    public async Task A_message_that_does_not_end_in_time_is_given_up()
    {
        await StartAsync(64 * Megabyte, TimeSpan.FromSeconds(1));
        await using var stalled = new StalledCalls(Server, connections: 2);
        stalled.SendHalf(StoreMethod, callsEach: 3, announced: 16 * Megabyte, sent: 100_000);
        await UntilAsync(() => stalled.Ended == 6, "every call is ended");
        Assert.All(stalled.Refused, r => Assert.Equal((int)StatusCode.DeadlineExceeded, r.Status));
        Assert.NotEmpty(stalled.Refused);
        await UntilAsync(() => _listener.Budget.Held == 0, "all is given back");
    }

    [Fact]
    public async Task An_answer_that_is_not_read_in_time_is_given_up()
    {
        await StartAsync(64 * Megabyte, TimeSpan.FromSeconds(1));
        await using var stalled = new StalledCalls(Server, connections: 1);
        await stalled.AskAsync(ReceiveMethod, Ask(8 * Megabyte).ToByteArray());
        Assert.True(_listener.Budget.Held > 0);
        await UntilAsync(() => _listener.Budget.Held == 0, "the answer is given up");
        Assert.False((await stalled.ReadAsync(0)).IsWhole);
    }

    [Fact]
    public async Task A_stream_lasts_while_its_messages_are_taken_and_ends_when_they_are_not()
    {
        await StartAsync(Megabyte, TimeSpan.FromSeconds(1));
        using var limit = new CancellationTokenSource(Patience);
        using (var watch = _client.Watch(new WatchRequest { AfterSequence = 500 }, cancellationToken: limit.Token))
            for (var i = 0; i < 8; i++) Assert.True(await watch.ResponseStream.MoveNext(limit.Token));

        await using var stalled = new StalledCalls(Server, connections: 1);
        await stalled.AskAsync(WatchMethod, new WatchRequest().ToByteArray());
        await UntilAsync(() => _manager.Ended == 2, "the stream is given up");
        Assert.False((await stalled.ReadAsync(0)).IsWhole);
    }

    [Fact]
    public async Task Compressed_messages_are_not_taken()
    {
        await StartAsync(64 * Megabyte, Never);
        var compressed = new CallOptions(new Metadata { { "grpc-internal-encoding-request", "gzip" } });
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _client.StoreAsync(Payload(1_000_000), compressed));
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    [Fact]
    public async Task A_port_has_no_more_connections_than_it_may()
    {
        await StartAsync(64 * Megabyte, Never);
        var stalled = new List<StalledCalls>();
        // One that asked while they come could have the last place, and leave it free.
        await UntilAsync(() => Stall(stalled), "one is too many");
        Assert.InRange(stalled.Count, GrpcListener.MaxConnections + 1, int.MaxValue);
        Assert.True(await IsRefusedAsync());
        foreach (var one in stalled) await one.DisposeAsync();
        await UntilAsync(async () => !await IsRefusedAsync(), "there is room again");
    }

    /// <summary>Another connection that stays.</summary>
    /// <returns>Whether one of all does not.</returns>
    private bool Stall(List<StalledCalls> stalled)
    {
        var one = new StalledCalls(Server, connections: 1);
        one.SendHalf(StoreMethod, callsEach: 1, announced: 1000, sent: 10);
        stalled.Add(one);
        return stalled.Exists(static s => s.Ended > 0);
    }

    private static StoreRequest Payload(int bytes) => new() { Payload = ByteString.CopyFrom(new byte[bytes]) };

    private static ReceiveRequest Ask(int bytes) => new() { MaxBytes = bytes };

    private static Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => Task.FromResult(holds()), what);

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await holds())
        {
            Assert.False(limit.IsCancellationRequested, what);
            await Task.Delay(20);
        }
    }

    private async Task<bool> IsRefusedAsync()
    {
        using var channel = GrpcChannel.ForAddress(_app!.Urls.First());
        try
        {
            await new PrivacyManager.PrivacyManagerClient(channel).StoreAsync(Payload(1));
            return false;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
        {
            return true;
        }
    }

    private async Task StartAsync(long budget, TimeSpan least)
    {
        _listener = new GrpcListener("test", budget, least);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_manager);
        _listener.AddTo(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            GrpcListener.Configure(kestrel.Limits);
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, _listener.Configure);
        });
        _app = builder.Build();
        _app.Use(_listener.InvokeAsync);
        _app.MapGrpcService<FakeManager>();
        await _app.StartAsync();
        _channel = GrpcChannel.ForAddress(_app.Urls.First(), new GrpcChannelOptions { MaxReceiveMessageSize = GrpcListener.MaxMessage });
        _client = new PrivacyManager.PrivacyManagerClient(_channel);
    }
}
