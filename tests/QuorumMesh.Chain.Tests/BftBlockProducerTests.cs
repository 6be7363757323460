using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>New IBFT and QBFT blocks: those that GoQuorum's nodes made come out of their inputs, byte for byte.</summary>
public sealed class BftBlockProducerTests
{
    public static TheoryData<string> Networks => ["ibft4-2.5.0", "ibft-to-qbft-24.4.1", "qbft4-24.4.1", "qbft-contract-24.4.1"];

    /// <summary>
    /// From parent, time, candidate, vanity, transactions, the proposer's key, round and committed seals: header, roots, hash, bytes.
    /// </summary>
    [VectorTheory]
    [MemberData(nameof(Networks))]
    public void Recorded_blocks_are_made_again(string name)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        var builder = new BlockBuilder(node.Rules, node.Public, node.Private);
        var keys = KeysOf(network);
        foreach (var block in network.Blocks.Skip(1))
        {
            var recorded = Inputs.Of(node.Rules.Bft!, block.Header);
            var producer = new BftBlockProducer(node.Rules, recorded.Vanity);
            var author = node.Rules.Bft!.Author(block.Header);
            var prepared = producer.Prepare(node.Head, block.Header.Time, author, recorded.Vote);
            var built = builder.Build(prepared, author, new TransactionList(node.Recover(block)),
                new(node.Public.Head, null, node.HashAt), new BuildLimits());
            Assert.Empty(built.Skipped);
            var proposal = producer.SealProposal(built.Block.Header, hash => Secp256k1.Sign(keys[author], hash.ToArray()));
            Assert.Equal(block.Hash, proposal.Hash);
            Assert.Null(node.Rules.EngineAt(block.Number).VerifyProposal(proposal, node.Head));
            Assert.Equal("zero committed seals", node.Rules.EngineAt(block.Number).VerifyHeader(proposal, node.Head));

            var decided = producer.WithCommits(proposal, recorded.Round, recorded.Seals);
            Assert.Equal(block.Hash, decided.Hash);
            Assert.Equal(block.Header.Encode(), decided.Encode());
            Assert.True(node.Rules.Bft.TryRecoverCommitters(decided, out var committers));
            Assert.Equal(committers, SignersOver(producer.CommittedSealHash(proposal, recorded.Round), recorded.Seals));
            node.Import(block with { Header = decided }, network.PayloadsOf(0));
        }
    }

    [VectorFact]
    public void A_block_waits_for_its_period_and_an_empty_one_for_its_own()
    {
        var network = new RecordedNetwork("qbft-contract-24.4.1");
        var node = new TestNode(network.Genesis, network.Profile);
        var waits = new Dictionary<ulong, (ulong Block, ulong Empty)>();
        var producer = new BftBlockProducer(node.Rules);
        foreach (var block in network.Blocks.Skip(1))
        {
            waits[block.Number] = (producer.EarliestTime(node.Head, isEmpty: false) - node.Head.Time,
                producer.EarliestTime(node.Head, isEmpty: true) - node.Head.Time);
            var early = producer.Prepare(node.Head, now: 0, block.Header.Coinbase, isEmpty: true);
            Assert.Equal(node.Head.Time + waits[block.Number].Empty, early.Time);
            // As the nodes did: none comes before its time.
            Assert.True(block.Header.Time >= node.Head.Time + waits[block.Number].Block);
            node.Import(block, network.PayloadsOf(0));
        }
        Assert.Equal([(1ul, 1ul), (1, 1), (1, 4), (1, 4), (2, 4), (1, 1)], new ulong[] { 1, 39, 40, 47, 48, 56 }.Select(n => waits[n]));
    }

    [Fact]
    public void A_vote_without_meaning_is_not_cast_and_seals_have_their_size()
    {
        var chain = new IstanbulChainBuilder();
        var producer = new BftBlockProducer(chain.Rules);
        var (self, stranger) = (IstanbulChainBuilder.Validator(0), IstanbulChainBuilder.Validator(7));
        BlockHeader With(Address candidate, bool add) => producer.Prepare(chain.Head, 0, self, new ValidatorVote(candidate, add));
        Assert.Equal((stranger, ulong.MaxValue), (With(stranger, true).Coinbase, With(stranger, true).Nonce));
        Assert.Equal((self, 0ul), (With(self, false).Coinbase, With(self, false).Nonce));
        Assert.Equal((Address.Zero, 0ul), (With(stranger, false).Coinbase, With(self, true).Nonce));
        var header = With(stranger, true);
        Assert.Throws<ArgumentException>(() => producer.SealProposal(header, _ => new byte[64]));
        Assert.Throws<ArgumentException>(() => producer.WithCommits(header, 0, []));
        Assert.Throws<ArgumentException>(() => producer.WithCommits(header, 0, [new byte[66]]));
        Assert.Throws<ArgumentException>(() => new BftBlockProducer(chain.Rules, new byte[33]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_last_validator_is_not_voted_out(int validators)
    {
        var chain = new IstanbulChainBuilder(validators);
        var self = IstanbulChainBuilder.Validator(0);
        var header = new BftBlockProducer(chain.Rules).Prepare(chain.Head, 0, self, new ValidatorVote(self, Authorize: false));
        Assert.Equal(validators == 1 ? Address.Zero : self, header.Coinbase);
        var stranger = IstanbulChainBuilder.Validator(7);
        Assert.Equal(stranger, new BftBlockProducer(chain.Rules).Prepare(chain.Head, 0, self, new ValidatorVote(stranger, true)).Coinbase);
    }

    private static IEnumerable<Address> SignersOver(Hash256 hash, IReadOnlyList<byte[]> seals)
    {
        foreach (var seal in seals)
        {
            Assert.True(Secp256k1.TryRecoverAddress(hash.ToArray(), seal.AsSpan(0, 64), seal[64], out var signer));
            yield return signer;
        }
    }

    private static Dictionary<Address, byte[]> KeysOf(RecordedNetwork network)
    {
        using var nodes = network.Json("nodes.json");
        return nodes.RootElement.EnumerateArray().ToDictionary(n => Address.Parse(n.GetProperty("address").GetString()!),
            n => Hex.FromHex(n.GetProperty("nodeKey").GetString()!));
    }

    private sealed record Inputs(byte[] Vanity, ValidatorVote? Vote, uint Round, IReadOnlyList<byte[]> Seals)
    {
        public static Inputs Of(BftChain chain, BlockHeader header)
        {
            if (chain.ProtocolAt(header.Number) == EngineKind.Qbft)
            {
                Assert.True(QbftExtra.TryDecode(header.ExtraData, out var qbft));
                var cast = qbft.Vote is { } vote ? new ValidatorVote(vote.Recipient, vote.Type == QbftVote.Add) : (ValidatorVote?)null;
                return new Inputs(qbft.Vanity, cast, qbft.Round, qbft.CommittedSeals);
            }
            Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var ibft));
            var candidate = header.Coinbase.IsZero ? (ValidatorVote?)null : new ValidatorVote(header.Coinbase, header.Nonce != 0);
            return new Inputs(ibft.Vanity, candidate, 0, ibft.CommittedSeals);
        }
    }
}
