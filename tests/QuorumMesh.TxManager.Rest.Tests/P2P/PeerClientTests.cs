using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Rest.P2P;

namespace QuorumMesh.TxManager.Rest.Tests.P2P;

/// <summary>What a slow or dead peer costs.</summary>
public sealed class PeerClientTests : IDisposable
{
    private static readonly System.Buffers.ReadOnlySequence<byte> One = new(new byte[1]);

    private readonly FakeTimeProvider _clock = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<string> _told = [];

    public PeerClientTests() => _listener.Start();

    private string Url => $"http://{_listener.LocalEndpoint}/";

    private PeerClient Client(PeerClientOptions options)
    {
        // The clock that counts is the one that stands still.
        var client = new PeerClient(options with { ConnectTimeout = Wait.Limit }, new OutboundHandlers(), _clock);
        client.Told += _told.Add;
        return client;
    }

    private static Task<PrivacyException> FailsAsync(Task push) => Assert.ThrowsAsync<PrivacyException>(() => push.WaitAsync(Wait.Limit));

    private static async Task AnswerAsync(TcpClient connection, string head)
    {
        var stream = connection.GetStream();
        Assert.True(await stream.ReadAsync(new byte[4096]) > 0);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(head + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    }

    [Fact]
    public async Task Hung_peer_takes_its_own_places_alone()
    {
        using var client = Client(new PeerClientOptions { MaxPushesPerPeer = 2, MaxWaitingPerPeer = 1 });
        Task[] hung = [.. Enumerable.Range(0, 3).Select(_ => client.PushAsync(Url, One, default))];
        var e = await FailsAsync(client.PushAsync(Url, One, default));
        Assert.Equal((Failure.PeerUnresponsive, $"Connection error while communicating with {Url}"), (e.Failure, e.Message));

        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var push = client.PushAsync($"http://{other.LocalEndpoint}/", One, default);
        using (var connection = await other.AcceptTcpClientAsync().WaitAsync(Wait.Limit))
        {
            await AnswerAsync(connection, "HTTP/1.1 201 Created");
            await push.WaitAsync(Wait.Limit);
        }

        Assert.All(hung, t => Assert.False(t.IsCompleted));
        _clock.Advance(TimeSpan.FromSeconds(21));
        foreach (var task in hung)
            Assert.Equal(Failure.PeerUnresponsive, (await FailsAsync(task)).Failure);
    }

    [Fact]
    public async Task Slow_answers_break_no_circuit()
    {
        using var client = Client(new PeerClientOptions { FailuresToBreak = 4 });
        Task[] hung = [.. Enumerable.Range(0, 4).Select(_ => client.PushAsync(Url, One, default))];
        var connections = new List<TcpClient>();
        for (var i = 0; i < hung.Length; i++)
            connections.Add(await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit));

        // Each push has its connection once its request is there; one that ends sooner would leave an idle connection to the next.
        foreach (var connection in connections)
            Assert.True(await connection.GetStream().ReadAsync(new byte[4096]).AsTask().WaitAsync(Wait.Limit) > 0);

        _clock.Advance(TimeSpan.FromSeconds(19));
        Assert.All(hung, t => Assert.False(t.IsCompleted));
        _clock.Advance(TimeSpan.FromSeconds(2));
        foreach (var task in hung)
            Assert.Equal(Failure.PeerUnresponsive, (await FailsAsync(task)).Failure);

        var push = client.PushAsync(Url, One, default);
        connections.Add(await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit));
        await AnswerAsync(connections[^1], "HTTP/1.1 201 Created");
        await push.WaitAsync(Wait.Limit);
        Assert.Empty(_told);
        connections.ForEach(c => c.Dispose());
    }

    /// <summary>A push is idempotent, and Tessera's own client repeats it once too.</summary>
    [Fact]
    public async Task Push_whose_connection_breaks_is_made_once_more()
    {
        using var client = Client(new PeerClientOptions());
        var push = client.PushAsync(Url, One, default);
        for (var i = 0; i < 2; i++)
        {
            using var connection = await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
            Assert.True(await connection.GetStream().ReadAsync(new byte[4096]).AsTask().WaitAsync(Wait.Limit) > 0);
            connection.Close();
            if (i == 0)
                await Wait.UntilAsync(() => { _clock.Advance(TimeSpan.FromMilliseconds(20)); return Task.FromResult(_listener.Pending()); },
                    "the push comes again");
        }

        Assert.Equal(Failure.PeerOffline, (await FailsAsync(push)).Failure);
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task Peer_that_was_away_is_used_again_as_soon_as_it_answers_a_poll()
    {
        using var client = Client(new PeerClientOptions { FailuresToBreak = 2 });
        var closed = $"http://127.0.0.1:{Participant.FreePort()}/";
        for (var i = 0; i < 2; i++)
            Assert.Equal(Failure.PeerOffline, (await FailsAsync(client.PushAsync(closed, One, default))).Failure);

        Assert.Equal(Failure.PeerUnresponsive, (await FailsAsync(client.PushAsync(closed, One, default))).Failure);
        Assert.Contains("cannot be reached", Assert.Single(_told), StringComparison.Ordinal);

        using var back = new TcpListener(IPAddress.Loopback, new Uri(closed).Port);
        back.Start();
        var poll = client.SendPartyInfoAsync(closed, new PartyInfo(Url, [], []), default);
        using (var connection = await back.AcceptTcpClientAsync().WaitAsync(Wait.Limit))
        {
            await AnswerAsync(connection, "HTTP/1.1 200 OK");
            await poll.WaitAsync(Wait.Limit);
        }

        var push = client.PushAsync(closed, One, default);
        using var again = await back.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        await AnswerAsync(again, "HTTP/1.1 201 Created");
        await push.WaitAsync(Wait.Limit);
    }

    /// <summary>A stranger may have named the URL of these calls.</summary>
    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/", 0, Failure.PeerRefused)]
    [InlineData("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere", 0, Failure.PeerRefused)]
    [InlineData("HTTP/1.1 200 OK", 100_000, Failure.PeerOffline)]
    [InlineData("HTTP/1.1 404 Not Found", 5, Failure.KeyNotFound)]
    [InlineData("HTTP/1.1 500 No", 5, Failure.PeerRefused)]
    public async Task Look_at_a_strangers_url_follows_no_redirect_and_reads_little(string head, int length, Failure failure)
    {
        using var client = Client(new PeerClientOptions());
        var look = client.ValidateAsync(Url, new byte[10], default);
        using var connection = await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        Assert.True(await connection.GetStream().ReadAsync(new byte[4096]) > 0);
        await connection.GetStream().WriteAsync(
            System.Text.Encoding.ASCII.GetBytes($"{head}\r\nContent-Length: {length}\r\n\r\n{new string('x', Math.Min(length, 50_000))}"));
        Assert.Equal(failure, (await FailsAsync(look)).Failure);
        Assert.False(_listener.Pending());
    }

    [Fact]
    public async Task Look_at_a_strangers_url_ends_in_time_whatever_the_peers_have()
    {
        using var client = Client(new PeerClientOptions { Timeout = TimeSpan.FromHours(1) });
        var look = client.ValidateAsync(Url, new byte[10], default);
        using var connection = await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(Failure.PeerUnresponsive, (await FailsAsync(look)).Failure);
    }

    [Fact]
    public async Task Peer_that_refuses_breaks_no_circuit()
    {
        using var client = Client(new PeerClientOptions { FailuresToBreak = 2 });
        for (var i = 0; i < 4; i++)
        {
            var push = client.PushAsync(Url, One, default);
            using var connection = await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
            await AnswerAsync(connection, "HTTP/1.1 500 No");
            Assert.Equal(Failure.PeerRefused, (await FailsAsync(push)).Failure);
        }

        Assert.Empty(_told);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(415, true)]
    [InlineData(500, true)]
    [InlineData(403, false)]
    [InlineData(413, false)]
    [InlineData(429, false)]
    [InlineData(503, false)]
    public async Task Refusal_says_whether_it_may_be_about_the_form(int status, bool isAboutForm)
    {
        using var client = Client(new PeerClientOptions());
        var push = client.PushAsync(Url, One, default);
        using var connection = await _listener.AcceptTcpClientAsync().WaitAsync(Wait.Limit);
        await AnswerAsync(connection, $"HTTP/1.1 {status} No");
        var e = await FailsAsync(push);
        Assert.Equal((Failure.PeerRefused, isAboutForm), (e.Failure, e.IsAboutForm));
    }

    public void Dispose() => _listener.Dispose();
}
