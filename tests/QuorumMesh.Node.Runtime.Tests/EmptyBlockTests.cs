using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>The few empty blocks that a genesis of our own asks for after the last transaction.</summary>
public sealed class EmptyBlockTests
{
    private const int Count = 3;
    private const long Period = 2_000;
    private static readonly byte[] Key = TestChain.Key(1);

    [Fact]
    public void A_few_follow_the_last_transaction_one_a_period_and_then_none()
    {
        var node = NewNode();
        Assert.Null(Run(node, 10 * Period).WakeAt);
        Assert.Equal(0ul, node.Head);

        var mined = node.Now;
        node.Step(node.Local(TestChain.Public(Key, 0)).Input);
        Assert.Equal((1ul, mined + Period), (node.Head, node.Step().WakeAt));
        for (ulong n = 1; n <= Count; n++)
        {
            Assert.Equal(n, node.Head);
            node.After(Period - 1);
            Assert.Equal(n, node.Head);
            node.After(1);
            Assert.Equal(n + 1, node.Head);
            Assert.Empty(ChainStore.GetBlock(node.Store, n + 1)!.Transactions);
            node.Step();
        }
        Assert.Null(Run(node, 10 * Period).WakeAt);
        Assert.Equal(1ul + Count, node.Head);
        Assert.Equal(node.Head, node.PrivateHead);
        Assert.Equal(Times(node, 1)[0] + 2, Times(node, 2)[0]);
    }

    [Fact]
    public void A_transaction_goes_first_and_begins_the_count_anew()
    {
        var node = NewNode();
        node.Mine(TestChain.Public(Key, 0));
        Run(node, Period);
        Assert.Equal(2ul, node.Head);
        node.Mine(TestChain.Public(Key, 1));
        Assert.Equal((3ul, 1), (node.Head, ChainStore.GetBlock(node.Store, 3)!.Transactions.Count));
        Run(node, 10 * Period);
        Assert.Equal(3ul + Count, node.Head);
    }

    [Fact]
    public void A_restart_goes_on_where_the_chain_stands()
    {
        var node = NewNode();
        node.Mine(TestChain.Public(Key, 0));
        Run(node, Period);
        for (var restart = 0; restart < 3; restart++)
        {
            Assert.Equal(2ul + (ulong)restart, node.Head);
            node.Start();
            node.Step();
            Assert.Equal(2ul + (ulong)restart, node.Head);
            Run(node, Period);
        }
        Assert.Equal(1ul + Count, node.Head);
        node.Start();
        Run(node, 10 * Period);
        Assert.Equal(1ul + Count, node.Head);
    }

    [Fact]
    public void The_period_begins_anew_with_a_restart_of_the_pace()
    {
        var node = NewNode();
        node.Mine(TestChain.Public(Key, 0));
        var pace = new EmptyBlockPace(new EmptyBlocksConfig(Count, 2), node.Store);
        Assert.False(pace.IsDue(node.Core.Head, 0));
        Assert.Equal(2_000, pace.NextAt);
        pace.Restart();
        Assert.Null(pace.NextAt);
        Assert.False(pace.IsDue(node.Core.Head, 5_000));
        Assert.False(pace.IsDue(node.Core.Head, 6_999));
        Assert.True(pace.IsDue(node.Core.Head, 7_000));
    }

    [Fact]
    public void Without_the_option_there_is_none()
    {
        var node = NewNode(emptyBlocks: "");
        node.Mine(TestChain.Public(Key, 0));
        Assert.Null(Run(node, 10 * Period).WakeAt);
        Assert.Equal(1ul, node.Head);
    }

    private static ulong[] Times(SoloNode node, params ulong[] blocks) =>
        [.. blocks.Select(n => ChainStore.GetHeader(node.Store, n)!.Time)];

    private static NodeEffects Run(SoloNode node, long milliseconds)
    {
        var effects = node.Step();
        for (var end = node.Now + milliseconds; node.Now < end;) effects = node.After(50);
        return effects;
    }

    private static SoloNode NewNode(string emptyBlocks = """, "emptyBlocks": { "count": 3, "periodSeconds": 2 } """) =>
        new(Encoding.UTF8.GetBytes($$"""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "isQuorum": true,
                                   "quorumMesh": { "version": 1 {{emptyBlocks}} } },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """));
}
