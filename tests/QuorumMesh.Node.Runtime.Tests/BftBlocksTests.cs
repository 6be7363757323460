using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What a stranger's proposal may be before anything is asked of it.</summary>
public sealed class BftBlocksTests
{
    [Theory]
    [InlineData(BftProtocol.Ibft, "\"ibft\": {}")]
    [InlineData(BftProtocol.Qbft, "\"qbft\": {}")]
    public void A_block_with_nowhere_to_put_seals_is_none(BftProtocol protocol, string engine)
    {
        var config = GenesisFile.Parse($$"""
            { "config": { "chainId": 10, "isQuorum": true, {{engine}} }, "alloc": {}, "gasLimit": "0x1", "difficulty": "0x1" }
            """).Config;
        var rules = new ChainRules(config, CompatibilityProfile.V24,
            EngineFactory.Create(config, CompatibilityProfile.V24, new MemoryKeyValueStore()));
        var blocks = new BftBlocks(new BftBlockProducer(rules), rules.Bft!);
        var (ibft, qbft) = (new IstanbulExtra(new byte[32], [], [], []).Encode(), new QbftExtra(new byte[32], [], null, 0, []).Encode());
        BftProposal? Read(byte[] extra) => blocks.Read(protocol,
            new Block(new BlockHeader { Number = 1, MixHash = IstanbulHeader.Digest, ExtraData = extra }, []).Encode());
        var own = Read(protocol == BftProtocol.Ibft ? ibft : qbft);
        Assert.Equal(1ul, own?.Number);
        foreach (var extra in new byte[][] { [], [0xc0], new byte[40], protocol == BftProtocol.Ibft ? qbft : ibft, [.. qbft, 1] })
            Assert.Null(Read(extra));
        Assert.Null(blocks.Read(protocol, [0xc0]));
        if (protocol == BftProtocol.Qbft) Assert.NotEqual(blocks.QbftSealHash(own!, 0), blocks.QbftSealHash(own!, 1));
    }
}
