using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>What a validator does with the others; <see cref="BftLink"/> does it.</summary>
public abstract record ValidatorEffect : NetworkEffect
{
    private ValidatorEffect() { }

    /// <summary>A message that rests on what is durable, or one of another validator that is passed on.</summary>
    /// <param name="Code">0x11 under IBFT, 0x12 to 0x15 under QBFT.</param>
    /// <param name="Message">RLP.</param>
    /// <param name="To">Accounts of validators.</param>
    /// <param name="Again">It went out before, and whoever missed it needs it.</param>
    public sealed record Send(int Code, ReadOnlyMemory<byte> Message, IReadOnlyCollection<Address> To, bool Again) : ValidatorEffect;

    /// <summary>The block is decided, and on this node's chain: nodes that only follow hear of it.</summary>
    /// <param name="TotalDifficulty">With it.</param>
    /// <param name="Voters">Accounts of those who have voted for it: they have it, and its hash is enough for them.</param>
    public sealed record Announce(Block Block, UInt256 TotalDifficulty, IReadOnlySet<Address> Voters) : ValidatorEffect;
}
