using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

public class BlockGossipTests
{
    private static readonly byte[] Block = TestNode.RlpList(2_000, seed: 1);
    private static readonly Hash256 Hash = Keccak.Hash(Block);
    private static readonly IReadOnlyList<SubProtocol> Modern = SubProtocol.OfEngine(EngineKind.Raft);

    [Fact]
    public async Task A_new_block_goes_whole_to_four_of_six_peers_and_by_hash_to_the_others()
    {
        await using var node = new TestNode(protocols: Modern);
        var peers = Enumerable.Range(0, 6).Select(_ => new TestNode(protocols: Modern)).ToList();
        foreach (var peer in peers)
            await TestNode.Connect(peer, node);
        node.Server.BroadcastBlock(Hash, 7, Block, 99);
        await TestNode.Until(() => peers.All(peer => !peer.Blocks.IsEmpty), "all are told");
        Assert.All(peers, peer => Assert.Equal(Hash, peer.Blocks.Single().Hash));
        Assert.Equal(4, peers.Count(peer => peer.Blocks.Single().Whole));
        foreach (var peer in peers)
            await peer.DisposeAsync();
    }

    [Fact]
    public async Task A_new_block_goes_by_hash_to_those_who_are_known_to_have_it()
    {
        var protocols = SubProtocol.OfEngine(EngineKind.Ibft);
        await using var node = new TestNode(protocols: protocols);
        await using var voter = new TestNode(protocols: protocols);
        await using var follower = new TestNode(protocols: protocols);
        foreach (var peer in new[] { voter, follower })
            await TestNode.Connect(peer, node);
        node.Server.BroadcastBlock(Hash, 7, Block, 99, new HashSet<Address> { Secp256k1.AddressOf(Convert.FromHexString(voter.Id)) });
        await TestNode.Until(() => !voter.Blocks.IsEmpty && !follower.Blocks.IsEmpty, "both are told");
        Assert.Equal((node.Id, Hash, false), voter.Blocks.Single());
        Assert.Equal((node.Id, Hash, true), follower.Blocks.Single());
    }

    [Fact]
    public async Task A_peer_is_not_told_of_a_block_that_it_sent_and_its_head_is_kept()
    {
        await using var a = new TestNode(protocols: Modern);
        await using var b = new TestNode(protocols: Modern);
        await TestNode.Connect(a, b);
        a.Server.BroadcastBlock(Hash, 7, Block, 99);
        await TestNode.Until(() => b.Blocks.Count == 1, "told");
        await TestNode.Until(() => b.Server.Peers.Single() is var peer && peer.Head == Hash && peer.TotalDifficulty == 99, "head");
        b.Server.BroadcastBlock(Hash, 7, Block, 99);
        a.Server.BroadcastBlock(Hash, 7, Block, 99);
        var other = TestNode.RlpList(10, seed: 2);
        b.Server.BroadcastBlock(Keccak.Hash(other), 8, other, 100);
        await TestNode.Until(() => !a.Blocks.IsEmpty, "told of the other");
        Assert.Equal(Keccak.Hash(other), a.Blocks.Single().Hash);
        Assert.Single(b.Blocks);
    }

    [Fact]
    public async Task Eth_66_requests_find_their_replies_by_id()
    {
        await using var a = new TestNode(protocols: Modern);
        await using var b = new TestNode(protocols: Modern);
        await TestNode.Connect(a, b);
        Assert.Equal(66, a.Server.Peers.Single().EthVersion);
        for (int i = 0; i < 5; i++)
            b.Headers.Add(TestNode.RlpList(i, i));
        b.Bodies[Hash] = TestNode.RlpList(9, 9);
        var first = a.Server.RequestHeadersAsync(b.Id, 0, 2, RawPeer.Limit);
        var second = a.Server.RequestHeadersAsync(b.Id, 3, 1, RawPeer.Limit);
        Assert.Equal(b.Headers.Take(2), await first);
        Assert.Equal(b.Headers.Skip(3).Take(1), await second);
        Assert.Equal(b.Bodies.Values, await a.Server.RequestBodiesAsync(b.Id, [Hash], RawPeer.Limit));
    }

    [Fact]
    public async Task Eth_66_replies_may_come_in_any_order_and_unknown_ids_are_passed_over()
    {
        await using var node = new TestNode(protocols: Modern);
        using var peer = await ModernPeerAsync(node, 66);
        var first = node.Server.RequestHeadersAsync(peer.Key.NodeId, 1, 1, RawPeer.Limit);
        var second = node.Server.RequestHeadersAsync(peer.Key.NodeId, 2, 1, RawPeer.Limit);
        ulong firstId = EthMessages.WithoutId((await ReadEthAsync(peer, EthCode.GetBlockHeaders))).Id;
        ulong secondId = EthMessages.WithoutId((await ReadEthAsync(peer, EthCode.GetBlockHeaders))).Id;
        byte[] one = [0xc1, 0x01], two = [0xc1, 0x02];
        foreach (var (id, header) in new[] { (77ul, one), (secondId, two), (firstId, one) })
            await peer.SendAsync(RawPeer.EthOffset + EthCode.BlockHeaders, EthMessages.WithId(id, EthMessages.EncodeReply([header], 1)));
        Assert.Equal([two], await second);
        Assert.Equal([one], await first);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(66)]
    public async Task Announced_transactions_are_asked_for_unless_seen(int version)
    {
        await using var node = new TestNode(protocols: Modern);
        byte[] transaction = TestNode.RlpList(50, seed: 3);
        var (unseen, seen) = (Keccak.Hash(transaction), Keccak.Hash([1]));
        node.Seen.Add(seen);
        using var peer = await ModernPeerAsync(node, version);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.NewPooledTransactionHashes, EthMessages.EncodeHashes([seen, unseen]));
        ReadOnlyMemory<byte> asked = await ReadEthAsync(peer, EthCode.GetPooledTransactions);
        if (version == 66)
            asked = EthMessages.WithoutId(asked).Message;
        Assert.Equal([unseen], EthMessages.DecodeHashes(asked.Span, 10));
        byte[] answer = EthMessages.EncodeTransactions([transaction]);
        await peer.SendAsync(RawPeer.EthOffset + EthCode.PooledTransactions, version == 66 ? EthMessages.WithId(0, answer) : answer);
        await TestNode.Until(() => node.Transactions.Count == 1, "transaction");
        Assert.Equal(transaction, node.Transactions.Single().ToArray());
    }

    [Fact]
    public async Task A_banned_node_is_closed_with_the_reason_and_gets_in_again_when_its_time_is_over()
    {
        await using var node = new TestNode();
        using var peer = await RawPeer.ReadyAsync(node);
        node.Server.BanPeer(peer.Key.NodeId, "it lies", TimeSpan.FromMinutes(10));
        Assert.Equal(DisconnectReason.UselessPeer, await peer.DisconnectReasonAsync());
        using var again = await RawPeer.EncryptAsync(node.Server.Self, key: peer.Key);
        Assert.Null(await again.DisconnectReasonAsync());
        node.Server.BanPeer(peer.Key.NodeId, "it lies", TimeSpan.Zero);
        using var late = await RawPeer.EncryptAsync(node.Server.Self, key: peer.Key);
        await late.SendAsync(BaseMessages.Hello, BaseMessages.EncodeHello(late.Hello(5, [new Capability("eth", 63)])));
        Assert.Equal(BaseMessages.Hello, (await late.ReadAsync()).Code);
    }

    [Fact]
    public async Task A_banned_static_peer_is_not_dialled_again()
    {
        await using var node = new TestNode();
        await using var other = new TestNode();
        await TestNode.Connect(node, other);
        node.Server.BanPeer(other.Id, "it lies", TimeSpan.FromMinutes(10));
        await TestNode.Until(() => !node.HasPeer(other.Id) && !other.HasPeer(node.Id), "gone");
        await using var third = new TestNode();
        await TestNode.Connect(node, third);
        await Task.Delay(1_000);
        Assert.False(node.HasPeer(other.Id));
    }

    [Fact]
    public void Bans_are_bounded_and_end()
    {
        var bans = new PeerBans(TimeProvider.System, capacity: 2);
        bans.Add("a", "x", TimeSpan.FromHours(1));
        bans.Add("b", "x", TimeSpan.FromHours(3));
        bans.Add("c", "y", TimeSpan.FromHours(2));
        Assert.Null(bans.Find("a"));
        Assert.Equal("y", bans.Find("c")!.Value.Reason);
        bans.Add("b", "x", TimeSpan.Zero);
        Assert.Null(bans.Find("b"));
        bans.Remove("c");
        Assert.Null(bans.Find("c"));
    }

    private static async Task<RawPeer> ModernPeerAsync(TestNode node, int version)
    {
        var peer = await RawPeer.HelloAsync(node.Server.Self, capabilities: new Capability("eth", version));
        await peer.SendAsync(RawPeer.EthOffset, RawPeer.StatusPayload(version, fork: ForkId.At(TestNode.Genesis, [5, 9], 0)));
        Assert.Equal(RawPeer.EthOffset, (await peer.ReadAsync()).Code);
        await TestNode.Until(() => node.HasPeer(peer.Key.NodeId), "connected");
        return peer;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadEthAsync(RawPeer peer, int code)
    {
        while (true)
        {
            var message = await peer.ReadAsync();
            if (message.Code == RawPeer.EthOffset + code)
                return message.Payload.ToArray();
        }
    }
}
