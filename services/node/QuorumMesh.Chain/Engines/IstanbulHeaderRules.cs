using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// IBFT 1.0: header rules, seals, votes and author (GoQuorum 2.5 consensus/istanbul/backend/engine.go; the rules are the same up to 24).
/// One thread verifies and stores, any may ask for authors.
/// </summary>
/// <param name="store">Where headers and checkpoints are read from.</param>
public sealed class IstanbulHeaderRules(IstanbulConfig config, IKeyValueReader store, IstanbulOptions? options = null) : IHeaderRules
{
    private readonly IstanbulOptions _options = options ?? new IstanbulOptions();
    private readonly ulong _period = options?.BlockPeriodSeconds ?? config.BlockPeriodSeconds ?? IstanbulOptions.DefaultBlockPeriodSeconds;

    // Of the chain's head, and of an older block when history is run again beside it.
    private IstanbulSnapshot? _newest;
    private IstanbulSnapshot? _older;
    private SealedBy? _lastAuthor;

    /// <summary>The proposer, whatever the header's coinbase says: that is who is voted on.</summary>
    public Address Author(BlockHeader header)
    {
        if (Volatile.Read(ref _lastAuthor) is { } last && ReferenceEquals(last.Header, header)) return last.Author;
        // Nobody has sealed the genesis.
        if (header.Number == 0) return header.Coinbase;
        if (!IstanbulHeader.TryRecoverProposer(header, out var proposer))
            throw new InvalidBlockException($"block {header.Number}: the proposer seal does not recover");
        Volatile.Write(ref _lastAuthor, new SealedBy(header, proposer));
        return proposer;
    }

    /// <summary>
    /// In GoQuorum's order and words. As there, the gas limit's step, the validators listed in the extra data and whose turn it
    /// was are not checked, and more than F committed seals are enough; but each must be a different validator's.
    /// </summary>
    public string? VerifyHeader(BlockHeader header, BlockHeader parent) => Verify(header, parent, isProposal: false);

    /// <summary>A proposal has no committed seals yet (GoQuorum 2.5 consensus/istanbul/backend/backend.go Verify).</summary>
    public string? VerifyProposal(BlockHeader header, BlockHeader parent) => Verify(header, parent, isProposal: true);

    /// <summary>Validators and votes after a stored block.</summary>
    public IstanbulSnapshot SnapshotAfter(BlockHeader header)
    {
        var snapshot = IstanbulSnapshots.After(store, header, config.Epoch, _newest, _older);
        Remember(snapshot);
        return snapshot;
    }

    /// <summary>No rewards.</summary>
    public void Finalise(BlockHeader header, IWorldState publicState)
    {
    }

    /// <inheritdoc/>
    public void PutAlongside(KeyValueBatch batch, BlockHeader header)
    {
        if (!IstanbulSnapshots.IsCheckpoint(header.Number)) return;
        IstanbulSnapshots.PutCheckpoint(batch, SnapshotAfter(header));
    }

    private void Remember(IstanbulSnapshot snapshot)
    {
        if (_newest is null || snapshot.Number >= _newest.Number) _newest = snapshot;
        else _older = snapshot;
    }

    private string? Verify(BlockHeader header, BlockHeader parent, bool isProposal)
    {
        if (_options.UnixSeconds is { } now && header.Time > now() + _options.AllowedFutureSeconds) return "block in the future";
        if (!IstanbulExtra.TryDecode(header.ExtraData, out var extra)) return "invalid extra data format";
        if (!IstanbulSnapshot.IsVoteNonce(header.Nonce)) return "invalid nonce";
        if (header.MixHash != IstanbulHeader.Digest) return "invalid Istanbul mix digest";
        if (header.UncleHash != Hash256.EmptyUncles) return "non empty uncle hash";
        if (header.Difficulty != UInt256.One) return "invalid difficulty";
        if (header.Number != parent.Number + 1 || header.ParentHash != parent.Hash) return "unknown ancestor";
        // The period is the node's own, as with GoQuorum: one with a longer one refuses the blocks of faster ones.
        if (header.Time < parent.Time || header.Time - parent.Time < _period)
            return $"invalid timestamp: {header.Time} is less than {_period} s after the parent's {parent.Time}; if the network has a "
                + "shorter period, set --istanbul.blockperiod";
        return VerifySeals(header, extra, SnapshotAfter(parent), isProposal);
    }

    private string? VerifySeals(BlockHeader header, IstanbulExtra extra, IstanbulSnapshot before, bool isProposal)
    {
        var validators = before.Validators;
        if (!IstanbulHeader.TryRecoverProposer(header, out var proposer)) return "invalid proposer seal: no signer can be recovered";
        // Any validator may have sealed: GoQuorum checks the turn when it votes on a proposal, never on import
        // (2.5:consensus/istanbul/backend/engine.go verifySigner).
        if (!validators.Contains(proposer)) return $"unauthorized: the proposer {proposer} is no validator";
        if (extra.CommittedSeals.Count == 0) return isProposal ? null : "zero committed seals";
        // Bounded before any signature is recovered.
        if (extra.CommittedSeals.Count > validators.Count)
            return $"invalid committed seals: {extra.CommittedSeals.Count} of {validators.Count} validators";
        if (!IstanbulHeader.TryRecoverCommitters(header, out var committers)) return "invalid signature in the committed seals";
        var seen = new HashSet<Address>();
        foreach (var committer in committers)
        {
            if (!validators.Contains(committer)) return $"invalid committed seals: {committer} is no validator";
            if (!seen.Add(committer)) return $"invalid committed seals: {committer} sealed twice";
        }
        // More than F, not 2F+1: among F+1 is one honest validator, which saw a quorum prepare. GoQuorum asks for no more on
        // import, and to refuse what it takes would fork this node off (2.5:consensus/istanbul/backend/engine.go
        // verifyCommittedSeals).
        if (seen.Count <= validators.FaultTolerance)
            return $"invalid committed seals: {seen.Count} of {validators.Count} validators, more than {validators.FaultTolerance} are "
                + "needed";
        Volatile.Write(ref _lastAuthor, new SealedBy(header, proposer));
        return null;
    }

    private sealed record SealedBy(BlockHeader Header, Address Author);
}

/// <summary>What is local to a node: GoQuorum takes these from its command line.</summary>
public sealed record IstanbulOptions
{
    /// <summary>GoQuorum's up to 21; 24 takes 5.</summary>
    public const ulong DefaultBlockPeriodSeconds = 1;

    /// <summary>Least time between two blocks; null takes the genesis's, else the default.</summary>
    public ulong? BlockPeriodSeconds { get; init; }

    /// <summary>How far ahead of the clock a block may be.</summary>
    public ulong AllowedFutureSeconds { get; init; }

    /// <summary>The clock; null skips the check.</summary>
    public Func<ulong>? UnixSeconds { get; init; }
}
