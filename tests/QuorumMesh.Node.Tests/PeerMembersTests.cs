using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class PeerMembersTests : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly NodeKey _key = NodeKey.Generate();
    private readonly PeerServer _peers;
    private readonly PeerLists _lists;

    public PeerMembersTests()
    {
        _peers = new PeerServer(new PeerServerOptions { Key = _key, Listen = new IPEndPoint(IPAddress.Loopback, 0) },
            NullLogger<PeerServer>.Instance);
        _lists = new PeerLists(DataDirectory.Open(_directory.Path), permissioned: false, _peers, _key.NodeId, NullLogger.Instance);
    }

    [Fact]
    public void Members_are_dialled_and_who_was_removed_is_dialled_no_more()
    {
        var members = new PeerMembers(_peers, _key.NodeId, _lists);
        members.Follow([]);
        Assert.Empty(Dialled());
        members.Follow([Own(1), Member(2), Member(3)]);
        Assert.Equal([30_302, 30_303], Dialled());
        members.Follow([Own(1), Member(2)]);
        Assert.Equal([30_302], Dialled());
        members.Follow([Own(1), Member(2), Member(4)]);
        Assert.Equal([30_302, 30_304], Dialled());
    }

    /// <summary>What an operator added stays, and does not get in.</summary>
    [Fact]
    public void Peers_that_were_never_members_are_left_alone()
    {
        var members = new PeerMembers(_peers, _key.NodeId, _lists);
        _peers.AddStaticPeer(new Enode(Convert.ToHexStringLower(TestChain.Signer(9).PublicKey), "127.0.0.1", 30_309));
        members.Follow([Own(1), Member(2)]);
        members.Follow([Own(1), Member(3)]);
        Assert.Equal([30_303, 30_309], Dialled());
    }

    public async ValueTask DisposeAsync()
    {
        await _lists.DisposeAsync();
        await _peers.DisposeAsync();
        _key.Dispose();
        _directory.Dispose();
    }

    private IEnumerable<int> Dialled() => _peers.ConfiguredPeers.Select(p => p.Enode.Port).Order();

    private RaftAddress Own(int id) => new((ulong)id, _key.PublicKey, "127.0.0.1", 30_300 + id, 50_400 + id);

    private static RaftAddress Member(int id) => new((ulong)id, TestChain.Signer(id).PublicKey, "127.0.0.1", 30_300 + id, 50_400 + id);
}
