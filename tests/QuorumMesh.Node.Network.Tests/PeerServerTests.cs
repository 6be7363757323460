using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Network.Tests;

public class PeerServerTests
{
    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    public async Task Two_nodes_agree_on_the_highest_version_and_exchange_status(int version)
    {
        await using var a = new TestNode(protocols: version == 63 ? [SubProtocol.Eth63] : [SubProtocol.Eth63, SubProtocol.Eth64]);
        await using var b = new TestNode();
        await TestNode.Connect(a, b);
        var seenByA = Assert.Single(a.Server.Peers);
        var seenByB = Assert.Single(b.Server.Peers);
        Assert.Equal((b.Id, version, false, true), (seenByA.NodeId, seenByA.EthVersion, seenByA.Inbound, seenByA.Static));
        Assert.Equal((a.Id, version, true, false), (seenByB.NodeId, seenByB.EthVersion, seenByB.Inbound, seenByB.Static));
        Assert.Equal((UInt256)17, seenByA.TotalDifficulty);
        Assert.Equal(Keccak.Hash("head"u8), seenByA.Head);
        Assert.Equal(["eth/63", "eth/64"], seenByA.Caps);
        Assert.Equal($"127.0.0.1:{b.Server.Self.Port}", seenByA.RemoteAddress);
        await TestNode.Until(() => !a.Events.IsEmpty, "the event");
        Assert.Equal(["+" + b.Id], a.Events);
    }

    [Fact]
    public async Task Transactions_reach_the_other_side_once_and_are_not_echoed()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        await TestNode.Connect(a, b);
        byte[][] sent = [TestNode.RlpList(100, 1), [0x02, .. TestNode.RlpList(60, 2)], TestNode.RlpList(30_000, 3)];
        a.Server.BroadcastTransactions([.. sent.Select(raw => (ReadOnlyMemory<byte>)raw)], null);
        a.Server.BroadcastTransactions([sent[0]], null);
        await TestNode.Until(() => b.Transactions.Count == 3, "transactions");
        Assert.Equal(sent, b.Transactions.Select(raw => raw.ToArray()));

        // b got them from a: telling the network must not send them back, something new goes.
        b.Server.BroadcastTransactions([.. sent.Select(raw => (ReadOnlyMemory<byte>)raw)], null);
        b.Server.BroadcastTransactions([TestNode.RlpList(10, 4)], null);
        await TestNode.Until(() => !a.Transactions.IsEmpty, "the new one");
        Assert.Single(a.Transactions);

        a.Server.BroadcastTransactions([sent[1]], null, resend: true);
        await TestNode.Until(() => b.Transactions.Count == 4, "the one sent again");
    }

    [Fact]
    public async Task A_transaction_is_not_sent_to_the_peer_it_came_from()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        await using var c = new TestNode();
        await TestNode.Connect(a, b);
        await TestNode.Connect(a, c);
        a.Server.BroadcastTransactions([TestNode.RlpList(10, 1)], b.Id);
        await TestNode.Until(() => c.Transactions.Count == 1, "at c");
        a.Server.BroadcastTransactions([TestNode.RlpList(10, 2)], null);
        await TestNode.Until(() => b.Transactions.Count == 1, "at b");
        Assert.Equal(TestNode.RlpList(10, 2), Assert.Single(b.Transactions).ToArray());
    }

    [Fact]
    public async Task Bursts_arrive_whole_and_in_order()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        await TestNode.Connect(a, b);
        var all = Enumerable.Range(0, 20_000).Select(i => (ReadOnlyMemory<byte>)TestNode.RlpList(110, i)).ToList();
        foreach (var chunk in all.Chunk(300))
            a.Server.BroadcastTransactions(chunk, null);
        await TestNode.Until(() => b.Transactions.Count >= all.Count, "20,000 transactions");
        Assert.True(all.Select(raw => raw.ToArray())
            .SequenceEqual(b.Transactions.Select(raw => raw.ToArray()), ByteArrayComparer.Instance));
    }

    [Fact]
    public async Task Headers_and_bodies_come_as_asked_within_the_caps()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        b.Headers.AddRange(Enumerable.Range(0, 300).Select(i => TestNode.RlpList(500, i)));
        var hashes = Enumerable.Range(0, 100).Select(i => Keccak.Hash(BitConverter.GetBytes(i))).ToList();
        for (int i = 0; i < hashes.Count; i++)
            b.Bodies[hashes[i]] = TestNode.RlpList(i < 50 ? 100 : 100_000, i);
        await TestNode.Connect(a, b);

        Assert.Equal(b.Headers.Skip(5).Take(10), await a.Server.RequestHeadersAsync(b.Id, 5, 10, default));
        Assert.Equal(192, (await a.Server.RequestHeadersAsync(b.Id, 0, 192, default)).Count);
        Assert.Empty(await a.Server.RequestHeadersAsync(b.Id, 1000, 10, default));
        Assert.Equal(hashes.Take(50).Select(hash => b.Bodies[hash]),
            await a.Server.RequestBodiesAsync(b.Id, hashes.Take(50).ToList(), default));

        // 2 MB soft limit: 21 bodies of 100 KB.
        var large = await a.Server.RequestBodiesAsync(b.Id, hashes.Skip(50).ToList(), default);
        Assert.Equal(21, large.Count);
        await Assert.ThrowsAsync<ArgumentException>(() => a.Server.RequestHeadersAsync(b.Id, 0, 193, default));
        await Assert.ThrowsAsync<PeerRequestException>(() => a.Server.RequestHeadersAsync(new string('1', 128), 0, 1, default));
    }

    [Fact]
    public async Task Requests_at_the_same_time_get_their_own_replies()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        b.Headers.AddRange(Enumerable.Range(0, 300).Select(i => TestNode.RlpList(500, i)));
        await TestNode.Connect(a, b);
        var replies = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => a.Server.RequestHeadersAsync(b.Id, (ulong)i * 10, i + 1, default)));
        for (int i = 0; i < replies.Length; i++)
            Assert.Equal(b.Headers.Skip(i * 10).Take(i + 1), replies[i]);
    }

    [Fact]
    public async Task A_late_reply_is_not_taken_for_the_next_requests_reply()
    {
        await using var a = new TestNode(requestTimeout: TimeSpan.FromSeconds(2));
        await using var b = new TestNode();
        b.Headers.AddRange(Enumerable.Range(0, 20).Select(i => TestNode.RlpList(50, i)));
        await TestNode.Connect(a, b);
        bool held = true;
        b.HoldHeaders = () => held;
        await Assert.ThrowsAsync<PeerRequestException>(() => a.Server.RequestHeadersAsync(b.Id, 0, 3, default));
        using var cancel = new CancellationTokenSource();
        var given = a.Server.RequestHeadersAsync(b.Id, 5, 2, cancel.Token);
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        held = false;
        Assert.Equal(b.Headers.Skip(10).Take(1), await a.Server.RequestHeadersAsync(b.Id, 10, 1, default));
    }

    [Fact]
    public async Task Requests_under_way_are_bounded_and_fail_when_the_peer_goes()
    {
        await using var a = new TestNode();
        var b = new TestNode();
        await TestNode.Connect(a, b);
        bool held = true;
        b.HoldHeaders = () => held;
        var waiting = Enumerable.Range(0, 8).Select(_ => a.Server.RequestHeadersAsync(b.Id, 0, 1, default)).ToList();
        await Assert.ThrowsAsync<PeerRequestException>(() => a.Server.RequestHeadersAsync(b.Id, 0, 1, default));
        a.Server.RemovePeer(b.Id);
        foreach (var request in waiting)
            await Assert.ThrowsAsync<PeerRequestException>(() => request);
        held = false;
        await b.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_that_dial_each_other_end_with_one_connection()
    {
        for (int round = 0; round < 5; round++)
        {
            await using var a = new TestNode();
            await using var b = new TestNode();
            a.Server.AddStaticPeer(b.Server.Self);
            b.Server.AddStaticPeer(a.Server.Self);
            await TestNode.Until(() => a.HasPeer(b.Id) && b.HasPeer(a.Id), "connected");
            await TestNode.Until(() => Working(a, b), "a working connection");
            Assert.Single(a.Server.Peers);
            Assert.Single(b.Server.Peers);
        }

        static bool Working(TestNode a, TestNode b)
        {
            int before = b.Transactions.Count;
            a.Server.BroadcastTransactions([TestNode.RlpList(40, before + 1)], null, resend: true);
            return SpinWait.SpinUntil(() => b.Transactions.Count > before, 500);
        }
    }

    [Fact]
    public async Task A_static_peer_that_comes_late_or_restarts_is_found()
    {
        await using var a = new TestNode();
        var key = NodeKey.Generate();
        int port = FreePorts.One();
        a.Server.AddStaticPeer(new Enode(key.NodeId, "127.0.0.1", port));
        for (int i = 0; i < 3; i++)
        {
            await using var b = new TestNode(new NodeKey(KeyBytes(key, i)), port: port);
            a.Server.AddStaticPeer(new Enode(b.Id, "127.0.0.1", port));
            await TestNode.Until(() => a.HasPeer(b.Id), "connected");
        }
        await TestNode.Until(() => a.Events.Count == 6, "three times connected and disconnected");
    }

    [Fact]
    public async Task The_same_node_restarted_is_dialled_again()
    {
        await using var a = new TestNode();
        var secret = KeyBytes(NodeKey.Generate(), 7);
        int port = FreePorts.One();
        for (int i = 0; i < 3; i++)
        {
            await using var b = new TestNode(new NodeKey(secret), port: port);
            if (i == 0)
                a.Server.AddStaticPeer(b.Server.Self);
            await TestNode.Until(() => a.HasPeer(b.Id) && b.HasPeer(a.Id), "connected");
        }
    }

    [Fact]
    public async Task Only_allowed_nodes_get_in_and_a_change_takes_effect_at_once()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        await using var c = new TestNode();
        a.Server.SetAllowed(id => id == b.Id);
        c.Server.AddStaticPeer(a.Server.Self);
        b.Server.AddStaticPeer(a.Server.Self);
        await TestNode.Until(() => a.HasPeer(b.Id), "b");
        Assert.False(a.HasPeer(c.Id));
        a.Server.SetAllowed(id => id == c.Id);
        await TestNode.Until(() => a.HasPeer(c.Id) && !a.HasPeer(b.Id), "c instead of b");
        a.Server.SetAllowed(null);
        await TestNode.Until(() => a.HasPeer(c.Id) && a.HasPeer(b.Id), "both");
    }

    [Fact]
    public async Task More_than_the_maximum_only_when_static()
    {
        await using var a = new TestNode(maxPeers: 1);
        await using var b = new TestNode();
        await using var c = new TestNode();
        await TestNode.Connect(b, a);
        using (var client = await RawPeer.EncryptAsync(a.Server.Self))
            Assert.Equal(DisconnectReason.TooManyPeers, await client.DisconnectReasonAsync());
        c.Server.AddStaticPeer(a.Server.Self);
        a.Server.AddStaticPeer(c.Server.Self);
        await TestNode.Until(() => a.HasPeer(c.Id) && a.HasPeer(b.Id), "the static one too");
    }

    [Fact]
    public async Task A_removed_peer_is_closed_and_not_dialled_again()
    {
        await using var a = new TestNode();
        await using var b = new TestNode();
        await TestNode.Connect(a, b);
        a.Server.RemovePeer("0x" + b.Id.ToUpperInvariant());
        await TestNode.Until(() => a.Server.Peers.Count == 0 && b.Server.Peers.Count == 0, "closed");
        await using var c = new TestNode();
        await TestNode.Connect(c, a);
        Assert.Equal(c.Id, Assert.Single(a.Server.Peers).NodeId);
    }

    [Fact]
    public async Task A_port_in_use_is_said_in_one_line()
    {
        await using var a = new TestNode();
        await using var second = new PeerServer(
            new PeerServerOptions { Key = NodeKey.Generate(), Listen = new IPEndPoint(IPAddress.Loopback, a.Server.Self.Port) },
            NullLogger<PeerServer>.Instance);
        var error = Assert.Throws<IOException>(() => second.Start(a));
        Assert.Contains($"127.0.0.1:{a.Server.Self.Port}", error.Message);
    }

    [Fact]
    public async Task Nothing_that_is_no_transaction_is_sent()
    {
        await using var a = new TestNode();
        Assert.Throws<ArgumentException>(() => a.Server.BroadcastTransactions([ReadOnlyMemory<byte>.Empty], null));
        Assert.Throws<ArgumentException>(() => a.Server.BroadcastTransactions([new byte[] { 0x83, 1, 2, 3 }], null));
    }

    private static byte[] KeyBytes(NodeKey seed, int i) => Keccak.Hash([.. seed.PublicKey, (byte)i]).ToArray();

    private sealed class ByteArrayComparer : IEqualityComparer<byte[]>
    {
        public static readonly ByteArrayComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
