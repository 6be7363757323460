using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What the core refuses of blocks that no quorum stands behind: from a peer, or proposed by one validator.</summary>
public sealed class UndecidedBlockTests
{
    public static TheoryData<EngineKind> Engines => [EngineKind.Ibft, EngineKind.Qbft];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_block_from_a_peer_that_no_quorum_has_sealed_is_not_taken(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4, others: 1);
        network.Until(() => network.Nodes[0].Head.Number >= 2, "two blocks");
        var (source, follower) = (network.Nodes[0], network.Nodes[4]);
        var decided = ChainStore.GetBlock(source.Store, 1)!;
        var undecided = decided with { Header = WithFewerSeals(kind, decided.Header, 2) };
        Assert.Equal(decided.Hash, undecided.Hash);
        // Enough for the header rules: GoQuorum would take it.
        Assert.Null(follower.Stores.Rules.EngineAt(1).VerifyHeader(undecided.Header, follower.Head));

        var answer = new Reply<Taken>();
        foreach (var given in follower.Pass(new NodeInput.SyncedBlocks([undecided], answer))) given.Deliver();
        var refused = await Assert.ThrowsAsync<NodeHaltedException>(() => answer.Task);
        // The sender is blamed for it, as for any other header that is not valid.
        Assert.True(Assert.IsType<InvalidBlockException>(refused.InnerException).IsHeader);
        Assert.Contains("2 committed seals, and 3 decide it", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0ul, follower.Head.Number);

        follower.Take(decided, ChainStore.GetBlock(source.Store, 2)!);
        Assert.Equal(2ul, follower.Head.Number);
    }

    [Fact]
    public void A_proposal_with_more_gas_than_an_honest_one_is_refused_before_it_is_executed()
    {
        var genesis = BftTestChain.Genesis(EngineKind.Qbft, [TestChain.Signer(1).Address]);
        var stores = BftTestChain.Open(new MemoryKeyValueStore(), genesis);
        var script = new ConsensusSeamTests.Script();
        var core = new NodeCore(new NodeCoreSetup { Stores = stores, Signer = TestChain.Signer(1) }, script);
        core.Open(new NodeTime(0, 0));
        var header = new BftBlockProducer(stores.Rules).Prepare(core.Head, now: 1, TestChain.Signer(1).Address);
        var gasLimits = new Queue<ulong>([core.Head.GasLimit, core.Head.GasLimit * 1024]);
        script.On<ConsensusInput.PassEnded>((_, outputs) =>
        {
            while (gasLimits.TryDequeue(out var gasLimit))
                outputs.Add(new ConsensusOutput.BuildBlock(header with { GasLimit = gasLimit }, header.Coinbase, [],
                    new HashSet<Hash256>(), new BuildLimits(), MayBeEmpty: true));
        });
        script.On<ConsensusInput.BlockBuilt>((built, outputs) => outputs.Add(new ConsensusOutput.VerifyBlock(built.Block!.Block)));
        NodePass.Run(core, new NodeTime(0, 0), [], static () => 0, static _ => { });

        var verified = script.Seen<ConsensusInput.BlockVerified>().ToList();
        Assert.Equal(2, verified.Count);
        Assert.Null(verified[0].Reason);
        Assert.Contains("invalid gas limit", verified[1].Reason, StringComparison.Ordinal);
        Assert.Null(verified[1].Executed);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void The_only_validator_goes_on_when_it_is_told_to_vote_itself_out(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 1);
        var node = network.Nodes[0];
        node.Vote(node.Address, authorize: false);
        network.UntilHeight(4);
        Assert.True(node.Standing.IsValidator);
        Assert.Empty(node.Stores.Rules.Bft!.SnapshotAfter(node.Head).Votes);
    }

    private static BlockHeader WithFewerSeals(EngineKind kind, BlockHeader header, int seals)
    {
        if (kind == EngineKind.Qbft)
        {
            Assert.True(QbftExtra.TryDecode(header.ExtraData, out var qbft));
            return header with { ExtraData = (qbft with { CommittedSeals = [.. qbft.CommittedSeals.Take(seals)] }).Encode() };
        }
        Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var ibft));
        return header with { ExtraData = (ibft with { CommittedSeals = [.. ibft.CommittedSeals.Take(seals)] }).Encode() };
    }
}
