using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// The headers of new IBFT and QBFT blocks (24:consensus/istanbul/ibft/engine/engine.go and qbft/engine/engine.go Prepare, Seal,
/// CommitHeader; miner/worker.go). Pure: times, votes and signatures are handed in.
/// </summary>
public sealed class BftBlockProducer
{
    private readonly BftChain _chain;
    private readonly byte[] _vanity;

    /// <param name="vanity">First bytes of the extra data, up to 32; filled up with zeros. Nobody checks it.</param>
    /// <exception cref="ArgumentException">The chain is neither IBFT nor QBFT, or the vanity is longer.</exception>
    public BftBlockProducer(ChainRules rules, byte[]? vanity = null)
    {
        _chain = rules.Bft ?? throw new ArgumentException("the chain is neither IBFT nor QBFT", nameof(rules));
        if (vanity?.Length > IstanbulExtra.VanitySize) throw new ArgumentException("at most 32 bytes", nameof(vanity));
        _vanity = [.. vanity ?? [], .. new byte[IstanbulExtra.VanitySize - (vanity?.Length ?? 0)]];
    }

    /// <summary>
    /// Seconds since 1970 before which a block on the parent is not to be proposed: its header has this time or a later one.
    /// </summary>
    /// <param name="isEmpty">The block has no transactions: under QBFT it may have to wait longer.</param>
    public ulong EarliestTime(BlockHeader parent, bool isEmpty)
    {
        var settings = _chain.After(parent);
        return parent.Time + (isEmpty ? Math.Max(settings.PeriodSeconds, settings.EmptyPeriodSeconds) : settings.PeriodSeconds);
    }

    /// <summary>A header to build on a stored block: everything but what execution fills in, and seals.</summary>
    /// <param name="now">Seconds since 1970; the header's time is not below it.</param>
    /// <param name="self">The validator that makes the block.</param>
    /// <param name="vote">
    /// A candidate that this node proposes or drops; null, one without meaning now, or one that drops the last validator casts none.
    /// </param>
    public BlockHeader Prepare(BlockHeader parent, ulong now, in Address self, ValidatorVote? vote = null, bool isEmpty = false)
    {
        var (number, snapshot) = (parent.Number + 1, _chain.SnapshotAfter(parent));
        // A contract's validators are not listed, by the mode of the parent's block.
        var listed = _chain.ListsValidatorsAfter(parent.Number) ? snapshot.Validators.Addresses : [];
        var cast = vote is { } wanted && MayCast(wanted, snapshot) ? wanted : (ValidatorVote?)null;
        var header = new BlockHeader
        {
            ParentHash = parent.Hash,
            Number = number,
            GasLimit = _chain.GasLimitAfter(parent.Number).Next(parent),
            Time = Math.Max(EarliestTime(parent, isEmpty), now),
            Difficulty = UInt256.One,
            MixHash = IstanbulHeader.Digest,
        };
        return _chain.ProtocolAt(number) == EngineKind.Qbft
            ? header with { Coinbase = self, ExtraData = new QbftExtra(_vanity, listed, QbftVoteOf(cast), 0, []).Encode() }
            : header with
            {
                Coinbase = cast?.Candidate ?? default,
                Nonce = cast is { Authorize: true } ? IstanbulSnapshot.AddNonce : 0,
                ExtraData = new IstanbulExtra(_vanity, listed, [], []).Encode(),
            };
    }

    /// <summary>
    /// The proposal's header: under IBFT with the proposer's seal, which is part of the block hash; under QBFT as it was built.
    /// </summary>
    /// <param name="sign">r ‖ s ‖ recovery id over the given hash with the node key.</param>
    public BlockHeader SealProposal(BlockHeader built, Func<Hash256, byte[]> sign) =>
        _chain.ProtocolAt(built.Number) == EngineKind.Qbft ? built : IstanbulHeader.SealProposal(built, sign);

    /// <summary>The 32 bytes that a committed seal of a proposal is over, as they are; under QBFT by round.</summary>
    public Hash256 CommittedSealHash(BlockHeader proposal, uint round) => _chain.ProtocolAt(proposal.Number) == EngineKind.Qbft
        ? QbftHeader.CommittedSealHash(proposal, round)
        : IstanbulHeader.CommittedSealHash(proposal.Hash);

    /// <summary>The header of the decided block, which has the proposal's hash.</summary>
    /// <param name="round">In which it was decided; only QBFT keeps it.</param>
    /// <param name="seals">65 bytes each.</param>
    /// <exception cref="ArgumentException">No seal, or one of another size.</exception>
    public BlockHeader WithCommits(BlockHeader proposal, uint round, IReadOnlyList<byte[]> seals) =>
        _chain.ProtocolAt(proposal.Number) == EngineKind.Qbft ? QbftHeader.WithCommits(proposal, round, seals)
            : IstanbulHeader.WithCommits(proposal, seals);

    // After the last validator nobody could make a block, for good: no rule forbids the vote, so its maker does.
    private static bool MayCast(ValidatorVote vote, IstanbulSnapshot snapshot) =>
        snapshot.IsMeaningful(vote) && (vote.Authorize || snapshot.Validators.Count > 1);

    private static QbftVote? QbftVoteOf(ValidatorVote? vote) =>
        vote is { } cast ? new QbftVote(cast.Candidate, cast.Authorize ? QbftVote.Add : QbftVote.Drop) : null;
}
