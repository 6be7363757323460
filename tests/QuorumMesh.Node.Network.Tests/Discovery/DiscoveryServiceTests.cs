using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Network.Discovery;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Tests.Discovery;

/// <summary>Discovery over UDP on loopback, beside peer servers.</summary>
public sealed class DiscoveryServiceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-discovery-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Nodes_that_know_a_bootnode_find_each_other_and_connect()
    {
        await using var first = NewNode();
        await using var second = NewNode();
        await using var third = NewNode();
        await using var bootnode = Start(first);
        await using var one = Start(second, first.Server.Self);
        await using var two = Start(third, first.Server.Self);
        await TestNode.Until(() => Knows(one, third) && Knows(two, second), "they know each other");
        await TestNode.Until(() => second.Server.Peers.Count == 2 && third.Server.Peers.Count == 2, "all are connected");
    }

    [Fact]
    public async Task Who_is_not_permitted_is_not_dialled_though_it_is_found()
    {
        await using var first = NewNode();
        await using var stranger = NewNode();
        first.Server.SetAllowed(id => id != stranger.Id);
        await using var one = Start(first);
        await using var two = Start(stranger, first.Server.Self);
        await TestNode.Until(() => Knows(one, stranger) && Knows(two, first), "they know each other");
        await Task.Delay(500); // several times the interval of dialling
        Assert.Empty(first.Server.Peers);
        Assert.Empty(stranger.Server.Peers);
    }

    [Fact]
    public async Task What_was_known_is_kept_over_a_restart()
    {
        var path = Path.Combine(_directory, "nodes.json");
        await using var first = NewNode();
        await using var second = NewNode();
        await using var one = Start(first);
        await using (var two = Start(second, path, first.Server.Self))
            await TestNode.Until(() => Knows(two, first), "known");
        Assert.Contains(first.Id, await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        await using (var again = Start(second, path))
            await TestNode.Until(() => Knows(again, first), "known again");
        await File.WriteAllTextAsync(path, "[\"enode://");
        Assert.Empty(new KnownNodesFile(path).Read());
    }

    [Fact]
    public async Task Packets_of_strangers_that_are_none_end_nothing()
    {
        await using var first = NewNode();
        await using var second = NewNode();
        await using var one = Start(first);
        using (var socket = new UdpClient())
        {
            var random = new Random(3);
            for (var i = 0; i < 500; i++)
            {
                var packet = new byte[random.Next(1, 2_000)];
                random.NextBytes(packet);
                await socket.SendAsync(packet, new IPEndPoint(IPAddress.Loopback, first.Server.Self.Port));
            }
        }
        await using var two = Start(second, first.Server.Self);
        await TestNode.Until(() => Knows(two, first), "found all the same");
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said()
    {
        await using var first = NewNode();
        using var taken = new UdpClient(new IPEndPoint(IPAddress.Loopback, first.Server.Self.Port));
        await using var service = new DiscoveryService(first.Server, new DiscoveryOptions(), NullLogger<DiscoveryService>.Instance);
        Assert.Contains("Choose another --port", Assert.Throws<IOException>(service.Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loop_that_fails_begins_again()
    {
        await using var first = NewNode();
        await using var second = NewNode();
        var clock = new FailingClock(failures: 3); // asking, dialling or receiving
        await using var one = Start(first);
        await using var two = new DiscoveryService(second.Server, new DiscoveryOptions { Bootnodes = [first.Server.Self] },
            NullLogger<DiscoveryService>.Instance, clock);
        two.Start();
        await TestNode.Until(() => Knows(two, first) && second.Server.Peers.Count == 1, "found and dialled all the same");
        Assert.True(clock.Asked > 4);
    }

    private static bool Knows(DiscoveryService service, TestNode node) => service.Found.Any(enode => enode.NodeId == node.Id);

    /// <summary>Whose number is free among UDP ports too.</summary>
    private static TestNode NewNode()
    {
        while (true)
        {
            var node = new TestNode();
            try
            {
                new UdpClient(new IPEndPoint(IPAddress.Loopback, node.Server.Self.Port)).Dispose();
                return node;
            }
            catch (SocketException)
            {
                // Another's: kept until the end of the process, so that the next one has another number.
            }
        }
    }

    private static DiscoveryService Start(TestNode node, params Enode[] bootnodes) => Start(node, null, bootnodes);

    private static DiscoveryService Start(TestNode node, string? path, params Enode[] bootnodes)
    {
        var options = new DiscoveryOptions { Bootnodes = bootnodes, StorePath = path, DialInterval = TimeSpan.FromMilliseconds(100) };
        var service = new DiscoveryService(node.Server, options, NullLogger<DiscoveryService>.Instance);
        service.Start();
        return service;
    }

    /// <summary>Tells its beginning, then fails for the first times.</summary>
    private sealed class FailingClock(int failures) : TimeProvider
    {
        private int _asked;

        public int Asked => _asked;

        public override long GetTimestamp()
        {
            var asked = Interlocked.Increment(ref _asked);
            return asked > 1 && asked <= failures + 1 ? throw new InvalidOperationException("no clock") : base.GetTimestamp();
        }
    }
}
