using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>A peer on a plain socket: what this member asks of it, byte for byte, and what it does when the answers are bad.</summary>
public sealed class HostileRaftPeerTests : IAsyncLifetime
{
    private const string NoHash = "0000000000000000000000000000000000000000000000000000000000000000";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly RaftTransport _transport = new(new RaftTransportOptions
    {
        Id = 0xa,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        AdvertisedUrl = new Uri("http://127.0.0.1:50401"),
        ReadTimeout = TimeSpan.FromSeconds(2),
        MaxFrameSize = 1 << 20,
        MaxPostBytes = 2 << 20,
        PostTime = TimeSpan.FromSeconds(10),
    }, new OutboundHandlers());
    private readonly ConcurrentQueue<ulong> _lost = new();
    private readonly ConcurrentQueue<RaftMessage> _received = new();

    public async Task InitializeAsync()
    {
        _transport.PeerLost += _lost.Enqueue;
        _transport.MessageReceived += _received.Enqueue;
        await _transport.StartAsync();
    }

    public async Task DisposeAsync() => await _transport.DisposeAsync();

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var end = DateTime.UtcNow + Limit; !condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"waited {Limit.TotalSeconds} s for: {what}");
            await Task.Delay(10);
        }
    }

    [Fact]
    public async Task The_requests_carry_what_etcd_checks()
    {
        await using var peer = new SocketPeer(_ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        _transport.AddPeer(0x2b, peer.Url);
        _transport.Send([new RaftMessage { Type = RaftMessageType.Vote, From = 0xa, To = 0x2b, Term = 1 }]);
        await Until(() => peer.Requests.Select(r => r.Split(' ')[1]).Distinct().Count() == 3, "both streams and a post");
        var message = peer.Requests.First(r => r.StartsWith("GET /raft/stream/message/a HTTP/1.1\r\n", StringComparison.Ordinal));
        Assert.Contains(peer.Requests, r => r.StartsWith("GET /raft/stream/msgapp/a HTTP/1.1\r\n", StringComparison.Ordinal));
        foreach (var header in new[]
        {
            "X-Server-From: a", "X-Server-Version: 3.3.13", "X-Min-Cluster-Version: 3.0.0", "X-Etcd-Cluster-ID: 1000", "X-Raft-To: 2b",
            "X-PeerURLs: http://127.0.0.1:50401",
        }) Assert.Contains(header + "\r\n", message);
        var post = peer.Requests.First(r => r.StartsWith("POST /raft HTTP/1.1\r\n", StringComparison.Ordinal));
        Assert.Contains("Content-Type: application/protobuf\r\n", post);
    }

    [Fact]
    public async Task A_silent_stream_is_given_up_and_asked_for_again()
    {
        await using var peer = new SocketPeer(_ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
        _transport.AddPeer(2, peer.Url);
        await Until(() => _lost.Contains(2UL), "PeerLost");
        await Until(() => peer.Requests.Count >= 4, "new requests");
    }

    [Theory]
    [InlineData("ffffffffffffffff00")] // a frame of 2^64-1 bytes; frame type 255
    [InlineData("0000000000200000aa")] // past this member's bound
    [InlineData("0000000000000001ff")] // not protobuf
    [InlineData("07")]
    public async Task Garbage_on_a_stream_costs_the_connection_and_nothing_else(string hex)
    {
        var body = Convert.FromHexString(hex);
        await using var peer = new SocketPeer(_ =>
            [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n"), .. body,
                .. "\r\n"u8]);
        _transport.AddPeer(2, peer.Url);
        await Until(() => _lost.Count >= 2 && peer.Requests.Count >= 4, "lost streams and new requests");
        Assert.Empty(_received);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://127.0.0.1:{_transport.Port}/raft/probing")).StatusCode);
    }

    [Theory]
    [InlineData("07", false)] // an entry of a form that is unknown
    [InlineData("01" + "ffffffffffffffff", false)]
    [InlineData("01" + "000000000000000a" + "0800100218012202" + "c0c0", true)] // no compact block
    [InlineData("01" + "000000000000002c" + "0800100218012224" + "e3" + "a0" + NoHash + "c0" + "c0", true)] // another digest
    [InlineData("01" + "000000000000004e" + "0800100218012246" + "f844" + "a0" + NoHash + "c0" + "e1a0" + NoHash, true)] // nobody's
    public async Task A_compact_block_that_is_none_costs_the_stream_and_the_next_ones_are_asked_for_whole(string entry, bool comesWhole)
    {
        await using var transport = new RaftTransport(new RaftTransportOptions
        {
            Id = 0xa,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            MaxFrameSize = 1 << 20,
            Transactions = new RaftTransactions(hashes => new ReadOnlyMemory<byte>[hashes.Count], _ => null),
        }, new OutboundHandlers());
        var (lost, received) = (new ConcurrentQueue<ulong>(), new ConcurrentQueue<RaftMessage>());
        transport.PeerLost += lost.Enqueue;
        transport.MessageReceived += received.Enqueue;
        var body = Convert.FromHexString("03" + "0000000000000001" + entry);
        var answered = 0;
        await using var peer = new SocketPeer(request =>
            request.Contains("/msgapp/", StringComparison.Ordinal) && Interlocked.Increment(ref answered) == 1
            ? [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n"), .. body,
                .. "\r\n"u8]
            : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        transport.AddPeer(2, peer.Url);
        string[] Asked() => [.. peer.Requests.Where(r => r.Contains("/msgapp/", StringComparison.Ordinal))];
        await Until(() => Asked().Length >= 2, "a new request");
        const string header = "X-QuorumMesh-Raft-Compact: 1\r\n";
        Assert.Contains(header, Asked()[0]);
        Assert.Equal(comesWhole, !Asked()[1].Contains(header, StringComparison.Ordinal));
        Assert.Equal(comesWhole, lost.IsEmpty); // a stream that is closed by choice is no leader that is lost
        Assert.Empty(received);
    }

    [Fact]
    public async Task Posts_that_stall_hold_no_more_than_the_budget_and_are_given_up()
    {
        const int length = 1 << 20;
        var head = "POST /raft HTTP/1.1\r\nHost: x\r\nX-Etcd-Cluster-ID: 1000\r\nX-Server-Version: 3.3.13\r\nX-Min-Cluster-Version: "
            + $"3.0.0\r\nContent-Length: {length}\r\n\r\n";
        byte[] begun = [.. Encoding.ASCII.GetBytes(head), .. new byte[length - 1]];
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => AnswerAsync(begun))));
        Assert.Contains(answers, a => a.StartsWith("HTTP/1.1 503", StringComparison.Ordinal));
        Assert.All(answers, a => Assert.Matches("^HTTP/1.1 (503|408)", a));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://127.0.0.1:{_transport.Port}/raft/probing")).StatusCode);
    }

    /// <summary>The first line of the answer to a request that never ends.</summary>
    private async Task<string> AnswerAsync(byte[] begun)
    {
        using var tcp = new TcpClient();
        using var limit = new CancellationTokenSource(Limit);
        await tcp.ConnectAsync(IPAddress.Loopback, _transport.Port, limit.Token);
        var stream = tcp.GetStream();
        // A refusal may come, and the connection end, before all is sent.
        await Record.ExceptionAsync(() => stream.WriteAsync(begun, limit.Token).AsTask());
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(limit.Token) ?? "";
    }

    [Fact]
    public async Task A_stream_speaks_for_its_own_member_alone_and_one_without_our_header_announces_nothing()
    {
        byte[] forged = RaftWire.Encode(new RaftMessage { Type = RaftMessageType.Heartbeat, From = 3, To = 0xa, Term = 1 });
        byte[] own = RaftWire.Encode(new RaftMessage { Type = RaftMessageType.Heartbeat, From = 2, To = 0xa, Term = 1 });
        byte[] body = [.. new byte[7], (byte)forged.Length, .. forged, .. new byte[7], (byte)own.Length, .. own];
        var (refused, announced) = (new ConcurrentQueue<string>(), new ConcurrentQueue<bool>());
        _transport.MessageRefused += (_, _, reason) => refused.Enqueue(reason);
        _transport.PeerAnnounced += (_, preVote) => announced.Enqueue(preVote);
        await using var peer = new SocketPeer(request => !request.Contains("/message/", StringComparison.Ordinal)
            ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray() :
            [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n"), .. body,
                .. "\r\n"u8]);
        _transport.AddPeer(2, peer.Url);
        await Until(() => !_received.IsEmpty && !refused.IsEmpty && !announced.IsEmpty, "a message taken and one refused");
        Assert.All(_received, m => Assert.Equal(2UL, m.From));
        Assert.All(refused, reason => Assert.Equal("sender-mismatch", reason));
        Assert.All(announced, Assert.False);
    }

    [Fact]
    public async Task A_listener_that_does_not_speak_http_is_tried_again()
    {
        await using var peer = new SocketPeer(_ => [0, 1, 2, 3, 0xff]);
        _transport.AddPeer(2, peer.Url);
        await Until(() => peer.Requests.Count >= 6, "new requests");
        Assert.Empty(_lost);
    }

    [Fact]
    public async Task Messages_for_a_peer_that_is_not_there_are_bounded_and_reported()
    {
        var unreachable = 0;
        _transport.Unreachable += _ => Interlocked.Increment(ref unreachable);
        using var closed = new TcpListener(IPAddress.Loopback, 0);
        closed.Start();
        var port = ((IPEndPoint)closed.LocalEndpoint).Port;
        closed.Stop();
        _transport.AddPeer(2, new Uri($"http://127.0.0.1:{port}"));
        var heartbeat = new RaftMessage { Type = RaftMessageType.Heartbeat, From = 0xa, To = 2, Term = 1 };
        for (var i = 0; i < 10_000; i++) _transport.Send([heartbeat]);
        await Until(() => Volatile.Read(ref unreachable) > 9_000, "reports");
    }

    private sealed class SocketPeer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public SocketPeer(Func<string, byte[]> answer)
        {
            _listener.Start();
            _loop = Task.Run(() => AcceptAsync(answer));
        }

        public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        public ConcurrentQueue<string> Requests { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _loop;
        }

        private async Task AcceptAsync(Func<string, byte[]> answer)
        {
            try
            {
                while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token), answer);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Closed by the test.
            }
        }

        private async Task ServeAsync(TcpClient client, Func<string, byte[]> answer)
        {
            using (client)
            {
                try
                {
                    var stream = client.GetStream();
                    var buffer = new byte[16 * 1024];
                    while (true)
                    {
                        var n = await stream.ReadAsync(buffer, _stop.Token);
                        if (n == 0) return;
                        var request = Encoding.Latin1.GetString(buffer, 0, n);
                        Requests.Enqueue(request);
                        await stream.WriteAsync(answer(request), _stop.Token);
                    }
                }
                catch (Exception e) when (e is OperationCanceledException or IOException)
                {
                    // The member hung up.
                }
            }
        }
    }
}
