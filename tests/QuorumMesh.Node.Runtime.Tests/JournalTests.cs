using QuorumMesh.Chain;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class JournalTests
{
    private static readonly byte[] Key = TestChain.Key(1);

    [Fact]
    public async Task Is_acknowledged_only_after_a_synced_write()
    {
        var node = new SoloNode();
        var synced = 0;
        node.Store.Written = (_, sync) => synced += sync ? 1 : 0;
        var (input, answer) = node.Local(TestChain.Public(Key, 5));
        node.Core.Handle(input);
        Assert.Equal(0, synced);
        var effects = node.Core.Complete();
        Assert.Equal(1, synced);
        Assert.False(answer.Task.IsCompleted);
        foreach (var given in effects.Answers) given.Deliver();
        Assert.Equal(TestChain.Public(Key, 5).Hash, await answer.Task);
        Assert.Contains(effects.Broadcast, t => t.Tx.Nonce == 5);
    }

    [Fact]
    public void One_write_serves_a_whole_batch()
    {
        var node = new SoloNode();
        var synced = 0;
        node.Store.Written = (_, sync) => synced += sync ? 1 : 0;
        node.Step([.. Enumerable.Range(10, 50).Select(n => node.Local(TestChain.Public(Key, (ulong)n)).Input)]);
        Assert.Equal(1, synced);
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
