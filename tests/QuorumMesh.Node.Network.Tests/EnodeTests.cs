using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network.Tests;

public class EnodeTests
{
    // Node 1 of GoQuorum's 7nodes example.
    private const string Id =
        "ac6b1096ca56b9f6d004b779ae3728bf83f8e22453404cc3cef16a3d9b96608bc67c4b30db88e0a5a6c6390213f7acbe1153ff6d23ce57380104288ae19373ef";

    [Theory]
    [InlineData("127.0.0.1:21000", "127.0.0.1", 21000, 0)]
    [InlineData("127.0.0.1:21000?discport=0", "127.0.0.1", 21000, 0)]
    [InlineData("127.0.0.1:21000?discport=0&raftport=50401", "127.0.0.1", 21000, 50401)]
    [InlineData("127.0.0.1:21000?raftport=50401", "127.0.0.1", 21000, 50401)]
    [InlineData("[::1]:30303", "::1", 30303, 0)]
    [InlineData("node-1.example:30303?raftport=50401", "node-1.example", 30303, 50401)]
    public void Reads_and_writes_urls(string tail, string host, int port, int raftPort)
    {
        var url = $"enode://{Id}@{tail}";
        var enode = Enode.Parse(url);
        Assert.Equal((Id, host, port, raftPort), (enode.NodeId, enode.Host, enode.Port, enode.RaftPort));
        Assert.Equal(url, enode.ToString());
        Assert.Equal(enode, Enode.Parse(enode.ToString()));
    }

    [Fact]
    public void Node_id_hash_is_that_of_the_7nodes_example() =>
        Assert.Equal("0x7577115fd9184a27da527128d8dba507e85f116b1f7e231ca8525fc9008a6966",
            Enode.Parse($"enode://{Id}@127.0.0.1:21000").Id.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("http://example")]
    [InlineData("enode://abcd@127.0.0.1:1")]
    [InlineData("enode://" + Id)]
    [InlineData("enode://" + Id + "@127.0.0.1")]
    [InlineData("enode://" + Id + "@127.0.0.1:70000")]
    [InlineData("enode://" + Id + "@127.0.0.1:-1")]
    [InlineData("enode://" + Id + "@127.0.0.1:1?raftport=x")]
    [InlineData("enode://" + Id + "@node-1.example:30303")]
    [InlineData("enode://" + Id + "@::1:30303")]
    [InlineData("enode://" + Id + "@bad host:30303?raftport=1")]
    public void Refuses_bad_urls_with_a_reason(string url)
    {
        Assert.False(Enode.TryParse(url, out _));
        Assert.NotEmpty(Assert.Throws<FormatException>(() => Enode.Parse(url)).Message);
    }

    [Fact]
    public void Upper_case_ids_are_the_same_node() =>
        Assert.Equal(Enode.Parse($"enode://{Id}@127.0.0.1:1"), Enode.Parse($"enode://{Id.ToUpperInvariant()}@127.0.0.1:1"));
}
