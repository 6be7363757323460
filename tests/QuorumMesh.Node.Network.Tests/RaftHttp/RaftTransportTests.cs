using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

public sealed class RaftTransportTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly List<Member> _members = [];
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var member in _members) await member.Transport.DisposeAsync();
        _http.Dispose();
    }

    private async Task<Member> Start(ulong id, ulong clusterId = 0x1000)
    {
        var member = new Member(new RaftTransport(new RaftTransportOptions
        {
            Id = id,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            ClusterId = clusterId,
            AdvertisedUrl = null,
        }, new OutboundHandlers()))
        { Id = id };
        await member.Transport.StartAsync();
        _members.Add(member);
        return member;
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var end = DateTime.UtcNow + Limit; !condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"waited {Limit.TotalSeconds} s for: {what}");
            await Task.Delay(10);
        }
    }

    private static RaftMessage Heartbeat(ulong from, ulong to) =>
        new() { Type = RaftMessageType.Heartbeat, From = from, To = to, Term = 1 };

    private static RaftMessage Append(ulong from, ulong to, ulong index) => new()
    {
        Type = RaftMessageType.App,
        From = from,
        To = to,
        Term = 2,
        LogTerm = 2,
        Index = index,
        Commit = index,
        Entries = [new RaftEntry(2, index + 1, RaftEntryType.Normal, new byte[1000])],
    };

    private async Task<(Member A, Member B)> Pair()
    {
        var (a, b) = (await Start(1), await Start(0x1f));
        a.Transport.AddPeer(0x1f, b.Url);
        b.Transport.AddPeer(1, a.Url);
        await Until(() => a.Streams(0x1f) && b.Streams(1), "both streams");
        return (a, b);
    }

    [Fact]
    public async Task Messages_and_appends_travel_both_ways_in_order()
    {
        var (a, b) = await Pair();
        for (ulong i = 0; i < 500; i++)
        {
            a.Transport.Send([Append(1, 0x1f, i)]);
            b.Transport.Send([Heartbeat(0x1f, 1)]);
        }
        await Until(() => b.Received.Count >= 500 && a.Received.Count >= 500, "500 messages each way");
        Assert.Equal(Enumerable.Range(0, 500).Select(i => (ulong)i),
            b.Received.Where(m => m.Type == RaftMessageType.App).Select(m => m.Index));
        Assert.All(a.Received, m => Assert.Equal(0x1fUL, m.From));
    }

    [Fact]
    public async Task A_large_append_arrives_whole()
    {
        var (a, b) = await Pair();
        var data = new byte[5_000_000];
        new Random(1).NextBytes(data);
        a.Transport.Send([Append(1, 0x1f, 7) with { Entries = [new RaftEntry(2, 8, RaftEntryType.Normal, data)] }]);
        await Until(() => b.Received.Any(m => m.Type == RaftMessageType.App), "the append");
        Assert.Equal(data, b.Received.First(m => m.Type == RaftMessageType.App).Entries[0].Data);
    }

    [Fact]
    public async Task A_member_that_goes_away_is_reported_and_is_reached_again_when_it_is_back()
    {
        var (a, b) = await Pair();
        var port = b.Transport.Port;
        await b.Transport.DisposeAsync();
        await Until(() => a.Lost.Contains(0x1fUL), "PeerLost");
        a.Transport.Send([Heartbeat(1, 0x1f)]);
        await Until(() => a.UnreachablePeers.Contains(0x1fUL), "Unreachable");
        var again = new Member(new RaftTransport(
            new RaftTransportOptions { Id = 0x1f, Listen = new IPEndPoint(IPAddress.Loopback, port) }, new OutboundHandlers()));
        _members.Add(again);
        await again.Transport.StartAsync();
        again.Transport.AddPeer(1, a.Url);
        await Until(() => a.Streams(0x1f) && again.Streams(1), "streams after the restart");
        a.Transport.Send([Heartbeat(1, 0x1f)]);
        await Until(() => again.Received.Count > 0, "a message after the restart");
    }

    [Fact]
    public async Task A_snapshot_goes_by_post_and_its_fate_is_reported()
    {
        var (a, b) = await Pair();
        var snapshot = new RaftMessage
        {
            Type = RaftMessageType.Snap,
            From = 1,
            To = 0x1f,
            Term = 3,
            Snapshot = new RaftSnapshot([1, 2], new RaftConfState([1, 0x1f], [4]), 10, 3),
        };
        a.Transport.Send([snapshot]);
        await Until(() => a.Snapshots.Contains((0x1fUL, true)), "the report");
        var got = b.Received.Single(m => m.Type == RaftMessageType.Snap).Snapshot!;
        Assert.Equal((10UL, 3UL, 4UL), (got.Index, got.Term, got.ConfState.Learners.Single()));
        await b.Transport.DisposeAsync();
        a.Transport.Send([snapshot]);
        await Until(() => a.Snapshots.Contains((0x1fUL, false)), "the failed report");
    }

    [Fact]
    public async Task A_removed_member_is_told_so()
    {
        var (a, b) = await Pair();
        a.Transport.RemovePeer(0x1f);
        await Until(() => b.WasRemoved, "RemovedFromCluster");
        a.Received.Clear();
        var status = await Post(a, Heartbeat(0x1f, 1));
        Assert.Equal(HttpStatusCode.Forbidden, status.Status);
        Assert.Empty(a.Received);
    }

    /// <summary>
    /// The commit of its own removal is among them, and GoQuorum takes that from the log alone (raft/handler.go, eventLoop).
    /// </summary>
    [Fact]
    public async Task What_was_sent_to_a_member_before_its_removal_still_arrives()
    {
        var (a, b) = await Pair();
        for (ulong index = 1; index <= 2000; index++) a.Transport.Send([Append(1, 0x1f, index)]);
        a.Transport.RemovePeer(0x1f);
        await Until(() => b.Received.Any(m => m.Index == 2000), "the last message");
        await Until(() => b.WasRemoved, "RemovedFromCluster");
    }

    private static RaftMessage Snapshot(ulong from, ulong to) => new()
    {
        Type = RaftMessageType.Snap,
        From = from,
        To = to,
        Term = 1,
        Snapshot = new RaftSnapshot([1], new RaftConfState([1], []), 10, 1),
    };

    private static byte[] Membership(params Member[] members) => new RaftSnapshotData(
        [.. members.Select(m => new RaftAddress(m.Id, new byte[RaftAddress.NodeIdSize], "127.0.0.1", 1, m.Transport.Port))], [],
        default).Encode();

    [Fact]
    public async Task A_sender_that_a_known_member_vouches_for_is_heard_and_answered_and_nobody_else_is()
    {
        var (behind, known, added) = (await Start(1), await Start(2), await Start(9));
        known.Transport.PublishMembers(Membership(known, added));
        behind.Transport.AddPeer(2, known.Url);
        added.Transport.AddPeer(1, behind.Url);
        using var strangersOwn = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        strangersOwn.Start();
        using var stranger = Request(behind, Heartbeat(77, 1), from: 77, peerUrls: $"http://{strangersOwn.LocalEndpoint}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.SendAsync(stranger)).StatusCode);
        // The added member posts until it is known; then each has the other's streams.
        await Until(() => behind.Introduced.Contains(9UL) && behind.Streams(9) && added.Streams(1), "the streams of the added member");
        added.Transport.Send([Heartbeat(9, 1)]);
        behind.Transport.Send([Heartbeat(1, 9)]);
        await Until(() => behind.Received.Any(m => m.From == 9) && added.Received.Any(m => m.From == 1), "messages both ways");
        Assert.Equal([9UL], behind.Introduced.Distinct());
        Assert.Contains((77UL, "unknown-sender"), behind.Refusals);
        Assert.False(strangersOwn.Pending()); // whom a stranger names is not called
    }

    [Fact]
    public async Task Only_a_snapshot_is_taken_by_post_and_only_under_its_senders_own_name()
    {
        var (a, b) = await Pair();
        foreach (var forged in new[] { Heartbeat(0x1f, 1), Append(0x1f, 1, 5),
            new RaftMessage { Type = RaftMessageType.Prop, From = 0x1f, To = 1,
            Entries = [new RaftEntry(0, 0, RaftEntryType.Normal, new byte[8])] } })
        {
            using var request = Request(a, forged, from: 0x1f);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.SendAsync(request)).StatusCode);
        }
        using var mismatch = Request(a, Snapshot(0x1f, 1), from: 2);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.SendAsync(mismatch)).StatusCode);
        Assert.Empty(a.Received);
        Assert.Equal(["not-by-post", "not-by-post", "not-by-post", "sender-mismatch"], a.Refusals.Select(r => r.Reason));
        using var snapshot = Request(a, Snapshot(0x1f, 1), from: 0x1f);
        Assert.Equal(HttpStatusCode.NoContent, (await _http.SendAsync(snapshot)).StatusCode);
        Assert.Single(a.Received);
    }

    [Fact]
    public async Task A_post_beyond_the_bound_is_refused()
    {
        var (a, _) = await Pair();
        using var request = Request(a, Snapshot(0x1f, 1) with { Context = new byte[2 << 20] }, from: 0x1f);
        request.Headers.ExpectContinue = true;
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _http.SendAsync(request)).StatusCode);
        Assert.Empty(a.Received);
    }

    [Fact]
    public async Task Members_announce_what_they_know_whenever_a_stream_opens()
    {
        var (a, b) = await Pair();
        Assert.Contains((0x1fUL, true), a.Announced);
        Assert.Contains((1UL, true), b.Announced);
    }

    [Fact]
    public async Task The_log_overrules_what_is_configured_and_that_what_others_say()
    {
        var (a, b, c) = (await Start(1), await Start(2), await Start(3));
        c.Transport.PublishMembers(Membership(b, c));
        a.Transport.Introduce(2, c.Url); // an old file: member 2 is not there
        a.Transport.Introduce(3, c.Url);
        b.Transport.AddPeer(1, a.Url);
        c.Transport.AddPeer(1, a.Url);
        await Until(
            () =>
            {
                b.Transport.Send([Heartbeat(2, 1)]); // by post: it has not been asked for streams
                return a.Streams(3) && a.Streams(2);
            },
            "the streams of the member at its real address");
        a.Transport.RemovePeer(2);
        a.Transport.Introduce(2, b.Url);
        Assert.Equal(0, a.Transport.OpenStreams(2));
        a.Transport.AddPeer(2, b.Url);
        a.Transport.Introduce(2, c.Url);
        await Until(() => a.Streams(2), "the streams of the member that the log names");
    }

    [Theory]
    [InlineData("1001", "3.3.13", "3.0.0", "cluster ID mismatch\n")]
    [InlineData("1000", "2.3.0", "2.3.0", "incompatible version\n")]
    [InlineData("1000", "3.5.0", "3.4.0", "incompatible version\n")]
    [InlineData("1000", null, null, "incompatible version\n")]
    public async Task Another_cluster_or_version_is_refused(string cluster, string? version, string? minimum, string expected)
    {
        var member = await Start(1);
        var answer = await Post(member, Heartbeat(2, 1), cluster, version, minimum);
        Assert.Equal((HttpStatusCode.PreconditionFailed, expected), answer);
        Assert.Empty(member.Received);
    }

    [Theory]
    [InlineData("GET", "/raft", 405)]
    [InlineData("POST", "/raft/stream/message/2", 405)]
    [InlineData("GET", "/raft/stream/message/2", 404)]
    [InlineData("GET", "/raft/stream/msgapp/zz", 404)]
    [InlineData("GET", "/raft/stream/other/2", 404)]
    [InlineData("GET", "/", 404)]
    [InlineData("GET", "/raft/probing", 200)]
    [InlineData("POST", "/raft/snapshot", 400)]
    public async Task Requests_that_are_not_raft_get_a_clear_status(string method, string path, int status)
    {
        var member = await Start(1);
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(member.Url, path));
        AddHeaders(request, "1000", "3.3.13", "3.0.0", 2);
        Assert.Equal(status, (int)(await _http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task A_member_is_asked_for_its_time_and_one_that_is_away_or_unknown_gives_none()
    {
        var (one, two) = (await Start(1), await Start(2));
        Assert.Null(await one.Transport.ProbeAsync(2, default));
        one.Transport.AddPeer(2, two.Url);
        var probe = await one.Transport.ProbeAsync(2, default);
        Assert.NotNull(probe);
        Assert.True(probe.RoundTrip > TimeSpan.Zero);
        Assert.InRange(probe.ClockDifference!.Value.Duration(), TimeSpan.Zero, probe.RoundTrip + TimeSpan.FromMilliseconds(50));

        await two.Transport.DisposeAsync();
        Assert.Null(await one.Transport.ProbeAsync(2, default));
        Assert.Null(await one.Transport.ProbeAsync(2, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Bytes_that_are_no_message_get_400_and_the_listener_goes_on()
    {
        var member = await Start(1);
        var peer = await Start(2);
        member.Transport.AddPeer(2, peer.Url);
        using var request = Request(member, Heartbeat(2, 1));
        request.Content = new ByteArrayContent([0xff, 0xff, 0xff]);
        Assert.Equal(HttpStatusCode.BadRequest, (await _http.SendAsync(request)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Post(member, Snapshot(2, 5))).Status); // for another member
        Assert.Equal(HttpStatusCode.NoContent, (await Post(member, Snapshot(2, 1))).Status);
    }

    [Fact]
    public async Task A_port_in_use_is_said_in_one_line()
    {
        var first = await Start(1);
        await using var second =
            new RaftTransport(new RaftTransportOptions { Id = 2, Listen = new IPEndPoint(IPAddress.Loopback, first.Transport.Port) },
                new OutboundHandlers());
        var e = await Assert.ThrowsAsync<IOException>(second.StartAsync);
        Assert.Contains("--raftport", e.Message);
    }

    private async Task<(HttpStatusCode Status, string Body)> Post(Member to, RaftMessage m, string cluster = "1000",
        string? version = "3.3.13", string? minimum = "3.0.0")
    {
        using var request = Request(to, m, cluster, version, minimum);
        using var response = await _http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static HttpRequestMessage Request(Member to, RaftMessage m, string cluster = "1000", string? version = "3.3.13",
        string? minimum = "3.0.0",
        ulong from = 2, string? peerUrls = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post,
            new Uri(to.Url, "/raft"))
        { Content = new ByteArrayContent(RaftWire.Encode(m)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");
        AddHeaders(request, cluster, version, minimum, from);
        if (peerUrls is not null) request.Headers.Add("X-PeerURLs", peerUrls);
        return request;
    }

    private static void AddHeaders(HttpRequestMessage request, string cluster, string? version, string? minimum, ulong from)
    {
        request.Headers.Add("X-Server-From", from.ToString("x"));
        request.Headers.Add("X-Etcd-Cluster-ID", cluster);
        if (version is not null) request.Headers.Add("X-Server-Version", version);
        if (minimum is not null) request.Headers.Add("X-Min-Cluster-Version", minimum);
    }

    private sealed class Member
    {
        public Member(RaftTransport transport)
        {
            Transport = transport;
            transport.MessageReceived += Received.Enqueue;
            transport.PeerLost += Lost.Enqueue;
            transport.Unreachable += UnreachablePeers.Enqueue;
            transport.SnapshotReported += (id, ok) => Snapshots.Enqueue((id, ok));
            transport.RemovedFromCluster += _ => WasRemoved = true;
            transport.PeerIntroduced += Introduced.Enqueue;
            transport.PeerAnnounced += (id, preVote) => Announced.Enqueue((id, preVote));
            transport.MessageRefused += (from, _, reason) => Refusals.Enqueue((from, reason));
        }

        public ulong Id { get; init; }
        public ConcurrentQueue<ulong> Introduced { get; } = new();
        public ConcurrentQueue<(ulong Id, bool PreVote)> Announced { get; } = new();
        public ConcurrentQueue<(ulong From, string Reason)> Refusals { get; } = new();

        public RaftTransport Transport { get; }
        public Uri Url => new($"http://127.0.0.1:{Transport.Port}/");
        public ConcurrentQueue<RaftMessage> Received { get; } = new();
        public ConcurrentQueue<ulong> Lost { get; } = new();
        public ConcurrentQueue<ulong> UnreachablePeers { get; } = new();
        public ConcurrentQueue<(ulong, bool)> Snapshots { get; } = new();
        public bool WasRemoved { get; private set; }

        public bool Streams(ulong id) => Transport.OpenStreams(id) == 2;
    }
}
