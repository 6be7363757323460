using System.Net;
using QuorumMesh.Node.Network.Discovery;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Discovery;

/// <summary>Nodes of discovery in one place, with packets carried by hand and time that goes when it is told to.</summary>
public sealed class DiscoveryCoreTests : IDisposable
{
    private const ulong Unix = 1_700_000_000;

    private readonly List<NodeKey> _keys = [];
    private readonly Dictionary<IPEndPoint, DiscoveryCore> _cores = [];
    private TimeSpan _now;

    public void Dispose() => _keys.ForEach(key => key.Dispose());

    [Fact]
    public void Nodes_that_know_one_in_common_find_each_other()
    {
        var first = Add("10.0.0.1");
        var others = Enumerable.Range(2, 16).Select(i => Add($"10.0.0.{i}", first)).ToList();
        for (var step = 0; step < 60; step++) Step();
        Assert.All(others, core => Assert.Equal(16, core.Nodes.Count));
        Assert.All(_cores.Values, core => Assert.True(core.Nodes.Count <= 17 * NodeTable.BucketSize));
    }

    [Fact]
    public void Who_has_not_shown_its_address_is_told_nothing()
    {
        var first = Add("10.0.0.1");
        Add("10.0.0.2", first);
        for (var step = 0; step < 20; step++) Step();
        using var stranger = NodeKey.Generate();
        var (at, victim) = (End("10.0.0.1"), End("10.0.0.99"));
        Receive(at, victim, stranger, new DiscoveryMessage.FindNode(stranger.PublicKey));
        Assert.Empty(Out(at));

        // A ping in a victim's name: one pong and one ping go there.
        Receive(at, victim, stranger, new DiscoveryMessage.Ping(victim, 1, at));
        var answers = Out(at);
        Assert.Equal(2, answers.Count);
        var pinged = answers.Select(a => DiscoveryPacket.Decode(a.Packet)).Single(p => p.Message is DiscoveryMessage.Ping);
        Receive(at, victim, stranger, new DiscoveryMessage.FindNode(stranger.PublicKey));
        Assert.Empty(Out(at));

        // A pong from elsewhere, or to another ping, shows nothing.
        Receive(at, End("10.0.0.98"), stranger, new DiscoveryMessage.Pong(at, pinged.Hash));
        Receive(at, victim, stranger, new DiscoveryMessage.Pong(at, Keccak.Hash([1])));
        Receive(at, victim, stranger, new DiscoveryMessage.FindNode(stranger.PublicKey));
        Assert.Empty(Out(at));

        Receive(at, victim, stranger, new DiscoveryMessage.Pong(at, pinged.Hash));
        Receive(at, victim, stranger, new DiscoveryMessage.FindNode(stranger.PublicKey));
        Assert.IsType<DiscoveryMessage.Neighbours>(DiscoveryPacket.Decode(Out(at).Single().Packet).Message);
    }

    [Fact]
    public void Old_packets_and_neighbours_that_nobody_asked_for_change_nothing()
    {
        var core = Add("10.0.0.1");
        using var stranger = NodeKey.Generate();
        var (at, from) = (End("10.0.0.1"), End("10.0.0.2"));
        Receive(at, from, stranger, new DiscoveryMessage.Ping(from, 1, at), expiration: Unix - 1);
        Receive(at, from, stranger, new DiscoveryMessage.Neighbours([new FoundNode(stranger.PublicKey, from, 1)]));
        Assert.Empty(Out(at));
        Assert.Empty(core.Nodes);
    }

    [Fact]
    public void A_node_that_is_silent_is_dropped()
    {
        var first = Add("10.0.0.1");
        var second = Add("10.0.0.2", first);
        for (var step = 0; step < 20; step++) Step();
        Assert.Single(second.Nodes);
        _cores.Remove(End("10.0.0.1"));
        for (var step = 0; step < 200 && second.Nodes.Count > 0; step++) Step();
        Assert.Empty(second.Nodes);
    }

    [Fact]
    public void A_ping_that_is_replayed_from_elsewhere_evicts_nobody_and_is_not_in_the_way_of_checks()
    {
        var first = Add("10.0.0.1");
        Add("10.0.0.2", first);
        for (var step = 0; step < 20; step++) Step();
        var honest = _keys[1];
        for (var step = 0; step < 200; step++)
        {
            Step();
            Receive(End("10.0.0.1"), End($"10.0.1.{step % 4}"), honest, new DiscoveryMessage.Ping(End("10.0.0.2"), 30303, End("10.0.0.1")));
            Assert.Equal(End("10.0.0.2"), Assert.Single(first.Nodes).Udp);
        }
        _cores.Remove(End("10.0.0.2"));
        for (var step = 0; step < 200 && first.Nodes.Count > 0; step++)
        {
            Step();
            Receive(End("10.0.0.1"), End("10.0.1.1"), honest, new DiscoveryMessage.Ping(End("10.0.0.2"), 30303, End("10.0.0.1")));
        }
        Assert.Empty(first.Nodes); // its own silence still counts
    }

    [Fact]
    public void Strangers_pings_leave_half_of_the_places_to_own_ones()
    {
        var (first, at) = (Add("10.0.0.1"), End("10.0.0.1"));
        using var stranger = NodeKey.Generate();
        for (var i = 0; i < 300; i++)
        {
            var from = End($"10.1.{i / 200}.{i % 200}");
            Receive(at, from, stranger, new DiscoveryMessage.Ping(from, 1, at));
        }
        Assert.Equal(300 + 128, Out(at).Count);
        var noise = DiscoveryPacket.Encode(new DiscoveryMessage.FindNode(stranger.PublicKey), stranger).Packet;
        Assert.True(DiscoveryPacket.HasRightHash(noise));
        noise[^1] ^= 1;
        Assert.False(DiscoveryPacket.HasRightHash(noise));
        Assert.False(DiscoveryPacket.HasRightHash([]));
        Assert.Empty(first.Nodes);
    }

    [Fact]
    public void Nobody_beyond_the_network_is_answered()
    {
        var at = End("10.0.0.1");
        var key = NewKey();
        _cores[at] = new DiscoveryCore(key, at, at.Port, [], address => !address.Equals(IPAddress.Parse("10.0.0.2")));
        using var stranger = NodeKey.Generate();
        Receive(at, End("10.0.0.2"), stranger, new DiscoveryMessage.Ping(at, 1, at));
        Assert.Empty(Out(at));
        Receive(at, End("10.0.0.3"), stranger, new DiscoveryMessage.Ping(at, 1, at));
        Assert.Equal(2, Out(at).Count);
    }

    private DiscoveryCore Add(string address, params DiscoveryCore[] knows)
    {
        var (key, at) = (NewKey(), End(address));
        var seeds = knows.Select(core => (core, EndPoint: _cores.Single(c => c.Value == core).Key))
            .Select(known => new FoundNode(_keys.Single(k => Keccak.Hash(k.PublicKey) == known.core.Id).PublicKey, known.EndPoint, 30303));
        return _cores[at] = new DiscoveryCore(key, at, at.Port, seeds.ToList(), static _ => true);
    }

    private NodeKey NewKey()
    {
        var key = NodeKey.Generate();
        _keys.Add(key);
        return key;
    }

    /// <summary>Half a second, and all packets that it brings with it.</summary>
    private void Step()
    {
        _now += TimeSpan.FromMilliseconds(500);
        var time = new DiscoveryTime(_now, Unix);
        foreach (var core in _cores.Values) core.Tick(time, [.. core.Id.ToArray(), .. core.Id.ToArray()]);
        for (var any = true; any;)
        {
            any = false;
            foreach (var (from, core) in _cores)
            {
                foreach (var sent in core.TakeOutgoing())
                {
                    any = true;
                    if (_cores.TryGetValue(sent.To, out var to)) to.Receive(from, sent.Packet, time);
                }
            }
        }
    }

    private void Receive(IPEndPoint at, IPEndPoint from, NodeKey key, DiscoveryMessage message, ulong expiration = Unix + 20)
    {
        var packet = DiscoveryPacket.Encode(message with { Expiration = expiration }, key).Packet;
        _cores[at].Receive(from, packet, new DiscoveryTime(_now, Unix));
    }

    private List<Datagram> Out(IPEndPoint at) => _cores[at].TakeOutgoing();

    private static IPEndPoint End(string address) => new(IPAddress.Parse(address), 30303);
}
