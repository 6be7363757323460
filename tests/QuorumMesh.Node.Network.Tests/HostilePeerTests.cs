using System.Net.Sockets;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>Wrong at every stage; and after each the server still serves a proper peer.</summary>
public class HostilePeerTests
{
    private static readonly Capability Eth63 = new("eth", 63);
    private static readonly Capability Eth64 = new("eth", 64);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(306)]
    [InlineData(5000)]
    public async Task Random_bytes_instead_of_a_handshake(int length)
    {
        await using var node = new TestNode();
        for (int seed = 0; seed < 10; seed++)
        {
            using var tcp = new TcpClient();
            await tcp.ConnectAsync("127.0.0.1", node.Server.Self.Port);
            var bytes = new byte[length];
            new Random(seed).NextBytes(bytes);
            if (length > 2)
                (bytes[0], bytes[1]) = seed % 2 == 0 ? ((byte)0x04, (byte)0x00) : ((byte)0x01, (byte)0x90);
            var stream = tcp.GetStream();
            await stream.WriteAsync(bytes);
            tcp.Client.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await ReadToEndAsync(stream));
        }
        await AssertServes(node);
    }

    [Fact]
    public async Task Silence_is_cut_off()
    {
        await using var node = new TestNode();
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", node.Server.Self.Port);
        Assert.Equal(0, await ReadToEndAsync(tcp.GetStream()));
        using var later = await RawPeer.EncryptAsync(node.Server.Self);
        Assert.NotNull(await later.DisconnectReasonAsync());
        await AssertServes(node);
    }

    [Fact]
    public async Task Pre_eip8_peers_are_served()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node, plain: true);
        await AssertAnswers(node, peer);
    }

    [Fact]
    public async Task Peers_of_version_4_are_served_without_compression()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node, version: 4);
        await AssertAnswers(node, peer);
    }

    [Fact]
    public async Task A_node_does_not_talk_to_itself()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.EncryptAsync(node.Server.Self, key: node.Key);
        Assert.Equal(DisconnectReason.Self, await peer.DisconnectReasonAsync());
        node.Server.AddStaticPeer(node.Server.Self);
        Assert.Empty(node.Server.Peers);
    }

    [Fact]
    public async Task Unknown_nodes_are_closed_without_a_word()
    {
        await using var node = new TestNode();
        node.Server.SetAllowed(_ => false);
        using var peer = await RawPeer.EncryptAsync(node.Server.Self);
        Assert.Null(await peer.DisconnectReasonAsync());
    }

    [Fact]
    public async Task A_second_connection_takes_the_place_of_the_first()
    {
        await using var node = new TestNode();
        using var first = await RawPeer.ReadyAsync(node);
        using var second = await RawPeer.EncryptAsync(node.Server.Self, key: first.Key);
        await second.SendAsync(BaseMessages.Hello, BaseMessages.EncodeHello(second.Hello(5, [Eth63])));
        Assert.Equal(DisconnectReason.AlreadyConnected, await first.DisconnectReasonAsync());
        Assert.Equal(BaseMessages.Hello, (await second.ReadAsync()).Code);
        second.Connection.Snappy = true;
        await second.SendAsync(RawPeer.EthOffset, RawPeer.StatusPayload());
        await TestNode.Until(() => node.Events.Count == 3, "events");
        Assert.Equal(["+", "-", "+"], node.Events.Select(e => e[..1]));
    }

    public static TheoryData<string, byte[], DisconnectReason> BadHellos => new()
    {
        { "not RLP", [0xff, 0xff, 0xff], DisconnectReason.SubprotocolError },
        { "empty list", [0xc0], DisconnectReason.SubprotocolError },
        { "deep", DeepList(600), DisconnectReason.SubprotocolError },
        { "another id", BaseMessages.EncodeHello(new HelloMessage(5, "x", [Eth63], 0, NodeKey.Generate().PublicKey)),
            DisconnectReason.UnexpectedIdentity },
    };

    [Theory]
    [MemberData(nameof(BadHellos))]
    public async Task Bad_hello(string what, byte[] payload, DisconnectReason reason)
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.EncryptAsync(node.Server.Self);
        await peer.SendAsync(BaseMessages.Hello, payload);
        Assert.True(reason == await peer.DisconnectReasonAsync(), what);
        await AssertServes(node);
    }

    [Fact]
    public async Task Hello_too_long()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.EncryptAsync(node.Server.Self);
        await peer.SendAsync(BaseMessages.Hello, new byte[100_000]);
        Assert.Null(await peer.DisconnectReasonAsync());
        await AssertServes(node);
    }

    [Fact]
    public async Task Another_message_before_hello()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.EncryptAsync(node.Server.Self);
        await peer.SendAsync(BaseMessages.Ping, [0xc0]);
        Assert.Equal(DisconnectReason.ProtocolError, await peer.DisconnectReasonAsync());
    }

    [Fact]
    public async Task No_common_protocol()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.HelloAsync(node.Server.Self, false, 5, new Capability("eth", 62), new Capability("les", 2));
        Assert.Equal(DisconnectReason.UselessPeer, await peer.DisconnectReasonAsync());
    }

    public static TheoryData<string, int, byte[]> BadStatuses => new()
    {
        { "genesis", 63, RawPeer.StatusPayload(genesis: Keccak.Hash([7])) },
        { "network", 63, RawPeer.StatusPayload(network: 11) },
        { "version", 63, RawPeer.StatusPayload(version: 64) },
        { "fork id in 63", 63, RawPeer.StatusPayload(fork: new ForkId(1, 0)) },
        { "no fork id in 64", 64, RawPeer.StatusPayload(version: 64) },
        { "wrong fork id in 64", 64, RawPeer.StatusPayload(version: 64, fork: new ForkId(1, 0)) },
        { "garbage", 63, [0x83, 1, 2] },
        { "empty", 63, [] },
    };

    [Theory]
    [MemberData(nameof(BadStatuses))]
    public async Task Bad_status_is_a_subprotocol_error(string what, int version, byte[] payload)
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.HelloAsync(node.Server.Self, false, 5, version == 63 ? Eth63 : Eth64);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.Status, payload);
        Assert.True(DisconnectReason.SubprotocolError == await peer.DisconnectReasonAsync(), what);
        Assert.Empty(node.Events);
        await AssertServes(node);
    }

    [Fact]
    public async Task Another_message_before_status()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.HelloAsync(node.Server.Self, false, 5, Eth63);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.Transactions, [0xc0]);
        Assert.Equal(DisconnectReason.SubprotocolError, await peer.DisconnectReasonAsync());
    }

    public static TheoryData<string, int, byte[], DisconnectReason> BadMessages => new()
    {
        { "second status", 16 + EthCode.Status, RawPeer.StatusPayload(), DisconnectReason.SubprotocolError },
        { "second hello", BaseMessages.Hello, [0xc0], DisconnectReason.ProtocolError },
        { "long ping", BaseMessages.Ping, new byte[3000], DisconnectReason.ProtocolError },
        { "code of no protocol", 16 + 17, [0xc0], DisconnectReason.ProtocolError },
        { "transactions not a list", 16 + EthCode.Transactions, [0x80], DisconnectReason.SubprotocolError },
        { "transaction an empty string", 16 + EthCode.Transactions, [0xc1, 0x80], DisconnectReason.SubprotocolError },
        { "transaction a wrong string", 16 + EthCode.Transactions, [0xc3, 0x82, 0xff, 0xff], DisconnectReason.SubprotocolError },
        { "bytes behind the list", 16 + EthCode.Transactions, [0xc0, 0x00], DisconnectReason.SubprotocolError },
        { "list longer than the message", 16 + EthCode.Transactions, [0xf9, 0xff, 0xff, 0xc0], DisconnectReason.SubprotocolError },
        { "too many transactions", 16 + EthCode.Transactions, ListOf(70_000, 0xc0), DisconnectReason.SubprotocolError },
        { "headers by 9 bytes", 16 + EthCode.GetBlockHeaders, [0xcd, 0x89, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 0x80, 0x80],
            DisconnectReason.SubprotocolError },
        { "bodies by short hashes", 16 + EthCode.GetBlockBodies, [0xc3, 0x82, 1, 2], DisconnectReason.SubprotocolError },
        { "not RLP", 16 + EthCode.GetBlockBodies, [0xff, 0xff], DisconnectReason.SubprotocolError },
        { "new block a number", 16 + EthCode.NewBlock, [0xc2, 1, 1], DisconnectReason.SubprotocolError },
    };

    [Theory]
    [MemberData(nameof(BadMessages))]
    public async Task Bad_message_costs_the_connection_and_nothing_else(string what, int code, byte[] payload, DisconnectReason reason)
    {
        await using var node = new TestNode();
        await using var other = new TestNode();
        await TestNode.Connect(other, node);
        using var peer = await RawPeer.ReadyAsync(node);
        await peer.SendAsync(code, payload);
        Assert.True(reason == await peer.DisconnectReasonAsync(), what);
        await TestNode.Until(() => !node.HasPeer(peer.Key.NodeId), "gone");
        Assert.True(node.HasPeer(other.Id));
        await AssertServes(node);
    }

    [Fact]
    public async Task Deep_rlp_is_passed_on_whole_without_being_followed()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        var deep = DeepList(1_000_000);
        var writer = new RlpWriter();
        int list = writer.BeginList();
        writer.WriteRaw(deep);
        writer.EndList(list);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.Transactions, writer.ToArray());
        await TestNode.Until(() => !node.Transactions.IsEmpty, "passed on");
        Assert.Equal(deep, Assert.Single(node.Transactions).ToArray());
        await AssertAnswers(node, peer);
    }

    [Theory]
    [InlineData(0x07)]
    [InlineData(0x08)]
    [InlineData(0x0d)]
    [InlineData(0x10)]
    public async Task Eth_messages_without_meaning_in_raft_are_ignored(int code)
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        await peer.SendAsync(RawPeer.EthOffset + code, code == EthCode.NewBlock ? [0xc2, 0xc0, 0x01] : [0xc0]);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.BlockHeaders, [0xc0]);
        await AssertAnswers(node, peer);
    }

    [Fact]
    public async Task A_wrong_mac_ends_the_connection()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        await peer.Tcp.GetStream().WriteAsync(new byte[64]);
        await peer.DisconnectReasonAsync();
        await TestNode.Until(() => node.Server.Peers.Count == 0, "gone");
        await AssertServes(node);
    }

    [Fact]
    public async Task Wrong_snappy_data_ends_the_connection()
    {
        // Declares 2^35 bytes; 16 MB and one; is cut; copies from before the start.
        byte[][] wrong = [[0xff, 0xff, 0xff, 0xff, 0x7f], [0x81, 0x80, 0x80, 0x08, 0x00], [0x20, 0x00], [0x04, 0x01, 0x01]];
        await using var node = new TestNode();
        foreach (var data in wrong)
        {
            using var peer = await RawPeer.ReadyAsync(node);
            peer.Connection.Snappy = false;
            peer.Connection.Write(RawPeer.EthOffset + EthCode.Transactions, data);
            peer.Connection.Snappy = true;
            await peer.Connection.FlushAsync(RawPeer.Limit);
            Assert.Equal(DisconnectReason.ProtocolError, await peer.DisconnectReasonAsync());
        }
        await AssertServes(node);
    }

    [Fact]
    public async Task A_message_over_10_MB_ends_the_connection()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        var bomb = new byte[RlpxConnection.MaxMessageSize + 1];
        var compressed = Snappier.Snappy.CompressToArray(bomb);
        peer.Connection.Snappy = false;
        await peer.SendAsync(RawPeer.EthOffset + EthCode.Transactions, compressed);
        peer.Connection.Snappy = true;
        Assert.Equal(DisconnectReason.ProtocolError, await peer.DisconnectReasonAsync());
        await AssertServes(node);
    }

    [Fact]
    public async Task A_reply_with_more_than_was_asked_for_fails_the_request_and_the_peer()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        var request = node.Server.RequestHeadersAsync(peer.Key.NodeId, 0, 2, default);
        Assert.Equal(RawPeer.EthOffset + EthCode.GetBlockHeaders, (await peer.ReadAsync()).Code);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.BlockHeaders, ListOf(3, 0xc0));
        await Assert.ThrowsAsync<Runtime.Ports.PeerRequestException>(() => request);
        Assert.Equal(DisconnectReason.SubprotocolError, await peer.DisconnectReasonAsync());
    }

    [Fact]
    public async Task Pings_are_answered_and_a_disconnect_is_followed()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        await peer.SendAsync(BaseMessages.Ping, [0xc0]);
        Assert.Equal(BaseMessages.Pong, (await peer.ReadAsync()).Code);
        await peer.SendAsync(BaseMessages.Disconnect, BaseMessages.EncodeDisconnect(DisconnectReason.Quitting));
        Assert.Null(await peer.DisconnectReasonAsync());
        await TestNode.Until(() => node.Server.Peers.Count == 0, "gone");
    }

    [Fact]
    public async Task A_peer_that_does_not_read_gets_a_bounded_queue_and_others_are_served()
    {
        await using var node = new TestNode();
        await using var other = new TestNode();
        await TestNode.Connect(other, node);
        using var peer = await RawPeer.ReadyAsync(node);
        var all = Enumerable.Range(0, 200).Select(i => (ReadOnlyMemory<byte>)TestNode.RlpList(100_000, i)).ToList();
        for (int i = 0; i < all.Count; i++)
        {
            node.Server.BroadcastTransactions([all[i]], null);
            int sent = i + 1;
            await TestNode.Until(() => other.Transactions.Count == sent, "the other peer has all so far");
        }
        Assert.Equal(all.Sum(raw => (long)raw.Length), other.Transactions.Sum(raw => (long)raw.Length));
    }

    private static byte[] DeepList(int depth)
    {
        // From the inside: each list holds the one before.
        var headers = new Stack<byte[]>();
        int length = 0;
        for (int i = 0; i < depth; i++)
        {
            byte[] header = length < 56 ? [(byte)(0xc0 + length)]
                : length < 0x100 ? [0xf8, (byte)length]
                : length < 0x10000 ? [0xf9, (byte)(length >> 8), (byte)length]
                : length < 0x1000000 ? [0xfa, (byte)(length >> 16), (byte)(length >> 8), (byte)length]
                : throw new ArgumentOutOfRangeException(nameof(depth));
            headers.Push(header);
            length += header.Length;
        }
        return [.. headers.SelectMany(header => header)];
    }

    private static byte[] ListOf(int count, byte item)
    {
        var writer = new RlpWriter(count + 8);
        int list = writer.BeginList();
        for (int i = 0; i < count; i++)
            writer.WriteRaw([item]);
        writer.EndList(list);
        return writer.ToArray();
    }

    private static async Task<long> ReadToEndAsync(NetworkStream stream)
    {
        var buffer = new byte[4096];
        long total = 0;
        try
        {
            while (await stream.ReadAsync(buffer, RawPeer.Limit) is > 0 and var count)
                total += count;
        }
        catch (IOException)
        {
            // Reset is as good as closed.
        }
        return total;
    }

    private static async Task AssertAnswers(TestNode node, RawPeer peer)
    {
        node.Headers.Add(TestNode.RlpList(600, 1));
        await peer.SendAsync(RawPeer.EthOffset + EthCode.GetBlockHeaders, EthMessages.EncodeGetHeaders(new(null, 0, 1, 0, false)));
        var reply = await peer.ReadAsync();
        Assert.Equal(RawPeer.EthOffset + EthCode.BlockHeaders, reply.Code);
        Assert.Equal(node.Headers.Take(1), EthMessages.DecodeReply(reply.Payload.Span, 1));
    }

    private static async Task AssertServes(TestNode node)
    {
        using var peer = await RawPeer.ReadyAsync(node);
        await AssertAnswers(node, peer);
    }
}
