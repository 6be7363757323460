using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>Hashes and signers of QBFT headers (24:core/types/istanbul.go, consensus/istanbul/qbft/engine/engine.go).</summary>
public static class QbftHeader
{
    /// <summary>The hash with round 0 and without seals, or null when the extra data is not QBFT's.</summary>
    public static Hash256? BlockHash(BlockHeader header) =>
        QbftExtra.TryDecode(header.ExtraData, out var extra) ? HashWith(header, extra, round: 0) : null;

    /// <summary>
    /// The 32 bytes that a committed seal is over, as they are: the header with the round of its decision and without seals
    /// (QBFTHashWithRoundNumber).
    /// </summary>
    /// <exception cref="ArgumentException">The extra data is not QBFT's.</exception>
    public static Hash256 CommittedSealHash(BlockHeader header, uint round) => HashWith(header, ExtraOf(header), round);

    /// <summary>With round and seals of its decision; the hash stays.</summary>
    /// <exception cref="ArgumentException">No seal, one of another size, or the extra data is not QBFT's.</exception>
    public static BlockHeader WithCommits(BlockHeader header, uint round, IReadOnlyList<byte[]> seals) => header with
    {
        ExtraData = (ExtraOf(header) with { Round = round, CommittedSeals = CommittedSeals.Sized(seals) }).Encode(),
    };

    /// <summary>The signers of the committed seals in their order; false when one does not recover.</summary>
    public static bool TryRecoverCommitters(BlockHeader header, out IReadOnlyList<Address> committers)
    {
        committers = [];
        return QbftExtra.TryDecode(header.ExtraData, out var extra) && CommittedSeals.TryRecover(
            HashWith(header, extra, extra.Round), extra.CommittedSeals, out committers);
    }

    private static QbftExtra ExtraOf(BlockHeader header) => QbftExtra.TryDecode(header.ExtraData, out var extra) ? extra
        : throw new ArgumentException("the extra data is not QBFT's", nameof(header));

    private static Hash256 HashWith(BlockHeader header, QbftExtra extra, uint round) =>
        Keccak.Hash((header with { ExtraData = (extra with { Round = round, CommittedSeals = [] }).Encode() }).Encode());
}
