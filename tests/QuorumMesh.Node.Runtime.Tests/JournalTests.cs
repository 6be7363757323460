using QuorumMesh.Chain;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class JournalTests
{
    private static readonly byte[] Key = TestChain.Key(1);

    [Fact]
    public async Task Is_acknowledged_and_told_to_peers_only_after_its_row_is_written_and_flushed()
    {
        var node = new SoloNode();
        var written = new List<bool>();
        node.Store.Written = (_, sync) => written.Add(sync);
        var (input, answer) = node.Local(TestChain.Public(Key, 5));
        node.Core.Handle(input);
        Assert.Empty(written);
        var effects = node.Core.Complete();
        // Written without a flush, which goes beside the loop.
        Assert.Equal([false], written);
        Assert.Empty(effects.Answers);
        Assert.Empty(effects.Broadcast);
        foreach (var given in effects.Journalled!.Answers) given.Deliver();
        Assert.Equal(TestChain.Public(Key, 5).Hash, await answer.Task);
        Assert.Contains(effects.Journalled.Broadcast, t => t.Tx.Nonce == 5);
    }

    [Fact]
    public void One_write_and_one_flush_serve_a_whole_batch()
    {
        var node = new SoloNode();
        var (written, synced) = (0, 0);
        node.Store.Written = (_, _) => written++;
        node.Store.Synced = () => synced++;
        node.Step([.. Enumerable.Range(10, 50).Select(n => node.Local(TestChain.Public(Key, (ulong)n)).Input)]);
        Assert.Equal((1, 1), (written, synced));
    }

    [Fact]
    public async Task Those_that_came_together_are_answered_together_each_with_its_own_outcome()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        var sent = new[] { TestChain.Public(Key, 1), TestChain.Public(Key, 0, data: [1]), TestChain.Public(Key, 2) };
        var answer = new Reply<IReadOnlyList<string?>>();
        var effects = node.After(SoloNode.BlockTime, new NodeInput.LocalTransactions(
            node.Stores.Senders.RecoverEach(sent, node.Stores.Rules.SenderRulesAt(2))!, answer));
        Assert.Equal([1ul, 2ul], effects.Broadcast.Select(t => t.Tx.Nonce));
        foreach (var given in effects.Answers) given.Deliver();
        var reasons = await answer.Task;
        Assert.Equal([null, "nonce too low", null], reasons);
        Assert.Equal(2ul, node.Head);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public async Task Those_that_are_all_refused_wait_for_no_flush()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        var synced = 0;
        node.Store.Synced = () => synced++;
        var answer = new Reply<IReadOnlyList<string?>>();
        var refused = node.Stores.Senders.RecoverEach([TestChain.Public(Key, 0, data: [1])], node.Stores.Rules.SenderRulesAt(2));
        foreach (var given in node.Step(new NodeInput.LocalTransactions(refused!, answer)).Answers) given.Deliver();
        Assert.Equal(["nonce too low"], await answer.Task);
        Assert.Equal(0, synced);
    }

    [Fact]
    public void Survives_a_restart_until_mined()
    {
        var node = new SoloNode();
        // Behind a gap, so that no block takes them.
        node.Step(node.Local(TestChain.Public(Key, 1)).Input,
            node.Local(TestChain.Private(Key, 2, TestChain.CallPayload(1), TestChain.AddressOf(Key))).Input);
        node.Start();
        Assert.Equal(2, node.Core.Pool.Count);
        Assert.Equal([1ul, 2ul], node.Started.Announce.Select(t => t.Tx.Nonce).Order());

        node.Mine(TestChain.Public(Key, 0));
        node.After(SoloNode.BlockTime);
        Assert.Equal(0, node.Core.Pool.Count);
        node.Start();
        Assert.Equal(0, node.Core.Pool.Count);
        Assert.Empty(node.Started.Announce);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void Leaves_nothing_behind_when_mined_in_the_same_pass()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0), TestChain.Public(Key, 1));
        Assert.Equal(1ul, node.Head);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void Is_restored_by_the_rules_of_the_head()
    {
        // EIP-155 signatures are valid from block 1 on only.
        var node = new SoloNode(TestChain.GenesisWith(chainId: 10, forkBlock: 1));
        node.Step(node.Local(TestChain.Public(Key, 1)).Input);
        node.Start();
        Assert.Equal(1, node.Core.Pool.Count);
    }

    [Fact]
    public void Is_announced_again_until_mined()
    {
        var node = new SoloNode();
        var first = node.Step(node.Local(TestChain.Public(Key, 1)).Input);
        Assert.Single(first.Broadcast);
        var again = 0;
        for (var second = 0; second < 10; second++) again += node.After(1_000).Announce.Count;
        Assert.InRange(again, 2, 4);
        node.Mine(TestChain.Public(Key, 0));
        node.After(SoloNode.BlockTime);
        for (var second = 0; second < 10; second++) Assert.Empty(node.After(1_000).Announce);
    }

    [Fact]
    public void What_the_pool_refuses_is_answered_and_not_kept()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        var (input, answer) = node.Local(TestChain.Public(Key, 0, data: [1]));
        foreach (var given in node.Step(input).Answers) given.Deliver();
        Assert.Contains("nonce too low", answer.Task.Exception!.InnerException!.Message, StringComparison.Ordinal);
        Assert.IsType<TransactionRejectedException>(answer.Task.Exception.InnerException);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void Peers_transactions_are_passed_on_and_not_journalled()
    {
        var node = new SoloNode();
        var recovered = node.Stores.Senders.Recover(TestChain.Public(Key, 3), node.Stores.Rules.SenderRulesAt(1))!;
        var pending = new List<RecoveredTransaction>();
        node.Events.PendingTransactions += pending.AddRange;
        var effects = node.Step(new NodeInput.PeerTransactions([recovered]));
        Assert.Equal([recovered], effects.Broadcast);
        Assert.Equal([recovered], pending);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
        Assert.Empty(node.Step(new NodeInput.PeerTransactions([recovered])).Broadcast);
    }
}
