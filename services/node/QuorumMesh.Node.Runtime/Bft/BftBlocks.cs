using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// Reads blocks for the machine, which takes them as bytes. The last ones stay read: a height asks for the same one again and again. Owned
/// by the writer loop.
/// </summary>
internal sealed class BftBlocks(BftBlockProducer producer, BftChain chain) : IBftBlocks
{
    // With the votes of a justification around it, it still fits into a message; what is built here is smaller by far.
    private const int LargestBlock = 8 << 20;

    /// <summary>A height has one proposal, and few rounds.</summary>
    private const int MostKept = 3;

    private readonly Queue<(BftProtocol Protocol, BftProposal Proposal, Block Block)> _kept = [];

    public static EngineKind KindOf(BftProtocol protocol) => protocol == BftProtocol.Ibft ? EngineKind.Ibft : EngineKind.Qbft;

    /// <summary>
    /// A block of another engine has a hash of another kind: it would be voted on under a name that is not its own. One whose extra data
    /// cannot be read has no place for seals, and nothing to seal. Nor is it a block when the hash leaves anything of it open: else a
    /// verdict on one body would count for another.
    /// </summary>
    public BftProposal? Read(BftProtocol protocol, byte[] rlp)
    {
        if (rlp.Length > LargestBlock) return null;
        foreach (var kept in _kept)
            if (ReferenceEquals(kept.Proposal.Rlp, rlp) && kept.Protocol == protocol) return kept.Proposal;
        try
        {
            var block = Block.Decode(rlp);
            var header = block.Header;
            return chain.ProtocolAt(header.Number) == KindOf(protocol) && IsUndecided(protocol, header.ExtraData) && HasItsBody(block)
                ? Keep(protocol, new BftProposal(header.Number, header.Hash, rlp), block) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    public Hash256 QbftSealHash(BftProposal proposal, ulong round) => producer.CommittedSealHash(BlockOf(proposal).Header, (uint)round);

    /// <summary>This node's own block, built and sealed by the rules of its height.</summary>
    public BftProposal Of(Block built) => Keep(chain.ProtocolAt(built.Number) == EngineKind.Qbft ? BftProtocol.Qbft : BftProtocol.Ibft,
        new BftProposal(built.Number, built.Hash, built.Encode()), built);

    /// <summary>The block of a proposal that was read or made here.</summary>
    public Block BlockOf(BftProposal proposal)
    {
        foreach (var kept in _kept)
            if (ReferenceEquals(kept.Proposal.Rlp, proposal.Rlp)) return kept.Block;
        return Block.Decode(proposal.Rlp);
    }

    private BftProposal Keep(BftProtocol protocol, BftProposal proposal, Block block)
    {
        if (_kept.Count == MostKept) _kept.Dequeue();
        _kept.Enqueue((protocol, proposal, block));
        return proposal;
    }

    /// <summary>
    /// Without committed seals and with round 0, which the hash leaves out. QBFT's that reads as IBFT's too would be hashed as that.
    /// </summary>
    private static bool IsUndecided(BftProtocol protocol, byte[] extraData)
    {
        var isIbft = IstanbulExtra.TryDecode(extraData, out var ibft);
        if (protocol == BftProtocol.Ibft) return isIbft && ibft.CommittedSeals.Count == 0;
        return !isIbft && QbftExtra.TryDecode(extraData, out var qbft) && qbft is { Round: 0, CommittedSeals.Count: 0 };
    }

    private static bool HasItsBody(Block block) =>
        block.Header.UncleHash == Hash256.EmptyUncles
        && block.Header.TransactionsRoot == BlockValidator.TransactionsRoot(block.Transactions);
}
