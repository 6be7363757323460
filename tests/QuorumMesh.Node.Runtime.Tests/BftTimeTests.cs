using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Transactions that stay within the gas limit and take longer than a round: four validators on a clock that work moves.</summary>
public sealed class BftTimeTests
{
    /// <summary>Some 2,400 looks at the time; a round has four seconds.</summary>
    private const ulong LoopGas = 30_000_000;

    private static readonly byte[] Looper = TestChain.Key(70);
    private static readonly byte[] Other = TestChain.Key(71);

    public static TheoryData<EngineKind> Engines => [EngineKind.Ibft, EngineKind.Qbft];

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_transaction_that_runs_for_longer_than_a_block_may_take_is_left_out_tried_again_and_dropped(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        foreach (var node in network.Nodes) node.MsPerLook = 10;
        var slow = Loop(nonce: 0);
        var taker = network.Nodes[0];
        Taken(network, taker, slow);
        var plain = Taken(network, taker, TestChain.Public(Other, 0));
        network.Until(() => Location(network.Nodes[1], plain) is not null, "the transaction behind it");
        var (before, height) = (network.Now, taker.Head.Number);
        network.Until(() => taker.Core.Pool.Count == 0, "it is dropped", limitMs: 400_000);
        // Three tries, of a quarter of the round each; all other blocks come at the set pace.
        var blocks = (long)(taker.Head.Number - height);
        Assert.True(network.Now - before < (blocks + 1) * 1_000 + (3 * 1_300), $"{network.Now - before} ms for {blocks} blocks");
        Assert.Equal(3, taker.Notices.Count(n => n.Text.Contains(slow.Hash.ToString(), StringComparison.Ordinal)));
        Assert.Contains(taker.Notices, n => n.Text.Contains("is dropped", StringComparison.Ordinal));
        Assert.All(network.Nodes, n => Assert.Empty(n.Rounds));
        Assert.Null(Location(network.Nodes[1], slow.Hash));
        var again = Assert.Throws<TransactionRejectedException>(() => Taken(network, taker, slow));
        Assert.Contains("takes longer to execute", again.Message, StringComparison.Ordinal);
        Assert.NotEqual(default, Taken(network, taker, TestChain.Public(Looper, 0)));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_proposal_that_takes_longer_than_its_round_is_stopped_and_its_proposer_makes_smaller_ones(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        var fast = network.Nodes[0];
        foreach (var node in network.Nodes) node.MsPerLook = node == fast ? 0.2 : 10;
        var slow = Taken(network, fast, Loop(nonce: 0));
        network.Until(() => fast.Rounds.Count > 0, "its block is not voted for");
        var others = network.Nodes.Where(n => n != fast).ToList();
        Assert.Contains(others, n => n.Notices.Any(m => m.Text.Contains("to execute here than its round", StringComparison.Ordinal)));
        Assert.All(others, n => Assert.Empty(n.Refused));
        network.Until(() => fast.Core.Pool.Count == 0, "it is dropped", limitMs: 900_000);
        var (failed, now) = (fast.Rounds.Count, network.Now);
        network.UntilHeight(fast.Head.Number + 20);
        Assert.InRange(failed, 1, 20);
        Assert.Equal(failed, fast.Rounds.Count);
        Assert.True(network.Now - now < 22_000, $"{network.Now - now} ms for 20 blocks");
        Assert.All(network.Nodes, n => Assert.Null(Location(n, slow)));
    }

    [Fact]
    public void A_decided_block_is_imported_however_long_it_takes()
    {
        var network = new BftNetwork(EngineKind.Qbft, validators: 4, others: 1);
        network.Until(() => network.Nodes[0].Head.Number >= 2, "blocks");
        var follower = network.Nodes[4];
        var slow = Taken(network, network.Nodes[0], Loop(nonce: 0));
        network.Until(() => Location(network.Nodes[1], slow) is not null, "it is mined where it takes no time");
        follower.MsPerLook = 10;
        var blocks = Enumerable.Range(1, (int)network.Nodes[1].Head.Number)
            .Select(n => ChainStore.GetBlock(network.Nodes[1].Store, (ulong)n)!).ToArray();
        follower.Take(blocks);
        Assert.Equal(blocks[^1].Hash, follower.Head.Hash);
    }

    /// <summary>A creation whose init code jumps in a circle.</summary>
    private static Transaction Loop(ulong nonce, ulong gas = LoopGas) =>
        TestChain.Creation(Looper, nonce, gas, Hex.FromHex("5b600056"));

    /// <summary>Once the node has time for it.</summary>
    private static Hash256 Taken(BftNetwork network, BftTestNode node, Transaction transaction)
    {
        var answer = node.Submit(transaction);
        network.Until(() => answer.Task.IsCompleted, "the transaction is answered");
        return answer.Task.GetAwaiter().GetResult();
    }

    private static object? Location(BftTestNode node, in Hash256 hash) => ChainStore.GetTransactionLocation(node.Store, hash);
}
