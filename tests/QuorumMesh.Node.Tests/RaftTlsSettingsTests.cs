using System.CommandLine;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node.Tests;

public sealed class RaftTlsSettingsTests
{
    private static readonly string NodeId = NodeKey.Generate().NodeId;

    [Theory]
    [InlineData("", RaftTlsMode.Accept, false)]
    [InlineData("--raft.tls accept", RaftTlsMode.Accept, false)]
    [InlineData("--raft.tls prefer", RaftTlsMode.Prefer, true)]
    [InlineData("--raft.tls require", RaftTlsMode.Require, true)]
    [InlineData("--raft.tls.ca ca.pem", RaftTlsMode.Accept, true)]
    public void Plain_text_goes_out_unless_TLS_is_asked_for(string arguments, RaftTlsMode mode, bool isGiven)
    {
        var settings = Read(arguments);
        Assert.Equal((mode, isGiven), (settings.Mode, settings.IsGiven));
    }

    [Theory]
    [InlineData("--raft", false)]
    [InlineData("--raft --raft.compact", true)]
    public void Blocks_go_whole_unless_compact_ones_are_asked_for(string arguments, bool isCompact) =>
        Assert.Equal(isCompact, ReadAll(arguments).RaftCompact);

    [Fact]
    public void GoQuorums_are_named_by_enode_URL_or_node_id()
    {
        Read($"--raft.tls require --raft.tls.plain {NodeId},enode://{NodeId}@127.0.0.1:21000?raftport=50400");
        Assert.Contains("enode URL", Assert.Throws<OptionsException>(() => Read("--raft.tls.plain 3")).Message);
    }

    [Theory]
    [InlineData("--raft.tls always", "--raft.tls")]
    [InlineData("--raft.tls.cert c", "--raft.tls.cert")]
    [InlineData("--raft.tls.key k", "--raft.tls.key")]
    [InlineData("--raft.tls.cert c --raft.tls.key k", "--raft.tls.cert")]
    [InlineData("--raft.tls.plain enode://12@127.0.0.1:1", "--raft.tls.plain")]
    public void What_does_not_go_together_names_its_flag(string arguments, string flag) =>
        Assert.Equal(flag, Assert.Throws<OptionsException>(() => Read(arguments)).Key);

    private static RaftTlsSettings Read(string arguments) => ReadAll(arguments).RaftTls;

    private static NodeSettings ReadAll(string arguments)
    {
        var line = new NodeCommandLine();
        var root = new RootCommand();
        line.AddTo(root);
        return line.Read(root.Parse($"{arguments} --datadir /tmp".Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }
}
