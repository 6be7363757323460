using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What a stranger's proposal may be before anything is asked of it.</summary>
public sealed class BftBlocksTests
{
    private const int Vanity = 32, LargestBlock = 8 << 20;

    public static TheoryData<BftProtocol> Protocols => [BftProtocol.Ibft, BftProtocol.Qbft];

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_block_with_nowhere_to_put_seals_is_none(BftProtocol protocol)
    {
        var blocks = BlocksOf(protocol);
        BftProposal? Read(byte[] extra) => blocks.Read(protocol, new Block(Header(extra), []).Encode());
        var own = Read(Extra(protocol));
        Assert.Equal(1ul, own?.Number);
        var (qbft, others) = (Extra(BftProtocol.Qbft), protocol == BftProtocol.Ibft ? BftProtocol.Qbft : BftProtocol.Ibft);
        foreach (var extra in new byte[][] { [], [0xc0], new byte[40], Extra(others), [.. qbft, 1] }) Assert.Null(Read(extra));
        Assert.Null(blocks.Read(protocol, [0xc0]));
        if (protocol == BftProtocol.Qbft) Assert.NotEqual(blocks.QbftSealHash(own!, 0), blocks.QbftSealHash(own!, 1));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_block_that_was_read_is_not_read_again_and_is_still_none_of_the_other_protocols(BftProtocol protocol)
    {
        var blocks = BlocksOf(protocol);
        var encodings = Enumerable.Range(0, 5).Select(i => new Block(Header(Extra(protocol, filling: i)), []).Encode()).ToList();
        foreach (var rlp in encodings)
        {
            var read = Assert.IsType<BftProposal>(blocks.Read(protocol, rlp));
            Assert.Same(read, blocks.Read(protocol, rlp));
            Assert.Same(blocks.BlockOf(read), blocks.BlockOf(read));
            Assert.Equal(read.Digest, blocks.BlockOf(read).Hash);
            Assert.Null(blocks.Read(protocol == BftProtocol.Ibft ? BftProtocol.Qbft : BftProtocol.Ibft, rlp));
        }
        // The first ones are forgotten, and read again.
        Assert.Equal(encodings[0], blocks.Read(protocol, encodings[0])!.Rlp);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_body_that_is_not_the_headers_is_none(BftProtocol protocol)
    {
        var blocks = BlocksOf(protocol);
        var transactions = new[] { TestChain.Public(TestChain.Key(1), 0), TestChain.Public(TestChain.Key(2), 0) };
        var header = Header(Extra(protocol)) with { TransactionsRoot = BlockValidator.TransactionsRoot(transactions) };
        BftProposal? Read(BlockHeader h, params Transaction[] body) => blocks.Read(protocol, new Block(h, body).Encode());
        Assert.Equal(header.Hash, Read(header, transactions)?.Digest);
        Assert.Null(Read(header));
        Assert.Null(Read(header, transactions[0]));
        Assert.Null(Read(header, transactions[1], transactions[0]));
        Assert.Null(Read(header with { TransactionsRoot = Hash256.EmptyTrie }, transactions));
        Assert.Null(Read(header with { UncleHash = Hash256.EmptyTrie }, transactions));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_block_that_says_it_was_decided_is_none_for_its_hash_is_that_of_the_one_that_does_not(BftProtocol protocol)
    {
        var blocks = BlocksOf(protocol);
        var seal = new byte[IstanbulExtra.SealSize];
        foreach (var decided in protocol == BftProtocol.Ibft ? [Extra(protocol, seals: [seal])]
            : new[] { Extra(protocol, seals: [seal]), Extra(protocol, round: 1) })
        {
            Assert.Equal(Header(Extra(protocol)).Hash, Header(decided).Hash);
            Assert.Null(blocks.Read(protocol, new Block(Header(decided), []).Encode()));
        }
    }

    [Fact]
    public void A_QBFT_block_whose_extra_data_reads_as_IBFTs_too_is_none()
    {
        // Behind 32 bytes a list that ends with the whole: [[], what is left of the vanity up to the round, the seals].
        byte[] rest = [0xc0, 0xc0, 0x80], inner = [0xc0, (byte)(0x80 + rest.Length), .. rest, 0xc0];
        byte[] vanity = [.. new byte[Vanity - 2], (byte)(0xc0 + inner.Length), 0xc0, (byte)(0x80 + rest.Length)];
        var extra = new QbftExtra(vanity, [], null, 0, []).Encode();
        Assert.True(QbftExtra.TryDecode(extra, out _) && IstanbulExtra.TryDecode(extra, out _));
        Assert.Null(BlocksOf(BftProtocol.Qbft).Read(BftProtocol.Qbft, new Block(Header(extra), []).Encode()));
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void A_block_over_8_MiB_is_none_and_one_of_that_size_fits_into_a_message(BftProtocol protocol)
    {
        var blocks = BlocksOf(protocol);
        byte[] Sized(int filling) => new Block(Header(Extra(protocol, filling)), []).Encode();
        var around = Sized(LargestBlock).Length - LargestBlock;
        var largest = Sized(LargestBlock - around);
        Assert.Equal(LargestBlock, largest.Length);
        Assert.NotNull(blocks.Read(protocol, largest));
        Assert.Null(blocks.Read(protocol, Sized(LargestBlock - around + 1)));
        // A quorum of a thousand validators justifies it with a round change and a vote of a hundred and fifty bytes each.
        Assert.InRange(LargestBlock + (1_000 * 2 * 150), 1, BftWire.LargestMessage);
    }

    private static BlockHeader Header(byte[] extra) => new() { Number = 1, MixHash = IstanbulHeader.Digest, ExtraData = extra };

    /// <param name="filling">More bytes where any number may be: in IBFT's proposer seal, in QBFT's vanity.</param>
    private static byte[] Extra(BftProtocol protocol, int filling = 0, uint round = 0, IReadOnlyList<byte[]>? seals = null) =>
        protocol == BftProtocol.Ibft ? new IstanbulExtra(new byte[Vanity], [], new byte[filling], seals ?? []).Encode()
            : new QbftExtra(new byte[Vanity + filling], [], null, round, seals ?? []).Encode();

    private static BftBlocks BlocksOf(BftProtocol protocol)
    {
        var engine = protocol == BftProtocol.Ibft ? "\"ibft\": {}" : "\"qbft\": {}";
        var config = GenesisFile.Parse($$"""
            { "config": { "chainId": 10, "isQuorum": true, {{engine}} }, "alloc": {}, "gasLimit": "0x1", "difficulty": "0x1" }
            """).Config;
        var rules = new ChainRules(config, CompatibilityProfile.V24,
            EngineFactory.Create(config, CompatibilityProfile.V24, new MemoryKeyValueStore()));
        return new BftBlocks(new BftBlockProducer(rules), rules.Bft!);
    }
}
