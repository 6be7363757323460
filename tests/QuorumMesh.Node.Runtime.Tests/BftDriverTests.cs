using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Four validators as cores with drivers: what the machine asks is done in the order that keeps promises.</summary>
public sealed class BftDriverTests
{
    public static TheoryData<EngineKind> Engines => [EngineKind.Ibft, EngineKind.Qbft];

    [Theory]
    [MemberData(nameof(Engines))]
    public void Four_validators_make_blocks_in_turn_with_the_transactions_of_each(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        var sent = network.Nodes.Select((n, i) => n.Submit(TestChain.Public(TestChain.Key(100 + i), 0)).Task.Result).ToList();
        network.UntilHeight(8);
        var first = network.Nodes[0];
        var chain = Enumerable.Range(1, 8).Select(n => ChainStore.GetBlock(first.Store, (ulong)n)!).ToList();
        foreach (var node in network.Nodes)
            Assert.All(chain, b => Assert.Equal(b.Hash, ChainStore.GetCanonicalHash(node.Store, b.Number)));
        Assert.Equal(4, chain.Take(4).Select(b => first.Stores.Rules.Bft!.Author(b.Header)).Distinct().Count());
        // Nobody passes transactions on here: each is in a block of the validator that has it.
        Assert.Equal(sent.Order(), chain.SelectMany(b => b.Transactions).Select(t => t.Hash).Order());
        Assert.All(chain.Zip(chain.Skip(1)), pair => Assert.Equal(1UL, pair.Second.Header.Time - pair.First.Header.Time));
        Assert.All(network.Nodes, n => Assert.Empty(n.Rounds));
        Assert.All(network.Nodes, n => Assert.Empty(n.Refused));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void What_was_promised_is_flushed_before_the_commit_leaves(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(6);
        foreach (var node in network.Nodes)
        {
            var commits = 0;
            var isFlushed = false;
            foreach (var done in node.Done)
            {
                if (done == "write") isFlushed = false; // the block's own: the next height's promise comes after it
                else if (done == "flush") isFlushed = true;
                else if (done == "send COMMIT" && isFlushed) commits++;
                Assert.True(done != "send COMMIT" || isFlushed, string.Join(", ", node.Done));
            }
            Assert.InRange(commits, 5, 7);
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_decided_block_is_told_with_those_who_have_voted_for_it(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4, others: 1);
        network.Until(() => network.Nodes.Take(4).All(n => n.Head.Number >= 4), "blocks");
        foreach (var node in network.Nodes.Take(4))
        {
            Assert.Equal(node.Announced.Select(a => a.Block.Number).Distinct(), node.Announced.Select(a => a.Block.Number));
            Assert.InRange(node.Announced.Count, 3, 5);
            // A quorum of three with this one.
            Assert.All(node.Announced, a => Assert.InRange(a.Voters.Count, 2, 3));
            var others = network.Nodes.Take(4).Where(n => n != node).Select(n => n.Address).ToList();
            Assert.All(node.Announced.SelectMany(a => a.Voters), voter => Assert.Contains(voter, others));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_block_that_was_executed_as_a_proposal_is_taken_from_a_peer_with_the_seals_of_its_validators_alone(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        var (node, source) = (network.Nodes[0], network.Nodes[1]);
        network.Delivers = (_, to, message) => to != node || message.Kind != "COMMIT";
        var next = node.Head.Number + 1;
        network.Until(() => source.Head.Number >= next && ((Runtime.Consensus.IConsensusDriver)node.Driver).Executed(
            ChainStore.GetHeader(source.Store, next)!) is not null, "the others decide what this one has executed");
        var block = ChainStore.GetBlock(source.Store, next)!;
        Assert.Equal(block.Header, ((Runtime.Consensus.IConsensusDriver)node.Driver).Executed(block.Header)!.Block.Header);
        var seals = Enumerable.Range(90, 3).Select(stranger => TestChain.Signer(stranger).Sign(block.Hash)).ToList();
        var forged = block with { Header = new BftBlockProducer(node.Stores.Rules).WithCommits(block.Header, 0, seals) };
        Assert.Equal(block.Hash, forged.Hash);
        node.Take(forged);
        Assert.Equal(next - 1, node.Head.Number);
        node.Take(block);
        Assert.Equal(block.Hash, node.Head.Hash);
        Assert.Equal(block.Header.ExtraData, ChainStore.GetHeader(node.Store, next)!.ExtraData);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Without_one_validator_blocks_go_on_and_its_turn_costs_little(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        network.Away.Add(network.Nodes[3]);
        network.Connect();
        // What is still under way of it, and comes by way of others, is a sign of life.
        network.For(15_000);
        var (before, height) = (network.Now, network.Nodes[0].Head.Number);
        network.UntilHeight(height + 12);
        Assert.True(network.Now - before < 13_000 + (4 * 1_000), $"{network.Now - before} ms for 12 blocks");
        Assert.Contains(network.Nodes[0].Rounds, r => r.Round == 1);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void All_restarted_at_any_moment_they_decide_what_was_promised(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        for (var round = 0; round < 12; round++)
        {
            network.UntilHeight(network.Nodes[0].Head.Number + 1);
            network.For(1_000 + round * 3);
            foreach (var node in network.Nodes) node.Start();
            network.Connect();
        }
        network.UntilHeight(network.Nodes[0].Head.Number + 2);
        var height = network.Nodes.Min(n => n.Head.Number);
        for (var number = 1UL; number <= height; number++)
            Assert.Single(network.Nodes.Select(n => ChainStore.GetCanonicalHash(n.Store, number)).Distinct());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_validator_is_voted_in_takes_part_and_is_voted_out(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4, others: 1);
        var newcomer = network.Nodes[4];
        Assert.False(newcomer.Validators[0].IsOwn);
        foreach (var node in network.Nodes.Take(3)) node.Vote(newcomer.Address, authorize: true);
        Follow(network, newcomer, () => newcomer.Standing.IsValidator);
        Assert.True(newcomer.Validators[^1].IsOwn);
        Assert.Equal([newcomer.Address], newcomer.Validators[^1].Added);
        var since = newcomer.Head.Number;
        network.UntilHeight(since + 6);
        Assert.Contains(Enumerable.Range((int)since + 1, 6),
            n => network.Nodes[0].Stores.Rules.Bft!.Author(ChainStore.GetHeader(network.Nodes[0].Store, (ulong)n)!) == newcomer.Address);

        foreach (var node in network.Nodes.Take(3)) node.Vote(newcomer.Address, authorize: false);
        Follow(network, newcomer, () => !newcomer.Standing.IsValidator);
        Assert.False(newcomer.Validators[^1].IsOwn);
        network.Until(() => network.Nodes.Take(4).All(n => n.Head.Number > newcomer.Head.Number + 2), "blocks without it");
    }

    [Fact]
    public void A_candidate_is_voted_on_until_it_is_discarded()
    {
        var network = new BftNetwork(EngineKind.Ibft, validators: 4, others: 1);
        var (node, candidate) = (network.Nodes[0], network.Nodes[4].Address);
        node.Vote(candidate, authorize: true);
        Assert.True(Assert.Single(node.Standing.Candidates).Value);
        network.Until(() => Votes(node).Any(), "it is voted on");
        node.Vote(candidate, authorize: null);
        Assert.Empty(node.Standing.Candidates);
    }

    [Fact]
    public void A_promise_that_cannot_be_read_keeps_a_validator_silent_until_the_others_have_decided()
    {
        var network = new BftNetwork(EngineKind.Qbft, validators: 4);
        network.UntilHeight(3);
        var node = network.Nodes[0];
        network.Away.Add(node);
        var row = new KeyValueBatch();
        ChainStore.PutMeta(row, StoredNames.BftPromise, [1, 2, 3]);
        node.Store.Write(row, sync: true);
        node.Start();
        Assert.Contains("cannot be read", Assert.Single(node.Notices).Text, StringComparison.Ordinal);
        Assert.NotNull(node.Standing.Silence);
        node.Done.Clear();
        network.Away.Clear();
        network.Connect();
        var height = node.Head.Number;
        network.Until(() => network.Nodes.Skip(1).All(n => n.Head.Number > height), "the others decide");
        Assert.DoesNotContain(node.Done, d => d.StartsWith("send", StringComparison.Ordinal));
        Catch(network, node);
        Assert.Null(node.Standing.Silence);
        network.UntilHeight(height + 4);
        Assert.Contains(node.Done, d => d.StartsWith("send", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_promise_of_a_later_height_keeps_a_validator_silent_until_that_height(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(5);
        var (node, source) = (network.Nodes[0], network.Nodes[1]);
        network.Away.Add(node);
        network.Connect();
        var promised = node.Promise!;
        var height = Assert.NotNull(BftPromise.HeightOf(promised));
        Assert.InRange(height, 5UL, 6UL);
        network.UntilHeight(height);
        network.Away.Clear();
        node.StartWithoutBlocks();
        network.Connect();
        node.Done.Clear();
        while (node.Head.Number + 1 < height)
        {
            Assert.Contains($"votes of height {height} are stored", node.Standing.Silence, StringComparison.Ordinal);
            network.For(10_000);
            Assert.DoesNotContain(node.Done, d => d.StartsWith("send", StringComparison.Ordinal));
            Assert.Equal(promised, node.Promise);
            node.Take(ChainStore.GetBlock(source.Store, node.Head.Number + 1)!);
        }
        Assert.Null(node.Standing.Silence);
        Catch(network, node);
        var since = node.Head.Number;
        network.UntilHeight(since + 4);
        Assert.Contains(node.Done, d => d.StartsWith("send", StringComparison.Ordinal));
    }

    [Fact]
    public void A_node_on_another_chain_than_the_validators_gives_no_votes()
    {
        var network = new BftNetwork(EngineKind.Ibft, validators: 4);
        network.UntilHeight(2);
        var node = network.Nodes[0];
        node.Pass(new Consensus.ConsensusInput.HeadsParted(true));
        node.Done.Clear();
        network.Until(() => network.Nodes.Skip(1).All(n => n.Head.Number >= 6), "the others go on");
        Assert.DoesNotContain(node.Done, d => d.StartsWith("send", StringComparison.Ordinal));
        Assert.NotNull(node.Standing.Silence);
    }

    [Fact]
    public void Why_there_is_no_block_is_told()
    {
        var network = new BftNetwork(EngineKind.Ibft, validators: 4);
        network.UntilHeight(2);
        network.Away.Add(network.Nodes[2]);
        network.Away.Add(network.Nodes[3]);
        network.Connect();
        network.For(20_000);
        var report = network.Nodes[0].Explain();
        Assert.Equal(2, report.Standing.Reachable);
        Assert.NotEmpty(report.Explanation!.Reasons);
        Assert.Equal(4, report.Explanation.Validators.Count);
        Assert.All(report.Explanation.Validators,
            v => Assert.Equal(network.Present.Any(n => n.Address == v.Validator), v.IsSelf || v.IsConnected));
        network.Away.Clear();
        network.Connect();
        network.UntilHeight(5);
    }

    [Fact]
    public void Empty_blocks_wait_for_their_period_and_a_transaction_does_not()
    {
        const string engine = "\"qbft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"emptyblockperiodseconds\": 20, "
            + "\"requesttimeoutseconds\": 4 }";
        var network = new BftNetwork(EngineKind.Qbft, validators: 4, engine: engine);
        network.UntilHeight(2);
        var (first, second) = (Time(network, 1), Time(network, 2));
        Assert.Equal(20UL, second - first);
        network.For(5_000);
        foreach (var (node, i) in network.Nodes.Select((n, i) => (n, i))) node.Submit(TestChain.Public(TestChain.Key(200 + i), 0));
        network.UntilHeight(3);
        Assert.InRange(Time(network, 3) - second, 1UL, 8UL);
        Assert.All(network.Nodes, n => Assert.Empty(n.Rounds));
    }

    [Fact]
    public void IBFT_becomes_QBFT_at_its_block()
    {
        const string engine = "\"ibft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4, "
            + "\"ceil2Nby3Block\": 0 }, \"transitions\": [ { \"block\": 5, \"algorithm\": \"qbft\" } ]";
        var network = new BftNetwork(EngineKind.Ibft, validators: 4, engine: engine);
        network.UntilHeight(9);
        var chain = network.Nodes[0].Stores.Rules.Bft!;
        Assert.Equal((EngineKind.Ibft, EngineKind.Qbft), (chain.ProtocolAt(4), chain.ProtocolAt(5)));
        Assert.All(network.Nodes, n => Assert.Empty(n.Refused));
    }

    [Fact]
    public void One_validator_alone_makes_a_chain()
    {
        foreach (var kind in new[] { EngineKind.Ibft, EngineKind.Qbft })
        {
            var network = new BftNetwork(kind, validators: 1);
            network.UntilHeight(5);
            Assert.InRange(network.Now, 4_000, 8_000);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Where_a_contract_names_no_validators_there_are_no_blocks_and_the_nodes_stay_up(int validators)
    {
        const string engine = "\"qbft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4 }, "
            + "\"transitions\": [ { \"block\": 3, \"validatorselectionmode\": \"contract\", "
            + "\"validatorcontractaddress\": \"0x0000000000000000000000000000000000000077\" } ]";
        var network = new BftNetwork(EngineKind.Qbft, validators, engine: engine);
        network.UntilHeight(3);
        void StandStill()
        {
            network.For(20_000);
            Assert.All(network.Nodes, n => Assert.Equal(3UL, n.Head.Number));
            Assert.All(network.Nodes, n => Assert.Contains("no validators after block 3", n.Standing.Silence, StringComparison.Ordinal));
            Assert.All(network.Nodes, n => Assert.Contains(n.Notices, m => m.Text.Contains("no validators", StringComparison.Ordinal)));
            Assert.All(network.Nodes, n => Assert.Equal((4UL, false), (n.Explain().Standing.Height, n.Standing.IsValidator)));
        }
        StandStill();
        foreach (var node in network.Nodes) node.Start();
        network.Connect();
        StandStill();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void The_only_validator_does_not_vote_itself_out(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 1);
        var node = network.Nodes[0];
        node.Vote(node.Address, authorize: false);
        network.UntilHeight(4);
        Assert.True(node.Standing.IsValidator);
        Assert.False(Assert.Single(node.Standing.Candidates).Value);
    }

    private static ulong Time(BftNetwork network, ulong number) => ChainStore.GetHeader(network.Nodes[0].Store, number)!.Time;

    private static IEnumerable<ulong> Votes(BftTestNode node) =>
        node.Stores.Rules.Bft!.SnapshotAfter(node.Head).Votes.Select(v => v.Block);

    /// <summary>A node that only follows gets the blocks of another.</summary>
    private static void Follow(BftNetwork network, BftTestNode follower, Func<bool> condition) => network.Until(() =>
    {
        Catch(network, follower);
        return condition();
    }, "the validators change");

    private static void Catch(BftNetwork network, BftTestNode follower)
    {
        var source = network.Nodes[0] == follower ? network.Nodes[1] : network.Nodes[0];
        while (follower.Head.Number < source.Head.Number) follower.Take(ChainStore.GetBlock(source.Store, follower.Head.Number + 1)!);
    }
}
