using System.Net;
using System.Security.Cryptography;
using QuorumMesh.Node.Network.Discovery;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Discovery;

/// <summary>What is kept is bounded, by bucket and by subnet, and the nearest are found.</summary>
public class NodeTableTests
{
    private readonly Hash256 _self = Keccak.Hash([1]);

    [Fact]
    public void A_bucket_takes_sixteen_and_those_that_wait_come_up()
    {
        var table = new NodeTable(_self);
        var far = Nodes("10.0.0").Where(node => FoundNode.Distance(_self, node.Id) == 256).Take(40).ToList();
        var taken = far.Where(table.Add).ToList();
        Assert.Equal(far.Take(16), taken);
        table.Remove(far[3].Id);
        Assert.Equal(16, table.Count);
        Assert.NotNull(table.Find(far[39].Id)); // the one that was heard of last
        for (var i = 0; i < 16; i++) table.Remove(table.Nodes.First().Id);
        Assert.Equal(10 - 1, table.Count); // ten waited
    }

    [Fact]
    public void A_subnet_gets_two_places_in_a_bucket_and_ten_in_the_table()
    {
        var table = new NodeTable(_self);
        foreach (var node in Nodes("52.1.1").Take(4_000)) table.Add(node);
        Assert.True(table.Count <= 10);
        Assert.All(table.Nodes.GroupBy(node => FoundNode.Distance(_self, node.Id)), bucket => Assert.True(bucket.Count() <= 2));
        var before = table.Count;
        Assert.True(table.Add(Nodes("52.1.2").ElementAt(5_000)));
        Assert.Equal(before + 1, table.Count);
    }

    [Fact]
    public void A_thousand_nodes_of_a_private_network_stay_within_the_buckets()
    {
        var table = new NodeTable(_self);
        foreach (var node in Nodes("192.168.7").Take(3_000)) table.Add(node);
        Assert.InRange(table.Count, 100, 17 * NodeTable.BucketSize);
        var target = Keccak.Hash([9]);
        var nearest = table.Nearest(target, 16);
        Assert.Equal(table.Nodes.OrderBy(node => Xor(node.Id, target)).Take(16), nearest);
    }

    [Fact]
    public void A_node_that_moves_is_known_at_its_new_address_and_itself_never()
    {
        var table = new NodeTable(_self);
        var node = Nodes("52.1.1").First();
        Assert.True(table.Add(node));
        var moved = new FoundNode(node.PublicKey, new IPEndPoint(IPAddress.Parse("52.9.9.9"), 5), 6);
        Assert.True(table.Add(moved));
        Assert.Equal(moved.Udp, table.Find(node.Id)!.Udp);
        Assert.Equal(1, table.Count);
        Assert.False(new NodeTable(node.Id).Add(node));
    }

    [Theory]
    [InlineData("8.8.8.8", "10.0.0.1", false)]
    [InlineData("8.8.8.8", "127.0.0.1", false)]
    [InlineData("10.0.0.2", "127.0.0.1", false)]
    [InlineData("10.0.0.2", "10.0.0.1", true)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("10.0.0.2", "8.8.8.8", true)]
    [InlineData("8.8.8.8", "224.0.0.1", false)]
    [InlineData("8.8.8.8", "0.0.0.0", false)]
    public void Nobody_outside_tells_of_private_addresses(string sender, string told, bool expected) =>
        Assert.Equal(expected, AddressRules.MayTell(IPAddress.Parse(sender), IPAddress.Parse(told)));

    [Fact]
    public void Packets_are_bounded_by_address_and_in_all()
    {
        var rate = new PacketRate(fromOne: 3, inAll: 5);
        var (one, second) = (IPAddress.Parse("10.0.0.1"), TimeSpan.FromSeconds(1));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => rate.Takes(one, second)));
        Assert.Equal(2, Enumerable.Range(2, 10).Count(i => rate.Takes(IPAddress.Parse($"10.0.0.{i}"), second)));
        Assert.True(rate.Takes(one, second * 2));
    }

    private static IEnumerable<FoundNode> Nodes(string subnet)
    {
        for (var i = 0; ; i++)
        {
            var at = new IPEndPoint(IPAddress.Parse($"{subnet}.{i % 250}"), 30303);
            yield return new FoundNode(SHA512.HashData(BitConverter.GetBytes(i)), at, 30303);
        }
    }

    private static UInt256 Xor(in Hash256 a, Hash256 b) =>
        UInt256.FromBigEndian(a.ToArray().Zip(b.ToArray(), (x, y) => (byte)(x ^ y)).ToArray());
}
