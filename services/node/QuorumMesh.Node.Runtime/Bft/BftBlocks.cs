using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>Reads blocks for the machine, which takes them as bytes.</summary>
internal sealed class BftBlocks(BftBlockProducer producer, BftChain chain) : IBftBlocks
{
    public static EngineKind KindOf(BftProtocol protocol) => protocol == BftProtocol.Ibft ? EngineKind.Ibft : EngineKind.Qbft;

    /// <summary>
    /// A block of another engine has a hash of another kind: it would be voted on under a name that is not its own. One whose extra data
    /// cannot be read has no place for seals, and nothing to seal.
    /// </summary>
    public BftProposal? Read(BftProtocol protocol, byte[] rlp)
    {
        try
        {
            var header = Block.Decode(rlp).Header;
            var isReadable = protocol == BftProtocol.Ibft ? IstanbulExtra.TryDecode(header.ExtraData, out _)
                : QbftExtra.TryDecode(header.ExtraData, out _);
            return isReadable && chain.ProtocolAt(header.Number) == KindOf(protocol)
                ? new BftProposal(header.Number, header.Hash, rlp) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public Hash256 QbftSealHash(BftProposal proposal, ulong round) =>
        producer.CommittedSealHash(Block.Decode(proposal.Rlp).Header, (uint)round);
}
