using System.Collections.Concurrent;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Istanbul;

public class IstanbulProtocolTests
{
    private const int Ibft = 0x11;
    private const int QbftPrepare = 0x13;

    private static readonly IReadOnlyList<SubProtocol> All = SubProtocol.OfEngine(EngineKind.Ibft);
    private static readonly byte[] Message = TestNode.RlpList(100, seed: 1);

    [Theory]
    [InlineData("istanbul/64", 16, 64, false)]
    [InlineData("istanbul/99 istanbul/64", 16, 99, true)]
    [InlineData("eth/63 istanbul/64", 33, 64, false)]
    [InlineData("eth/63 eth/64 istanbul/99", 33, 99, true)]
    [InlineData("eth/64 istanbul/64 istanbul/99 istanbul/100", 16, 64, true)]
    public async Task Status_goes_over_the_protocol_that_carries_the_chain(string offered, int offset, int version, bool hasForkId)
    {
        await using var node = new TestNode(protocols: All);
        using var peer = await HelloAsync(node, offered);
        var status = await peer.ReadAsync();
        Assert.Equal(offset, status.Code);
        var decoded = EthStatus.Decode(status.Payload.Span, hasForkId);
        Assert.Equal(version, decoded.ProtocolVersion);
    }

    [Fact]
    public async Task A_peer_with_istanbul_100_and_no_eth_is_of_no_use()
    {
        await using var node = new TestNode(protocols: All);
        using var peer = await HelloAsync(node, "istanbul/100");
        Assert.Equal(DisconnectReason.UselessPeer, await peer.DisconnectReasonAsync());
    }

    [Fact]
    public async Task A_raft_node_offers_no_istanbul()
    {
        await using var node = new TestNode(protocols: SubProtocol.OfEngine(EngineKind.Raft));
        using var peer = await HelloAsync(node, "istanbul/64");
        Assert.Equal(DisconnectReason.UselessPeer, await peer.DisconnectReasonAsync());
    }

    [Theory]
    [InlineData("istanbul/64", 16)]
    [InlineData("eth/64 istanbul/100", 33)]
    public async Task An_ibft_message_goes_as_a_byte_string_under_code_0x11(string offered, int offset)
    {
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        using var peer = await ReadyAsync(node, offered);
        node.Server.SendIstanbul(Ibft, Message, [Address(peer)]);
        var sent = await ReadCodeAsync(peer, offset + Ibft);
        var wrapped = RlpString(Message);
        Assert.Equal(wrapped, sent);

        await peer.SendAsync(offset + Ibft, RlpString(TestNode.RlpList(5, seed: 2)));
        await TestNode.Until(() => !heard.Messages.IsEmpty, "heard");
        Assert.True(heard.Messages.TryDequeue(out var message));
        Assert.Equal((Ibft, Address(peer), peer.Key.NodeId), (message.Code, message.From.Address, message.From.NodeId));
        Assert.Equal(TestNode.RlpList(5, seed: 2), message.Payload.ToArray());
    }

    [Fact]
    public async Task A_qbft_message_goes_bare_under_its_own_code_and_only_over_istanbul_100()
    {
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        using var modern = await ReadyAsync(node, "eth/64 istanbul/100");
        using var old = await ReadyAsync(node, "istanbul/99");
        node.Server.SendIstanbul(QbftPrepare, Message, [Address(modern), Address(old)]);
        Assert.Equal(Message, await ReadCodeAsync(modern, 33 + QbftPrepare));
        node.Server.SendIstanbul(Ibft, Message, [Address(old)]);
        Assert.Equal(RlpString(Message), await ReadCodeAsync(old, 16 + Ibft));

        await modern.SendAsync(33 + QbftPrepare, Message);
        await TestNode.Until(() => !heard.Messages.IsEmpty, "heard");
        Assert.Equal(QbftPrepare, heard.Messages.Single().Code);
    }

    [Fact]
    public async Task Nobody_gets_the_same_message_twice_unless_it_is_sent_again_on_purpose()
    {
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        using var peer = await ReadyAsync(node, "istanbul/64");
        await peer.SendAsync(16 + Ibft, RlpString(Message));
        await TestNode.Until(() => !heard.Messages.IsEmpty, "heard");
        node.Server.SendIstanbul(Ibft, Message, [Address(peer)]);
        var second = TestNode.RlpList(7, seed: 3);
        node.Server.SendIstanbul(Ibft, second, [Address(peer)]);
        node.Server.SendIstanbul(Ibft, second, [Address(peer)]);
        node.Server.SendIstanbul(Ibft, Message, [Address(peer)], resend: true);
        Assert.Equal(RlpString(second), await ReadCodeAsync(peer, 16 + Ibft));
        Assert.Equal(RlpString(Message), await ReadCodeAsync(peer, 16 + Ibft));
    }

    [Fact]
    public async Task The_handler_is_told_when_peers_come_and_go()
    {
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        var peer = await ReadyAsync(node, "istanbul/99");
        await TestNode.Until(() => heard.Changes == 1, "told of the peer");
        Assert.Equal([new IstanbulPeer(peer.Key.NodeId, Address(peer), 99)], node.Server.IstanbulPeers);
        Assert.Equal("istanbul", node.Server.Peers.Single().Protocol);
        peer.Dispose();
        await TestNode.Until(() => heard.Changes == 2, "gone");
        Assert.Empty(node.Server.IstanbulPeers);
    }

    [Fact]
    public async Task A_peer_that_floods_loses_its_own_messages_and_no_other_ones()
    {
        const int flood = 3_000;
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        using var loud = await ReadyAsync(node, "istanbul/64");
        using var honest = await ReadyAsync(node, "istanbul/64");
        for (int i = 0; i < flood; i++)
            loud.Connection.Write(16 + Ibft, RlpString(TestNode.RlpList(4, seed: i)));
        await loud.SendAsync(BaseMessages.Ping, BaseMessages.EmptyList.ToArray());
        await ReadCodeAsync(loud, BaseMessages.Pong);
        int taken = heard.Messages.Count;
        Assert.InRange(taken, 1, flood - 1);

        await honest.SendAsync(16 + Ibft, RlpString(Message));
        await TestNode.Until(() => heard.Messages.Any(m => m.From.NodeId == honest.Key.NodeId), "the honest one is heard");

        foreach (var message in heard.Messages)
            message.Release();
        await loud.SendAsync(16 + Ibft, RlpString(Message));
        await TestNode.Until(() => heard.Messages.Count == taken + 2, "heard again once there is room");
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0xc0 })]
    [InlineData(new byte[] { 0x82, 0xc0, 0xc0 })]
    [InlineData(new byte[] { 0x05 })]
    [InlineData(new byte[] { 0xff, 0xff })]
    public async Task A_message_that_is_not_one_rlp_item_ends_the_connection(byte[] payload)
    {
        await using var node = new TestNode(protocols: All);
        var heard = new Listener(node.Server);
        using var peer = await ReadyAsync(node, "istanbul/64");
        await peer.SendAsync(16 + Ibft, payload);
        Assert.Equal(DisconnectReason.SubprotocolError, await peer.DisconnectReasonAsync());
        Assert.Empty(heard.Messages);
    }

    [Fact]
    public async Task Two_nodes_of_ours_speak_eth_and_istanbul_100()
    {
        await using var a = new TestNode(protocols: All);
        await using var b = new TestNode(protocols: All);
        var heard = new Listener(b.Server);
        await TestNode.Connect(a, b);
        Assert.Equal(100, a.Server.IstanbulPeers.Single().Version);
        a.Server.SendIstanbul(QbftPrepare, Message, [b.Key.Address, a.Key.Address]);
        await TestNode.Until(() => heard.Messages.Any(m => m.From.Address == a.Key.Address), "heard");
    }

    [Theory]
    [InlineData(Ibft, "istanbul/64", 16)]
    [InlineData(QbftPrepare, "eth/64 istanbul/100", 33)]
    public async Task What_is_longer_than_peers_take_is_dropped_and_does_no_harm(int code, string offered, int offset)
    {
        await using var node = new TestNode(protocols: All);
        using var peer = await ReadyAsync(node, offered);
        foreach (int length in new[] { (10 << 20) + 1, 16 << 20, 64 << 20 })
            node.Server.SendIstanbul(code, new byte[length], [Address(peer)]);
        node.Server.SendIstanbul(0, Message, [Address(peer)]);
        node.Server.SendIstanbul(code, Message, [Address(peer)]);
        Assert.Equal(code == Ibft ? RlpString(Message) : Message, await ReadCodeAsync(peer, offset + code));
    }

    [Theory]
    [InlineData(Ibft)]
    [InlineData(QbftPrepare)]
    public void Whatever_is_taken_from_a_peer_can_be_passed_on(int code)
    {
        for (int length = (10 << 20) - 12; length <= (10 << 20) + 8; length++)
        {
            var message = RlpList(length);
            var payload = code == Ibft ? RlpString(message) : message;
            bool taken = payload.Length <= 10 << 20;
            Assert.Equal(taken, IstanbulWire.TryWrap(code, message, out var wrapped));
            if (!taken)
                Assert.Throws<FormatException>(() => IstanbulWire.Unwrap(code, payload));
            else
            {
                Assert.True(payload.AsSpan().SequenceEqual(wrapped.Span));
                Assert.True(message.AsSpan().SequenceEqual(IstanbulWire.Unwrap(code, wrapped).Span));
            }
        }
    }

    private static Address Address(RawPeer peer) => peer.Key.Address;

    private static Task<RawPeer> HelloAsync(TestNode node, string offered) =>
        RawPeer.HelloAsync(node.Server.Self, capabilities: [.. offered.Split(' ').Select(Capability)]);

    private static Capability Capability(string text) => new(text.Split('/')[0], int.Parse(text.Split('/')[1]));

    private static async Task<RawPeer> ReadyAsync(TestNode node, string offered)
    {
        var peer = await HelloAsync(node, offered);
        var matched = CapabilityMatcher.Match(All, [.. offered.Split(' ').Select(Capability)]);
        var chain = matched.FirstOrDefault(m => m.Protocol is { CarriesChain: true, CarriesConsensus: true }) ?? matched[0];
        ForkId? fork = chain.Protocol.HasForkId ? ForkId.At(TestNode.Genesis, [5, 9], 0) : null;
        await peer.SendAsync(chain.Offset, RawPeer.StatusPayload(chain.Protocol.Version, fork: fork));
        Assert.Equal(chain.Offset, (await peer.ReadAsync()).Code);
        await TestNode.Until(() => node.Events.Contains("+" + peer.Key.NodeId) && node.HasPeer(peer.Key.NodeId), "connected");
        return peer;
    }

    private static async Task<byte[]> ReadCodeAsync(RawPeer peer, int code)
    {
        while (true)
        {
            var message = await peer.ReadAsync();
            if (message.Code == code)
                return message.Payload.ToArray();
        }
    }

    private static byte[] RlpString(byte[] content)
    {
        var writer = new RlpWriter();
        writer.Write(content);
        return writer.ToArray();
    }

    /// <summary>A list of that length, its header counted.</summary>
    private static byte[] RlpList(int length)
    {
        var bytes = new byte[length];
        int content = length - 4;
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (0xfa, (byte)(content >> 16), (byte)(content >> 8), (byte)content);
        return bytes;
    }

    private sealed class Listener : IIstanbulHandler
    {
        private int _changes;

        public Listener(IIstanbulNetwork network) => network.HearIstanbul(this);

        public ConcurrentQueue<IstanbulMessage> Messages { get; } = [];

        public int Changes => Volatile.Read(ref _changes);

        public void OnIstanbul(IstanbulMessage message) => Messages.Enqueue(message);

        public bool IsValidator(Address peer) => true;

        public void OnIstanbulPeersChanged() => Interlocked.Increment(ref _changes);
    }
}
