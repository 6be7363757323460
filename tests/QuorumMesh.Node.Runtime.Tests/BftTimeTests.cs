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
    public void A_peer_s_transaction_that_runs_for_longer_than_a_block_may_take_is_left_out_tried_again_and_dropped(EngineKind kind)
    {
        var network = Slow(kind);
        var (slow, taker) = (Loop(nonce: 0), network.Nodes[0]);
        taker.Pass(Told(taker, slow));
        var plain = Taken(network, taker, TestChain.Public(Other, 0));
        network.Until(() => Location(network.Nodes[1], plain) is not null, "the transaction behind it");
        var (before, height) = (network.Now, taker.Head.Number);
        network.Until(() => taker.Core.Pool.Count == 0, "it is dropped", limitMs: 400_000);
        // Three tries, of a quarter of the round each; all other blocks come at the set pace.
        var blocks = (long)(taker.Head.Number - height);
        Assert.True(network.Now - before < (blocks + 1) * 1_000 + (3 * 1_300), $"{network.Now - before} ms for {blocks} blocks");
        Assert.Equal(3, Lines(taker, slow.Hash).Count);
        Assert.Contains(taker.Notices, n => n.Text.Contains("is dropped", StringComparison.Ordinal));
        Assert.All(network.Nodes, n => Assert.Empty(n.Rounds));
        Assert.Null(Location(network.Nodes[1], slow.Hash));
        // Told of again it is not taken in, nor from a client, who is not promised anything.
        taker.Pass(Told(taker, slow));
        Assert.Equal(0, taker.Core.Pool.Count);
        var again = Assert.Throws<TransactionRejectedException>(() => Taken(network, taker, slow));
        Assert.Contains("takes longer to execute", again.Message, StringComparison.Ordinal);
        Assert.NotEqual(default, Taken(network, taker, TestChain.Public(Looper, 0)));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void One_that_was_acknowledged_is_never_dropped_and_mined_once_the_machine_has_the_time(EngineKind kind)
    {
        var network = Slow(kind);
        var taker = network.Nodes[0];
        var slow = Taken(network, taker, Loop(nonce: 0));
        var behind = Taken(network, taker, TestChain.Public(Looper, 1));
        network.Until(() => Lines(taker, slow).Count == 3, "three tries", limitMs: 400_000);
        Assert.DoesNotContain(taker.Notices, n => n.Text.Contains("is dropped", StringComparison.Ordinal));
        Assert.Equal(2, taker.Core.Pool.PendingCount);
        var held = Assert.Single(taker.Core.HeldBack);
        Assert.Equal((slow, TestChain.AddressOf(Looper), 0ul, 3), (held.Hash, held.Sender, held.Nonce, held.Tries));
        Assert.InRange(held.NextBlock, taker.Head.Number + 500, taker.Head.Number + 520);
        Assert.Contains($"from block {held.NextBlock} on", Lines(taker, slow)[2], StringComparison.Ordinal);

        // A restart forgets the pause and nothing else.
        taker.Start();
        Assert.Equal(2, taker.Core.Pool.PendingCount);
        foreach (var node in network.Nodes) node.MsPerLook = 0.1;
        network.Until(() => Location(network.Nodes[1], behind) is not null, "both are mined");
        Assert.NotNull(Location(network.Nodes[1], slow));
        Assert.Empty(taker.Core.HeldBack);
        Assert.Empty(taker.Store.Scan("J"u8.ToArray()));
    }

    /// <summary>Else there would be an empty block at each of its turns for as long as it waits.</summary>
    [Fact]
    public void One_that_waits_for_long_makes_no_empty_blocks_due()
    {
        var network = Slow(EngineKind.Qbft, "\"qbft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4, "
            + "\"emptyblockperiodseconds\": 3 }");
        var taker = network.Nodes[0];
        var slow = Taken(network, taker, Loop(nonce: 0));
        Taken(network, taker, TestChain.Public(Looper, 1));
        network.Until(() => Lines(taker, slow).Count == 3, "three tries", limitMs: 400_000);
        var height = taker.Head.Number;
        network.For(120_000);
        Assert.InRange(taker.Head.Number - height, 38ul, 42ul);
        Taken(network, taker, TestChain.Public(Other, 0));
        var before = network.Now;
        network.Until(() => taker.Core.Pool.PendingCount == 2, "another's is mined");
        Assert.True(network.Now - before < 13_000, $"{network.Now - before} ms"); // at the node's own turn, the fourth at the latest
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
        network.Until(() => fast.Core.HeldBack is [{ Tries: SlowTransactions.MostTries }], "it is tried seldom", limitMs: 900_000);
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

    /// <summary>Validators that have some blocks already and take ten milliseconds for what others do in none.</summary>
    private static BftNetwork Slow(EngineKind kind, string? engine = null)
    {
        var network = new BftNetwork(kind, validators: 4, engine: engine);
        network.UntilHeight(2);
        foreach (var node in network.Nodes) node.MsPerLook = 10;
        return network;
    }

    private static NodeInput Told(BftTestNode node, Transaction transaction) => new NodeInput.PeerTransactions(
        [node.Stores.Senders.Recover(transaction, node.Stores.Rules.SenderRulesAt(node.Head.Number + 1))!]);

    private static List<string> Lines(BftTestNode node, Hash256 transaction) =>
        [.. node.Notices.Select(n => n.Text).Where(text => text.Contains(transaction.ToString(), StringComparison.Ordinal))];

    /// <summary>Once the node has time for it.</summary>
    private static Hash256 Taken(BftNetwork network, BftTestNode node, Transaction transaction)
    {
        var answer = node.Submit(transaction);
        network.Until(() => answer.Task.IsCompleted, "the transaction is answered");
        return answer.Task.GetAwaiter().GetResult();
    }

    private static object? Location(BftTestNode node, in Hash256 hash) => ChainStore.GetTransactionLocation(node.Store, hash);
}
