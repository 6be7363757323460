using System.Net;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Tests;

public class ConfiguredPeerTests
{
    [Fact]
    public async Task A_peer_that_cannot_be_reached_says_so()
    {
        await using var node = new TestNode();
        node.Server.AddStaticPeer(new Enode(NodeKey.Generate().NodeId, "127.0.0.1", 1));
        await TestNode.Until(() => Obstacle(node)?.Contains("cannot be reached at 127.0.0.1:1", StringComparison.Ordinal) == true, "told");
    }

    [Fact]
    public async Task A_peer_of_another_chain_says_so_at_the_one_that_checks()
    {
        await using var node = new TestNode();
        await using var other = new TestNode(genesis: Primitives.Keccak.Hash([9]));
        node.Server.AddStaticPeer(other.Server.Self);
        await TestNode.Until(() => Obstacle(node) is { } why
            && (why.Contains("genesis", StringComparison.Ordinal) || why.Contains("disconnected", StringComparison.Ordinal)), "told");
    }

    [Fact]
    public async Task Why_a_connection_ended_is_kept_and_a_connected_peer_has_no_obstacle()
    {
        await using var node = new TestNode();
        var other = new TestNode();
        await TestNode.Connect(node, other);
        Assert.True(node.Server.ConfiguredPeers.Single() is { IsConnected: true, Obstacle: null });
        await other.DisposeAsync();
        await TestNode.Until(() => Obstacle(node) is not null, "told");
    }

    [Fact]
    public async Task A_banned_and_a_forbidden_peer_say_so_and_adding_it_again_ends_the_ban()
    {
        await using var node = new TestNode();
        await using var other = new TestNode();
        node.Server.AddStaticPeer(other.Server.Self);
        node.Server.BanPeer(other.Id, "it lies", TimeSpan.FromHours(1));
        await TestNode.Until(() => Obstacle(node)?.Contains("it lies", StringComparison.Ordinal) == true, "told of the ban");
        node.Server.SetAllowed(_ => false);
        Assert.Contains("do not let it in", Obstacle(node)!, StringComparison.Ordinal);
        node.Server.SetAllowed(null);
        node.Server.AddStaticPeer(other.Server.Self);
        await TestNode.Until(() => node.HasPeer(other.Id), "connected");
    }

    [Fact]
    public async Task A_trusted_peer_gets_in_beyond_the_bound()
    {
        await using var node = new TestNode(maxPeers: 1);
        await using var first = new TestNode();
        await TestNode.Connect(first, node);
        await using var second = new TestNode();
        second.Server.AddStaticPeer(node.Server.Self);
        const string full = nameof(DisconnectReason.TooManyPeers);
        await TestNode.Until(() => Obstacle(second)?.Contains(full, StringComparison.Ordinal) == true, "full");
        node.Server.AddTrustedPeer("0x" + second.Id.ToUpperInvariant());
        await TestNode.Until(() => node.HasPeer(second.Id), "in");
        Assert.True(node.Server.Peers.Single(peer => peer.NodeId == second.Id).Trusted);
        node.Server.RemoveTrustedPeer(second.Id);
        Assert.False(node.Server.Peers.Single(peer => peer.NodeId == second.Id).Trusted);
    }

    [Fact]
    public async Task Nobody_beyond_the_networks_is_dialled_or_let_in()
    {
        await using var node = new TestNode(netRestrict: [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")]);
        await using var other = new TestNode();
        node.Server.AddStaticPeer(other.Server.Self);
        await TestNode.Until(() => Obstacle(node)?.Contains("--netrestrict", StringComparison.Ordinal) == true, "told");
        other.Server.AddStaticPeer(node.Server.Self);
        await TestNode.Until(() => Obstacle(other) is { } why && why != "being dialled", "closed");
        Assert.Empty(node.Server.Peers);

        await using var within = new TestNode(netRestrict: IPNetwork.Parse("127.0.0.0/8"));
        within.Server.AddStaticPeer(other.Server.Self);
        await TestNode.Until(() => within.HasPeer(other.Id), "connected");
    }

    /// <summary>Names come with a Raft port, as in GoQuorum; each dial resolves the name.</summary>
    [Fact]
    public async Task A_peer_with_a_host_name_is_found_and_found_again_after_its_restart()
    {
        using var key = NodeKey.Generate();
        await using var node = new TestNode();
        var other = new TestNode(key);
        var port = other.Server.Self.Port;
        node.Server.AddStaticPeer(new Enode(key.NodeId, "localhost", port, raftPort: 50401));
        await TestNode.Until(() => node.HasPeer(key.NodeId), "connected");
        await other.DisposeAsync();
        await TestNode.Until(() => Obstacle(node) is not null, "gone");
        await using var again = new TestNode(key, port: port);
        await TestNode.Until(() => node.HasPeer(key.NodeId), "connected again");
    }

    private static string? Obstacle(TestNode node) => node.Server.ConfiguredPeers.Single().Obstacle;
}
