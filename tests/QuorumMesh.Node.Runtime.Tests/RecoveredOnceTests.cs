using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>The sender of a transaction is recovered where it first comes in, and not again when its block does.</summary>
public sealed class RecoveredOnceTests
{
    private const int Count = 20;
    private static readonly List<Transaction> Sent =
        [.. Enumerable.Range(0, Count).Select(i => TestChain.Public(TestChain.Key(1), (ulong)i))];

    [Fact]
    public void A_follower_takes_the_senders_of_a_block_from_what_peers_sent_before()
    {
        var leader = new SoloNode();
        leader.Mine([.. Sent]);
        var node = new MemberNode();
        var handler = new PeerRequestHandler(node.Stores, input =>
        {
            node.Step(input);
            return true;
        });
        handler.OnTransactions("peer", [.. Sent.Select(t => (ReadOnlyMemory<byte>)t.Encode())]);
        Assert.Equal(Count, node.Core.Pool.Count);
        Assert.Equal(Count, node.Stores.Senders.Recoveries);

        for (var number = 1UL; number <= leader.Head; number++) node.Step(Committed(node, ChainStore.GetBlock(leader.Store, number)!));
        Assert.Equal(leader.Core.Head.Hash, node.Core.Head.Hash);
        Assert.Equal(0, node.Core.Pool.Count);
        Assert.Equal(Count, node.Stores.Senders.Recoveries);
    }

    [Fact]
    public void A_minter_takes_them_from_its_own_clients()
    {
        var node = new SoloNode();
        node.Mine([.. Sent]);
        Assert.True(node.Head > 0);
        Assert.Equal(Count, node.Stores.Senders.Recoveries);
    }

    private static RaftInput.Message Committed(MemberNode node, Block block)
    {
        var last = node.Log.LastIndex;
        return new RaftInput.Message(new RaftMessage
        {
            Type = RaftMessageType.App,
            From = 2,
            To = 1,
            Term = 2,
            Index = last,
            LogTerm = node.Log.Entries(last, last + 1, ulong.MaxValue)[0].Term,
            Entries = [new RaftEntry(2, last + 1, RaftEntryType.Normal, block.Encode())],
            Commit = last + 1,
        });
    }
}
