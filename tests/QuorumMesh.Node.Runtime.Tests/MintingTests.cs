using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class MintingTests
{
    private static readonly byte[] Key = TestChain.Key(1);

    [Fact]
    public void Mints_at_once_when_idle_and_never_an_empty_block()
    {
        var node = new SoloNode();
        for (var i = 0; i < 100; i++) node.After(10);
        Assert.Equal(0ul, node.Head);

        node.Step(node.Local(TestChain.Public(Key, 0)).Input);
        Assert.Equal(1ul, node.Head);
        for (var i = 0; i < 100; i++) node.After(10);
        Assert.Equal(1ul, node.Head);
    }

    [Fact]
    public void A_transaction_soon_after_a_block_is_mined_at_once_while_the_budget_lasts_and_then_waits_for_its_time()
    {
        const int together = 500 / SoloNode.BlockTime;
        var node = new SoloNode();
        for (var i = 0; i < together; i++)
        {
            node.After(1, node.Local(TestChain.Public(Key, (ulong)i)).Input);
            Assert.Equal((ulong)i + 1, node.Head);
        }
        var waiting = node.After(1, node.Local(TestChain.Public(Key, together)).Input);
        Assert.Equal((ulong)together, node.Head);
        // The first block has had its time then.
        Assert.Equal(1 + SoloNode.BlockTime, waiting.WakeAt);
        node.After(SoloNode.BlockTime - 11, node.Local(TestChain.Public(Key, together + 1)).Input);
        Assert.Equal((ulong)together, node.Head);
        var idle = node.After(1);
        Assert.Equal(together + 1ul, node.Head);
        Assert.Equal(2, ChainStore.GetBlock(node.Store, node.Head)!.Transactions.Count);
        Assert.Null(idle.WakeAt);
    }

    [Theory]
    [InlineData(50, 5, 2_000, 10 + 40)]
    [InlineData(50, 50, 2_000, 40)]
    [InlineData(250, 10, 5_000, 2 + 20)]
    [InlineData(600, 10, 6_000, 10)]
    [InlineData(1_000, 10, 10_000, 10)]
    public void In_the_long_run_there_is_one_block_for_each_block_time(int blockTime, int every, int duration, int most)
    {
        var budget = new Raft.MintBudget(blockTime);
        var minted = 0;
        for (var now = 1_000_000; now < 1_000_000 + duration; now += every)
        {
            if (now < budget.NextAt) continue;
            budget.Spend(now);
            minted++;
        }
        Assert.InRange(minted, most - 1, most);
    }

    [Fact]
    public void Block_times_rise_and_the_seal_names_the_minter()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        node.Mine(TestChain.Public(Key, 1));
        var (first, second) = (ChainStore.GetHeader(node.Store, 1)!, ChainStore.GetHeader(node.Store, 2)!);
        Assert.True(second.Time > first.Time);
        Assert.True(RaftSeal.TryRead(second, out var id, out var minter));
        Assert.Equal((1, TestChain.Signer(1).Address), (id, minter));
    }

    [Fact]
    public void One_above_the_next_blocks_gas_limit_is_refused_and_blocks_nothing()
    {
        var node = new SoloNode();
        var idle = node.Step(node.Local(WithGas(Key, 0, node.Core.Head.GasLimit)).Input);
        Assert.Equal((0ul, 0), (node.Head, node.Core.Pool.Count));
        Assert.Null(idle.WakeAt);
        node.Mine(TestChain.Public(Key, 0));
        Assert.Equal(1ul, node.Head);
        Assert.Null(node.After(SoloNode.BlockTime).WakeAt);
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void One_that_the_gas_limit_fell_below_leaves_pool_and_journal()
    {
        var node = new SoloNode();
        node.Step(node.Local(WithGas(Key, 1, node.Core.Head.GasLimit)).Input);
        Assert.Equal(1, node.Core.Pool.QueuedCount);
        node.Mine(TestChain.Public(TestChain.Key(2), 0));
        Assert.Null(node.After(SoloNode.BlockTime).WakeAt);
        Assert.Equal((1ul, 0), (node.Head, node.Core.Pool.Count));
        Assert.Empty(node.Store.Scan("J"u8.ToArray()));
    }

    [Fact]
    public void One_that_the_rest_of_a_block_cannot_take_goes_into_the_next()
    {
        var node = new SoloNode();
        var most = node.Core.Head.GasLimit / 4 * 3;
        var burns = TransactionSigner.Sign(new Transaction { GasLimit = most, Data = [0xfe] }, Key, 10u);
        node.Step(node.Local(burns).Input, node.Local(WithGas(TestChain.Key(2), 0, most)).Input);
        Assert.Equal((1ul, 1), (node.Head, node.Core.Pool.PendingCount));
        node.After(SoloNode.BlockTime);
        Assert.Equal((2ul, 0), (node.Head, node.Core.Pool.PendingCount));
    }

    [Fact]
    public void A_committed_entry_that_is_no_block_is_passed_over_and_so_it_is_after_a_restart()
    {
        var node = new SoloNode();
        Assert.True(node.Raft.Core.Propose(new byte[8]));
        node.Step();
        node.Mine(TestChain.Public(Key, 0));
        Assert.Equal((1ul, PassedOverKind.Unreadable), (node.Head, node.PassedOver.Single().Kind));
        node.Start();
        node.Mine(TestChain.Public(Key, 1));
        Assert.Equal(2ul, node.Head);
    }

    [Fact]
    public void A_block_that_does_not_build_on_the_head_is_void_everywhere()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        var stale = ChainStore.GetBlock(node.Store, 1)!;
        node.Raft.Core.Propose(new Block(stale.Header with { Time = stale.Header.Time + 1 }, stale.Transactions).Encode());
        node.Raft.Core.Propose(stale.Encode());
        node.Step();
        Assert.Equal((1ul, stale.Hash), (node.Head, node.Core.Head.Hash));
        var passed = node.PassedOver.Single(); // the block that is on the chain already is none
        Assert.Equal((PassedOverKind.Void, 1ul), (passed.Kind, passed.Block!.Value.Number));
        node.Mine(TestChain.Public(Key, 1));
        Assert.Equal(2ul, node.Head);
    }

    [Fact]
    public void A_committed_block_that_is_not_valid_is_passed_over_and_named()
    {
        var node = new SoloNode();
        node.Mine(TestChain.Public(Key, 0));
        var block = ChainStore.GetBlock(node.Store, 1)!;
        var wrong = new Block(block.Header with { ParentHash = block.Hash, Number = 2 }, block.Transactions);
        node.Raft.Core.Propose(wrong.Encode());
        node.Step();
        var passed = node.PassedOver.Single();
        Assert.Equal((PassedOverKind.Invalid, wrong.Hash), (passed.Kind, passed.Block!.Value.Hash));
        Assert.Contains("not valid", passed.Reason, StringComparison.Ordinal);
        Assert.Equal(1ul, ChainStore.GetPublicHead(node.Store)!.Value.Number);
        node.Start();
        node.Mine(TestChain.Public(Key, 1));
        Assert.Equal(2ul, node.Head);
    }

    private static Transaction WithGas(byte[] key, ulong nonce, ulong gas) =>
        TransactionSigner.Sign(new Transaction
        {
            Nonce = nonce,
            GasLimit = gas,
            To = Address.Parse("0x00000000000000000000000000000000000000aa")
        }, key, 10u);
}
