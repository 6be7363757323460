using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>Hashes and signers of IBFT 1.0 headers (GoQuorum core/types/istanbul.go and the istanbul engine).</summary>
public static class IstanbulHeader
{
    private const byte CommitMessageCode = 2;

    /// <summary>The mixHash that marks an Istanbul header.</summary>
    public static Hash256 Digest { get; } = Hash256.Parse("0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");

    /// <summary>
    /// The hash without committed seals, and under QBFT with round 0; null when this is neither header. IBFT's form is tried first, as
    /// GoQuorum does (24:core/types/istanbul.go FilteredHeader).
    /// </summary>
    public static Hash256? BlockHash(BlockHeader header) =>
        header.MixHash != Digest ? null
        : IstanbulExtra.TryDecode(header.ExtraData, out var extra) ? HashWith(header, extra with { CommittedSeals = [] })
        : QbftHeader.BlockHash(header);

    /// <summary>What the proposer seals: the header without proposer seal and committed seals.</summary>
    public static Hash256 SigningHash(BlockHeader header, IstanbulExtra extra) =>
        HashWith(header, extra with { Seal = [], CommittedSeals = [] });

    /// <summary>The 32 bytes that a proposer's secp256k1 signature is over: the signing hash, hashed once more.</summary>
    public static Hash256 ProposerSealHash(BlockHeader header, IstanbulExtra extra)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        // Hashed twice, as GoQuorum's Sign hashes the hash it is given (2.5:consensus/istanbul/backend/engine.go sigHash,
        // backend.go Sign).
        SigningHash(header, extra).CopyTo(bytes);
        return Keccak.Hash(bytes);
    }

    /// <summary>The 32 bytes that a committed seal is over: keccak(blockHash ‖ 0x02).</summary>
    public static Hash256 CommittedSealHash(in Hash256 blockHash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size + 1];
        blockHash.CopyTo(bytes);
        bytes[Hash256.Size] = CommitMessageCode;
        return Keccak.Hash(bytes);
    }

    /// <summary>With the proposer's seal, which is part of the block hash.</summary>
    /// <param name="sign">r ‖ s ‖ recovery id over the given hash.</param>
    /// <exception cref="ArgumentException">The extra data is not IBFT's, or the seal has another size.</exception>
    public static BlockHeader SealProposal(BlockHeader header, Func<Hash256, byte[]> sign)
    {
        var extra = ExtraOf(header);
        return header with { ExtraData = (extra with { Seal = CommittedSeals.Sized(sign(ProposerSealHash(header, extra))) }).Encode() };
    }

    /// <summary>With the seals of its decision; the hash stays.</summary>
    /// <exception cref="ArgumentException">No seal, one of another size, or the extra data is not IBFT's.</exception>
    public static BlockHeader WithCommits(BlockHeader header, IReadOnlyList<byte[]> seals) =>
        header with { ExtraData = (ExtraOf(header) with { CommittedSeals = CommittedSeals.Sized(seals) }).Encode() };

    /// <summary>The proposer, recovered from the seal in the extra data.</summary>
    public static bool TryRecoverProposer(BlockHeader header, out Address proposer)
    {
        proposer = default;
        return IstanbulExtra.TryDecode(header.ExtraData, out var extra)
            && CommittedSeals.TryRecover(ProposerSealHash(header, extra), extra.Seal, out proposer);
    }

    /// <summary>The signers of the committed seals in their order; false when one does not recover.</summary>
    public static bool TryRecoverCommitters(BlockHeader header, out IReadOnlyList<Address> committers)
    {
        committers = [];
        return IstanbulExtra.TryDecode(header.ExtraData, out var extra)
            && CommittedSeals.TryRecover(CommittedSealHash(header.Hash), extra.CommittedSeals, out committers);
    }

    private static IstanbulExtra ExtraOf(BlockHeader header) => IstanbulExtra.TryDecode(header.ExtraData, out var extra) ? extra
        : throw new ArgumentException("the extra data is not IBFT's", nameof(header));

    private static Hash256 HashWith(BlockHeader header, IstanbulExtra extra) =>
        Keccak.Hash((header with { ExtraData = extra.Encode() }).Encode());
}
