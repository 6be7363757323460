using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.Identity;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>Members that know each other by their node keys, on their way to TLS and under attack.</summary>
public sealed class RaftTlsTests : IAsyncLifetime
{
    private const byte Tls = 22, Get = (byte)'G';
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private readonly List<IAsyncDisposable> _owned = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var owned in _owned) await owned.DisposeAsync();
        _materials.Dispose();
        _pki.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(RaftTlsMode.Accept, RaftTlsMode.Accept, Get, Get)]
    [InlineData(RaftTlsMode.Prefer, RaftTlsMode.Accept, Tls, Get)]
    [InlineData(RaftTlsMode.Prefer, RaftTlsMode.Prefer, Tls, Tls)]
    [InlineData(RaftTlsMode.Require, RaftTlsMode.Prefer, Tls, Tls)]
    [InlineData(RaftTlsMode.Require, RaftTlsMode.Require, Tls, Tls)]
    public async Task A_cluster_goes_over_node_by_node(RaftTlsMode modeOfA, RaftTlsMode modeOfB, byte callsOfA, byte callsOfB)
    {
        var (a, b) = (await Start(1, modeOfA), await Start(2, modeOfB));
        var (toB, toA) = (Relay(b.Port), Relay(a.Port));
        a.Transport.AddPeer(b.Address(toB.Port));
        b.Transport.AddPeer(a.Address(toA.Port));
        await Until(() => a.Streams(2) && b.Streams(1), "both streams");
        Assert.All(toB.First, first => Assert.Equal(callsOfA, first));
        Assert.All(toA.First, first => Assert.Equal(callsOfB, first));
        b.Transport.Send([Heartbeat(2, 1)]);
        await Until(() => !a.Received.IsEmpty, "a message");
    }

    [Fact]
    public async Task One_that_speaks_no_TLS_is_called_in_plain_text_by_one_that_prefers_it()
    {
        var (a, b) = (await Start(1, RaftTlsMode.Prefer), await Start(2, mode: null));
        var toB = Relay(b.Port);
        a.Transport.AddPeer(b.Address(toB.Port));
        b.Transport.AddPeer(a.Address());
        await Until(() => a.Streams(2) && b.Streams(1), "both streams");
        Assert.Contains(Tls, toB.First);
        Assert.Contains(Get, toB.First);
        Assert.Contains(a.Told, line => line.Contains("Raft member 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_GoQuorum_that_is_named_is_called_and_heard_in_plain_text_and_nobody_else_is()
    {
        var (named, stranger) = (await Start(2, mode: null), await Start(3, mode: null));
        var a = await Start(1, RaftTlsMode.Require, plain: named.Key.NodeId);
        foreach (var other in new[] { named, stranger })
        {
            a.Transport.AddPeer(other.Address());
            other.Transport.AddPeer(a.Address());
        }
        await Until(() => a.Streams(2) && named.Streams(1), "the streams of the one that is named");
        await Until(() => a.Refusals.Contains((3UL, "plain-text")), "the refusal of the other");
        Assert.Equal(0, a.Transport.OpenStreams(3));
        Assert.Equal(0, stranger.Transport.OpenStreams(1));
    }

    [Fact]
    public async Task Plain_text_is_hung_up_on_where_TLS_is_required_of_all()
    {
        var (a, b) = (await Start(1, RaftTlsMode.Require), await Start(2, mode: null));
        a.Transport.AddPeer(b.Address());
        b.Transport.AddPeer(a.Address());
        await Until(() => a.Told.Any(l => l.Contains("spoke plain text", StringComparison.Ordinal))
            && a.Told.Any(l => l.Contains("to 127.0.0.1", StringComparison.Ordinal)), "lines about both directions");
        Assert.Equal((0, 0), (a.Transport.OpenStreams(2), b.Transport.OpenStreams(1)));
    }

    [Theory]
    [InlineData("copied", "copied or altered")]
    [InlineData("expired", "valid from")]
    [InlineData("not yet valid", "valid from")]
    [InlineData("nobody's", "it is no node's")]
    [InlineData("none", "showed no certificate")]
    [InlineData("TLS 1.2", null)]
    public async Task A_handshake_that_proves_no_node_opens_nothing(string kind, string? said)
    {
        var (a, b) = (await Start(1, RaftTlsMode.Accept), await Start(2, RaftTlsMode.Accept));
        a.Transport.AddPeer(b.Address());
        using var http = Caller(a, Forged(kind, b.Key), kind == "TLS 1.2");
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/raft/probing"));
        if (said is not null) await Until(() => a.Told.Any(l => l.Contains(said, StringComparison.Ordinal)), $"a line with: {said}");
    }

    [Fact]
    public async Task Another_members_certificate_speaks_for_nobody_else()
    {
        var (a, b, c) = (await Start(1, RaftTlsMode.Accept), await Start(2, RaftTlsMode.Accept), await Start(3, RaftTlsMode.Accept));
        a.Transport.AddPeer(b.Address(1));
        a.Transport.AddPeer(c.Address(1));
        using var http = Caller(a, NodeCertificate.Make(c.Key, DateTimeOffset.UtcNow));
        foreach (var path in new[] { "/raft/stream/message/2", "/raft/stream/msgapp/2" })
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ask(http, path, 2));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Post(http, Snapshot(2, 1)));
        Assert.Equal(3, a.Refusals.Count(r => r == (2UL, "another-member")));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskForTransactions(http, 2));
        Assert.Empty(a.Received);
        // What is its own is heard.
        Assert.Equal(HttpStatusCode.NotFound, await AskForTransactions(http, 3));
        Assert.Equal(HttpStatusCode.NoContent, await Post(http, Snapshot(3, 1)));
        await Until(() => a.Received.Any(m => m.From == 3), "its own snapshot");
    }

    [Theory]
    [InlineData(RaftTlsMode.Prefer)]
    [InlineData(RaftTlsMode.Require)]
    public async Task Whoever_answers_at_a_members_address_is_not_taken_for_it(RaftTlsMode mode)
    {
        var (a, impostor) = (await Start(1, mode), await Start(3, RaftTlsMode.Accept));
        using var member = NodeKey.Generate();
        var relay = Relay(impostor.Port);
        impostor.Transport.AddPeer(a.Address());
        a.Transport.AddPeer(new RaftAddress(2, member.PublicKey, "127.0.0.1", 1, relay.Port));
        await Until(() => relay.First.Count >= 4 && a.Told.Any(l => l.Contains("it is of node", StringComparison.Ordinal)), "refusals");
        Assert.All(relay.First, first => Assert.Equal(Tls, first));
        Assert.Equal(0, a.Transport.OpenStreams(2));
    }

    [Fact]
    public async Task A_member_that_has_spoken_TLS_is_never_called_in_plain_text_afterwards()
    {
        var (a, b) = (await Start(1, RaftTlsMode.Prefer), await Start(2, RaftTlsMode.Accept));
        var relay = Relay(b.Port);
        a.Transport.AddPeer(b.Address(relay.Port));
        b.Transport.AddPeer(a.Address());
        await Until(() => a.Streams(2), "the streams");
        relay.RefusesTls = true;
        var before = relay.First.Count;
        await Until(() => relay.First.Count >= before + 10, "new attempts");
        Assert.DoesNotContain(Get, relay.First);
        relay.RefusesTls = false;
        await Until(() => a.Streams(2), "the streams again");
    }

    [Fact]
    public async Task Plain_text_takes_no_stream_over_that_is_open_by_TLS()
    {
        var (a, b) = (await Start(1, RaftTlsMode.Accept), await Start(2, RaftTlsMode.Prefer));
        a.Transport.AddPeer(b.Address());
        b.Transport.AddPeer(a.Address());
        await Until(() => b.Streams(1), "the streams over TLS");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = a.Url };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ask(http, "/raft/stream/message/2", 2));
        Assert.Contains((2UL, "plain-beside-tls"), a.Refusals);
        Assert.Empty(b.Lost);
        await b.Transport.DisposeAsync();
        await Until(() => Ask(http, "/raft/stream/message/2", 2).Result == HttpStatusCode.OK, "the member in plain text, a step back");
    }

    [Fact]
    public async Task Members_alone_are_told_the_membership_where_TLS_is_required()
    {
        var (a, b) = (await Start(1, RaftTlsMode.Require), await Start(2, RaftTlsMode.Require));
        a.Transport.AddPeer(b.Address());
        a.Transport.PublishMembers([1, 2, 3]);
        using var stranger = NodeKey.Generate();
        using var strange = Caller(a, NodeCertificate.Make(stranger, DateTimeOffset.UtcNow));
        using var own = Caller(a, NodeCertificate.Make(b.Key, DateTimeOffset.UtcNow));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ask(strange, "/raft/members", 2));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ask(strange, "/raft/members", 9));
        Assert.Equal(HttpStatusCode.OK, await Ask(own, "/raft/members", 2));
    }

    [Fact]
    public async Task Certificates_of_the_operators_CA_are_taken_beside_those_of_node_keys()
    {
        var authorities = _materials.Authorities("--raft.tls.ca", [_pki.WriteAuthority(_directory)]);
        var a = await Start(1, RaftTlsMode.Require, authorities: authorities, certificate: Issued("a"));
        var b = await Start(2, RaftTlsMode.Require, authorities: authorities);
        var elsewhere = await Start(3, RaftTlsMode.Require, authorities: authorities,
            certificate: Issued("c", names => names.AddDnsName("elsewhere.example")));
        foreach (var other in new[] { b, elsewhere })
        {
            a.Transport.AddPeer(other.Address());
            other.Transport.AddPeer(a.Address());
        }
        await Until(() => a.Streams(2) && b.Streams(1), "the streams");
        await Until(() => a.Told.Any(l => l.Contains("it does not name 127.0.0.1", StringComparison.Ordinal))
            && a.Refusals.Contains((3UL, "another-member")), "refusals of the one whose name is another");
        Assert.Equal((0, 0), (a.Transport.OpenStreams(3), elsewhere.Transport.OpenStreams(1)));
    }

    private CertificateSource Issued(string name, Action<SubjectAlternativeNameBuilder>? names = null)
    {
        var (certificate, key) = TestPki.Write(_directory, name, _pki.Issue(name, names: names));
        return _materials.Certificate("raft", "--raft.tls.cert", CertificateFiles.Pem("--raft.tls.cert", certificate, key));
    }

    private static X509Certificate2? Forged(string kind, NodeKey node)
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        switch (kind)
        {
            case "none":
                return null;
            case "nobody's":
                return TestPki.SelfSigned("node");
            case "expired":
                return NodeCertificate.Make(node, key, now.AddDays(-2), now.AddDays(-1));
            case "not yet valid":
                return NodeCertificate.Make(node, key, now.AddDays(1), now.AddDays(2));
            case "copied":
                using (var seen = NodeCertificate.Make(node, now))
                {
                    var request = new CertificateRequest(seen.SubjectName, key, HashAlgorithmName.SHA256);
                    foreach (var extension in seen.Extensions) request.CertificateExtensions.Add(extension);
                    return request.CreateSelfSigned(seen.NotBefore, seen.NotAfter);
                }
            default:
                return NodeCertificate.Make(node, now);
        }
    }

    /// <summary>A client of an attacker: takes any server and shows what it is given.</summary>
    private static HttpClient Caller(Member to, X509Certificate2? shown, bool isOld = false)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        if (isOld) handler.SslOptions.EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls12;
        if (shown is not null) handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => shown;
        return new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{to.Port}") };
    }

    private static async Task<HttpStatusCode> Ask(HttpClient http, string path, ulong from)
    {
        using var request = Headed(new HttpRequestMessage(HttpMethod.Get, path), from);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> Post(HttpClient http, RaftMessage message)
    {
        using var request = Headed(new HttpRequestMessage(HttpMethod.Post, "/raft"), message.From);
        request.Content = new ByteArrayContent(RaftWire.Encode(message));
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    private static async Task<HttpStatusCode> AskForTransactions(HttpClient http, ulong from)
    {
        using var request = Headed(new HttpRequestMessage(HttpMethod.Post, "/raft/transactions"), from);
        request.Content = new ByteArrayContent(new byte[32]);
        using var response = await http.SendAsync(request);
        return response.StatusCode;
    }

    private static HttpRequestMessage Headed(HttpRequestMessage request, ulong from)
    {
        request.Headers.Add("X-Server-From", from.ToString("x"));
        request.Headers.Add("X-Etcd-Cluster-ID", "1000");
        request.Headers.Add("X-Server-Version", "3.3.13");
        request.Headers.Add("X-Min-Cluster-Version", "3.0.0");
        request.Headers.Add("X-Raft-To", "1");
        return request;
    }

    private static RaftMessage Heartbeat(ulong from, ulong to) =>
        new() { Type = RaftMessageType.Heartbeat, From = from, To = to, Term = 1 };

    private static RaftMessage Snapshot(ulong from, ulong to) => new()
    {
        Type = RaftMessageType.Snap,
        From = from,
        To = to,
        Term = 1,
        Snapshot = new RaftSnapshot([1], new RaftConfState([1], []), 10, 1),
    };

    private TcpRelay Relay(int port)
    {
        var relay = new TcpRelay(port);
        _owned.Add(relay);
        return relay;
    }

    /// <param name="mode">Null: without TLS at all, as a GoQuorum.</param>
    private async Task<Member> Start(ulong id, RaftTlsMode? mode, string? plain = null, CaTrust? authorities = null,
        CertificateSource? certificate = null)
    {
        var member = new Member(id);
        var tls = mode is null ? null : new RaftTlsOptions
        {
            Mode = mode.Value,
            Certificate = certificate
                ?? _materials.Made("raft", now => NodeCertificate.Make(member.Key, now), NodeCertificate.Renewal),
            Members = new MemberCertificates(authorities, TimeProvider.System),
            PlainMembers = plain is null ? new HashSet<string>() : new HashSet<string> { plain },
            Tell = member.Told.Enqueue,
            HandshakeTime = Limit, // however busy the machine is
        };
        member.Listen(new RaftTransport(
            new RaftTransportOptions { Id = id, Listen = new IPEndPoint(IPAddress.Loopback, 0), Tls = tls }, new OutboundHandlers()));
        _owned.Add(member);
        await member.Transport.StartAsync();
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

    private sealed class Member(ulong id) : IAsyncDisposable
    {
        public NodeKey Key { get; } = NodeKey.Generate();
        public RaftTransport Transport { get; private set; } = null!;
        public int Port => Transport.Port;
        public Uri Url => new($"http://127.0.0.1:{Port}");
        public ConcurrentQueue<string> Told { get; } = new();
        public ConcurrentQueue<RaftMessage> Received { get; } = new();
        public ConcurrentQueue<ulong> Lost { get; } = new();
        public ConcurrentQueue<(ulong From, string Reason)> Refusals { get; } = new();

        public RaftAddress Address(int? port = null) => new(id, Key.PublicKey, "127.0.0.1", 1, port ?? Port);

        public bool Streams(ulong other) => Transport.OpenStreams(other) == 2;

        public void Listen(RaftTransport transport)
        {
            Transport = transport;
            transport.MessageReceived += Received.Enqueue;
            transport.PeerLost += Lost.Enqueue;
            transport.MessageRefused += (from, _, reason) => Refusals.Enqueue((from, reason));
        }

        public async ValueTask DisposeAsync()
        {
            await Transport.DisposeAsync();
            Key.Dispose();
        }
    }
}
