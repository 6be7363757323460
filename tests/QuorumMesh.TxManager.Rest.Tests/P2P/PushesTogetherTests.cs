using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using QuorumMesh.Contracts;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Rest.P2P;

namespace QuorumMesh.TxManager.Rest.Tests.P2P;

/// <summary>What goes to another manager in one request, and when it goes by itself.</summary>
public sealed class PushesTogetherTests : IAsyncLifetime, IDisposable
{
    private const byte Refused = 7;

    private readonly PeerClient _client = new(new PeerClientOptions { PushTimeout = Wait.Limit }, new OutboundHandlers());
    private readonly ConcurrentBag<byte> _single = [];
    private WebApplication _peer = null!;
    private int _together;
    private Func<int> _statusOfMany = static () => 200;
    private bool _takesMany = true;

    private string Url => _peer.Urls.First() + "/";

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _peer = builder.Build();
        _peer.Urls.Add("http://127.0.0.1:0");
        _peer.MapPost("/push", PushAsync);
        _peer.MapPost("/" + PushMany.Path, PushManyAsync);
        await _peer.StartAsync();
    }

    public async Task DisposeAsync() => await _peer.DisposeAsync();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Pushes_go_together_once_the_peer_has_said_that_it_takes_them_and_each_has_its_outcome()
    {
        await Wait.UntilAsync(async () =>
        {
            await PushAllAsync();
            return _together > 0;
        }, "several in one request");
        Assert.Contains((byte)1, _single);
    }

    [Fact]
    public async Task A_peer_that_says_nothing_gets_each_by_itself()
    {
        _takesMany = false;
        for (var round = 0; round < 3; round++)
            await PushAllAsync();
        Assert.Equal(0, _together);
        Assert.Equal(60, _single.Count);
    }

    /// <summary>A Tessera in its place answers 404, a manager without room 503.</summary>
    [Theory]
    [InlineData(404)]
    [InlineData(503)]
    [InlineData(500)]
    public async Task What_is_refused_together_goes_by_itself(int status)
    {
        _statusOfMany = () => status;
        await Wait.UntilAsync(async () =>
        {
            await PushAllAsync();
            return _together > 0;
        }, "several in one request");
    }

    [Fact]
    public async Task An_answer_for_another_number_of_payloads_counts_for_none()
    {
        _statusOfMany = static () => 201;
        await Wait.UntilAsync(async () =>
        {
            await PushAllAsync();
            return _together > 0;
        }, "several in one request");
    }

    [Fact]
    public async Task A_long_push_goes_alone()
    {
        await _client.PushAsync(Url, new ReadOnlySequence<byte>(new byte[1]), default);
        var longOne = new ReadOnlySequence<byte>(new byte[100_000]);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _client.PushAsync(Url, longOne, default)));
        Assert.Equal(0, _together);
    }

    /// <summary>Twenty, of which one is refused.</summary>
    private async Task PushAllAsync()
    {
        var pushes = Enumerable.Range(1, 20).Select(i => _client.PushAsync(Url, new ReadOnlySequence<byte>([(byte)i]), default)).ToList();
        for (var i = 1; i <= pushes.Count; i++)
            if (i == Refused)
                Assert.Equal(Failure.PeerRefused, (await Assert.ThrowsAsync<PrivacyException>(() => pushes[Refused - 1])).Failure);
            else
                await pushes[i - 1];
    }

    private async Task PushAsync(HttpContext http)
    {
        var body = await BodyAsync(http);
        _single.Add(body[0]);
        if (_takesMany)
            http.Response.Headers[RestHeaders.Pushes] = "many";
        http.Response.StatusCode = body[0] == Refused ? 404 : 201;
    }

    private async Task PushManyAsync(HttpContext http)
    {
        var payloads = PushMany.Read(await BodyAsync(http));
        Interlocked.Increment(ref _together);
        http.Response.StatusCode = _statusOfMany() is 201 ? 200 : _statusOfMany();
        int[] statuses = [.. payloads.Select(p => p.Span[0] == Refused ? 404 : 201)];
        await http.Response.Body.WriteAsync(PushMany.WriteStatuses(_statusOfMany() == 201 ? statuses[1..] : statuses));
    }

    private static async Task<byte[]> BodyAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }
}
