using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;

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
        }));
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

    private static RaftMessage Heartbeat(ulong from, ulong to) => new() { Type = RaftMessageType.Heartbeat, From = from, To = to, Term = 1 };

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
        Assert.Equal(Enumerable.Range(0, 500).Select(i => (ulong)i), b.Received.Where(m => m.Type == RaftMessageType.App).Select(m => m.Index));
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
        var again = new Member(new RaftTransport(new RaftTransportOptions { Id = 0x1f, Listen = new IPEndPoint(IPAddress.Loopback, port) }));
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

    [Fact]
    public async Task A_sender_that_is_no_member_yet_can_be_answered()
    {
        var joiner = await Start(9);
        var leader = await Start(1);
        // The leader posts, because the joiner has not asked it for streams.
        using var request = Request(joiner, Heartbeat(1, 9), from: 1, peerUrls: leader.Url.GetLeftPart(UriPartial.Authority));
        Assert.Equal(HttpStatusCode.NoContent, (await _http.SendAsync(request)).StatusCode);
        await Until(() => joiner.Received.Count == 1, "the post");
        joiner.Transport.Send([Heartbeat(9, 1)]);
        await Until(() => leader.Received.Count == 1, "the answer");
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
    public async Task Bytes_that_are_no_message_get_400_and_the_listener_goes_on()
    {
        var member = await Start(1);
        using var request = Request(member, Heartbeat(2, 1));
        request.Content = new ByteArrayContent([0xff, 0xff, 0xff]);
        Assert.Equal(HttpStatusCode.BadRequest, (await _http.SendAsync(request)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Post(member, Heartbeat(2, 5))).Status); // for another member
        Assert.Equal(HttpStatusCode.NoContent, (await Post(member, Heartbeat(2, 1))).Status);
    }

    [Fact]
    public async Task A_port_in_use_is_said_in_one_line()
    {
        var first = await Start(1);
        await using var second = new RaftTransport(new RaftTransportOptions { Id = 2, Listen = new IPEndPoint(IPAddress.Loopback, first.Transport.Port) });
        var e = await Assert.ThrowsAsync<IOException>(second.StartAsync);
        Assert.Contains("--raftport", e.Message);
    }

    private async Task<(HttpStatusCode Status, string Body)> Post(Member to, RaftMessage m, string cluster = "1000", string? version = "3.3.13", string? minimum = "3.0.0")
    {
        using var request = Request(to, m, cluster, version, minimum);
        using var response = await _http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static HttpRequestMessage Request(Member to, RaftMessage m, string cluster = "1000", string? version = "3.3.13", string? minimum = "3.0.0",
        ulong from = 2, string? peerUrls = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(to.Url, "/raft")) { Content = new ByteArrayContent(RaftWire.Encode(m)) };
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
        }

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
