using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>A block that is voted on. The machine does not read it: <see cref="IBftBlocks"/> does.</summary>
/// <param name="Number">The block's number.</param>
/// <param name="Digest">The block's hash, which committed seals and QBFT's round are no part of.</param>
/// <param name="Rlp">
/// The block as it stands in a PRE-PREPARE: [header, transactions, uncles], without committed seals, in QBFT with round 0. Not to be
/// changed.
/// </param>
public sealed record BftProposal(ulong Number, Hash256 Digest, byte[] Rlp);

/// <summary>What the machine must know of blocks. Pure; called by whoever steps the machine.</summary>
public interface IBftBlocks
{
    /// <summary>Number and hash of a block. The hash stands for all bytes: of two blocks that differ anywhere, one is none.</summary>
    /// <param name="protocol">Tells how header and hash are made.</param>
    /// <param name="rlp">From a stranger. What is returned may keep it.</param>
    /// <returns>Null when this is no block of that protocol; whether it is a valid one is not asked.</returns>
    BftProposal? Read(BftProtocol protocol, byte[] rlp);

    /// <summary>
    /// What QBFT's committed seal signs: the hash of the header without seals and with this round (24:core/types/istanbul.go). IBFT's is
    /// over the digest, and the machine makes it itself.
    /// </summary>
    /// <param name="proposal">Of <see cref="Read"/>.</param>
    Hash256 QbftSealHash(BftProposal proposal, ulong round);
}

/// <summary>The validator that the machine acts for.</summary>
/// <param name="Address">Of the node key.</param>
/// <param name="Sign">
/// Signs 32 bytes with the node key: r ‖ s ‖ recovery id (0 or 1), 65 bytes. Deterministic (RFC 6979), so that a message sent again has
/// the same bytes and peers know it.
/// </param>
public sealed record BftIdentity(Address Address, Func<Hash256, byte[]> Sign);
