using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What is written and flushed for blocks and transactions: the table in docs/performance.md.</summary>
public sealed class DurableWritesTests
{
    private const int Blocks = 20;
    private static readonly byte[] Key = TestChain.Key(1);
    private readonly SimulatedRaftDisk _disk = new();
    private readonly List<bool> _writes = [];
    private int _syncs;

    [Fact]
    public void A_minted_block_is_one_write_of_the_chain_and_one_flush_of_the_log()
    {
        using var log = new FileRaftLog(_disk);
        var node = Counted(new SoloNode(log: log));
        node.Mine(TestChain.Public(Key, 0));
        var counted = Count(() =>
        {
            for (var i = 1; i <= Blocks; i++) node.Mine(TestChain.Public(Key, (ulong)i));
        });
        Assert.Equal(Blocks + 1ul, node.Head);
        // For each block: the rows of the journal, and the chain with all that moves with it, the end of those rows included. In the log
        // the entry, flushed; that it is committed goes along with the next one.
        Assert.Equal(new Counts(Writes: 2 * Blocks, SyncedWrites: 0, Syncs: Blocks, LogWrites: Blocks, LogSyncs: Blocks), counted);
    }

    [Fact]
    public void Transactions_that_wait_for_a_block_are_one_write_and_one_flush_a_pass()
    {
        using var log = new FileRaftLog(_disk);
        var node = Counted(new SoloNode(log: log));
        // Behind a gap, so that no block takes them.
        var counted = Count(() =>
            node.Step([.. Enumerable.Range(1, 500).Select(n => node.Local(TestChain.Public(Key, (ulong)n)).Input)]));
        Assert.Equal(500, node.Core.Pool.Count);
        Assert.Equal(new Counts(Writes: 1, SyncedWrites: 0, Syncs: 1, LogWrites: 0, LogSyncs: 0), counted);
    }

    [Fact]
    public void A_followers_block_is_one_write_of_the_chain_and_one_flush_of_the_log()
    {
        var chain = new SoloNode();
        for (var i = 0; i < Blocks; i++) chain.Mine(TestChain.Public(Key, (ulong)i));
        using var log = new FileRaftLog(_disk);
        var node = new MemberNode(log: log);
        node.Store.Written = (_, sync) => _writes.Add(sync);
        node.Store.Synced = () => _syncs++;
        node.Step(node.CommittedBlocks(2, ChainStore.GetBlock(chain.Store, 1)!));
        var counted = Count(() =>
        {
            for (var n = 2ul; n <= Blocks; n++) node.Step(node.CommittedBlocks(2, ChainStore.GetBlock(chain.Store, n)!));
        });
        Assert.Equal((ulong)Blocks, node.Core.Head.Number);
        // Entry and commit index come in one message here; alone the index is a write of its own, without a flush.
        Assert.Equal(new Counts(Blocks - 1, SyncedWrites: 0, Syncs: 0, Blocks - 1, LogSyncs: Blocks - 1), counted);
    }

    [Fact]
    public void The_private_side_goes_in_the_blocks_own_write_when_its_payload_is_there_and_in_one_more_when_it_comes_later()
    {
        var node = Counted(new SoloNode());
        var (early, late) = (TestChain.CallPayload(1), TestChain.CallPayload(2));
        node.Step(SoloNode.Answer(early, PayloadAvailability.NotAParty));
        var whole = Count(() => node.Mine(TestChain.Private(Key, 0, early, TestChain.AddressOf(Key))));
        Assert.Equal((1ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Equal((2, 0), (whole.Writes, whole.SyncedWrites));
        var alone = Count(() => node.Mine(TestChain.Private(Key, 1, late, TestChain.AddressOf(Key))));
        Assert.Equal((2ul, 1ul), (node.Head, node.PrivateHead));
        Assert.Equal((2, 0), (alone.Writes, alone.SyncedWrites));
        var rest = Count(() => node.Step(SoloNode.Answer(late, PayloadAvailability.NotAParty)));
        Assert.Equal(2ul, node.PrivateHead);
        Assert.Equal((1, 0, 0), (rest.Writes, rest.SyncedWrites, rest.Syncs));
    }

    private SoloNode Counted(SoloNode node)
    {
        node.Store.Written = (_, sync) => _writes.Add(sync);
        node.Store.Synced = () => _syncs++;
        return node;
    }

    private Counts Count(Action work)
    {
        _writes.Clear();
        _syncs = 0;
        var (logWrites, logSyncs) = (_disk.Writes, _disk.Syncs);
        work();
        return new Counts(_writes.Count, _writes.Count(static sync => sync), _syncs, _disk.Writes - logWrites, _disk.Syncs - logSyncs);
    }

    /// <param name="Writes">Batches of the store.</param>
    /// <param name="SyncedWrites">Those of them that were flushed at once.</param>
    /// <param name="Syncs">Flushes of the store by themselves.</param>
    private sealed record Counts(int Writes, int SyncedWrites, int Syncs, int LogWrites, int LogSyncs);
}
