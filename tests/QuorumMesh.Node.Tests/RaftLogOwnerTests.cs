using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>A Raft log under a path of its own is used by the node that it belongs to, and by no other.</summary>
public sealed class RaftLogOwnerTests : IDisposable
{
    private static readonly string One = Hex.ToHex(TestChain.Signer(1).PublicKey, prefix: false);
    private static readonly string Two = Hex.ToHex(TestChain.Signer(2).PublicKey, prefix: false);
    private static readonly Hash256 Genesis = Hash256.EmptyTrie;

    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_owner_comes_back_and_nobody_else_is_let_in()
    {
        using var disk = new FileRaftDisk(_temp.File("raftlog"));
        RaftLogOwner.Check(disk, One, Genesis, raftId: null);
        new RaftLogOwner(One, Genesis, 3).Claim(disk);
        RaftLogOwner.Check(disk, One, Genesis, 3);

        Refuses("is of node", disk, Two, Genesis, 3);
        Refuses("is of the network with genesis", disk, One, Hash256.EmptyCode, 3);
        Refuses("is of Raft id 3, and this node has id 4", disk, One, Genesis, 4);
        Refuses("has never taken part in Raft", disk, One, Genesis, null);

        // What is written stays: a second claim is none.
        new RaftLogOwner(Two, Genesis, 9).Claim(disk);
        RaftLogOwner.Check(disk, One, Genesis, 3);
    }

    [Fact]
    public void A_log_of_an_earlier_version_is_taken_and_claimed()
    {
        using var disk = new FileRaftDisk(_temp.File("raftlog"));
        using (new FileRaftLog(disk)) { }
        RaftLogOwner.Check(disk, One, Genesis, 3);
        new RaftLogOwner(One, Genesis, 3).Claim(disk);
        using (new FileRaftLog(disk)) { }
        Assert.DoesNotContain("owner", disk.List());
        Refuses("is of node", disk, Two, Genesis, 3);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"node\":7}")]
    [InlineData("{\"node\":\"ab\",\"genesis\":\"0x00\",\"raftId\":1}")]
    [InlineData("[]")]
    public void An_owner_that_cannot_be_read_is_told(string text)
    {
        using var disk = new FileRaftDisk(_temp.File("raftlog"));
        _temp.Write("raftlog/owner", text);
        Refuses("cannot be read", disk, One, Genesis, 3);
    }

    [Fact]
    public void The_log_is_below_the_directory_that_is_given()
    {
        Assert.Equal(_temp.File("raftlog"), DataDirectory.Open(_temp.Path).RaftLog);
        var other = Directory.CreateDirectory(_temp.File("elsewhere")).FullName;
        Assert.Equal(Path.Combine(other, "raftlog"), DataDirectory.Open(_temp.Path, other).RaftLog);
    }

    private static void Refuses(string why, FileRaftDisk disk, string node, Hash256 genesis, ushort? id) => Assert.Contains(why,
        Assert.Throws<StartupException>(() => RaftLogOwner.Check(disk, node, genesis, id)).Message, StringComparison.Ordinal);
}
