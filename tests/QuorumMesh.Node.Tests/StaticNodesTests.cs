using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class StaticNodesTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void An_absent_file_is_empty() => Assert.Empty(StaticNodes.Read(Data, StaticNodes.FileName));

    [Theory]
    [InlineData("static-nodes.json")]
    [InlineData("geth/static-nodes.json")]
    public void Is_read_where_geth_keeps_it(string place)
    {
        Write(place, Url(1), Url(2));
        Assert.Equal([IdOf(1), IdOf(2)], StaticNodes.Read(Data, StaticNodes.FileName).Select(e => e.NodeId));
        Assert.Equal([50401, 50402], StaticNodes.ReadRaftMembers(Data, IdOf(2)).Select(e => e.RaftPort));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[")]
    [InlineData("[\"http://x\"]")]
    [InlineData("[null]")]
    [InlineData("[5]")]
    public void Damage_names_the_file(string content)
    {
        var path = _temp.Write(StaticNodes.FileName, content);
        Assert.Contains(path, Assert.Throws<StartupException>(() => StaticNodes.Read(Data, StaticNodes.FileName)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_cluster_needs_the_file_the_own_entry_and_raft_ports()
    {
        Assert.Contains("missing or empty", Refused(), StringComparison.Ordinal);
        Write(StaticNodes.FileName);
        Assert.Contains("missing or empty", Refused(), StringComparison.Ordinal);
        Write(StaticNodes.FileName, Url(2), Url(3));
        Assert.Contains("--raftjoinexisting", Refused(), StringComparison.Ordinal);
        Write(StaticNodes.FileName, Url(1), $"enode://{IdOf(2)}@127.0.0.1:30302?discport=0");
        Assert.Contains("raftport", Refused(), StringComparison.Ordinal);
    }

    private DataDirectory Data => DataDirectory.Open(_temp.Path);

    private string Refused() => Assert.Throws<StartupException>(() => StaticNodes.ReadRaftMembers(Data, IdOf(1))).Message;

    private void Write(string name, params string[] urls) => _temp.Write(name, System.Text.Json.JsonSerializer.Serialize(urls));

    private static string IdOf(int number) => Hex.ToHex(TestChain.Signer(number).PublicKey, prefix: false);

    private static string Url(int number) => $"enode://{IdOf(number)}@127.0.0.1:{30300 + number}?discport=0&raftport={50400 + number}";
}
