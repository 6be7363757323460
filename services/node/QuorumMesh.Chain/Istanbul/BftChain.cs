using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>
/// Validators, votes and settings of an IBFT or QBFT chain, block by block (24:consensus/istanbul/backend/engine.go, snapshot.go). One
/// thread verifies and stores; any may ask with a reader of its own, and for authors.
/// </summary>
/// <param name="store">Where headers and checkpoints are read from.</param>
public sealed partial class BftChain(ChainConfig config, CompatibilityProfile profile, IKeyValueReader store,
    IstanbulOptions? options = null)
{
    private readonly IstanbulConfig _engine = config.Istanbul
        ?? throw new ArgumentException("the genesis asks for no IBFT and no QBFT", nameof(config));
    private readonly IstanbulOptions _options = options ?? new IstanbulOptions();
    private readonly ulong? _qbftFrom = config.QbftFrom(profile);

    // Of the chain's head, and of an older block when history is run again beside it.
    private IstanbulSnapshot? _newest;
    private IstanbulSnapshot? _older;
    private MadeBy? _lastAuthor;

    /// <summary>From here on blocks are QBFT's; null when never.</summary>
    public ulong? QbftFrom => _qbftFrom;

    /// <summary>Ibft or Qbft.</summary>
    public EngineKind ProtocolAt(ulong block) => _qbftFrom <= block ? EngineKind.Qbft : EngineKind.Ibft;

    /// <summary>
    /// Who made the block: the recovered signer under IBFT, where the coinbase is who is voted on; the coinbase under QBFT.
    /// </summary>
    /// <exception cref="InvalidBlockException">The proposer's seal does not recover.</exception>
    public Address Author(BlockHeader header) => TryRecoverAuthor(header, out var author) ? author
        : throw new InvalidBlockException($"block {header.Number}: the proposer seal does not recover");

    /// <summary>As <see cref="Author"/>; false when the seal does not recover.</summary>
    public bool TryRecoverAuthor(BlockHeader header, out Address author)
    {
        author = header.Coinbase;
        // Nobody has sealed the genesis.
        if (header.Number == 0 || ProtocolAt(header.Number) == EngineKind.Qbft) return true;
        if (Volatile.Read(ref _lastAuthor) is { } last && ReferenceEquals(last.Header, header))
        {
            author = last.Author;
            return true;
        }
        if (!IstanbulHeader.TryRecoverProposer(header, out author)) return false;
        Volatile.Write(ref _lastAuthor, new MadeBy(header, author));
        return true;
    }

    /// <summary>The signers of the committed seals in their order; false when one does not recover. None in the genesis.</summary>
    public bool TryRecoverCommitters(BlockHeader header, out IReadOnlyList<Address> committers) =>
        ProtocolAt(header.Number) == EngineKind.Qbft ? QbftHeader.TryRecoverCommitters(header, out committers)
            : IstanbulHeader.TryRecoverCommitters(header, out committers);

    /// <summary>Validators and votes after a stored block, for the thread that stores blocks.</summary>
    public IstanbulSnapshot SnapshotAfter(BlockHeader header)
    {
        var snapshot = IstanbulSnapshots.After(this, store, header, _newest, _older);
        Remember(snapshot);
        return snapshot;
    }

    /// <summary>The same for any thread, with its own reader.</summary>
    public IstanbulSnapshot SnapshotAfter(IKeyValueReader reader, BlockHeader header) => IstanbulSnapshots.After(this, reader, header);

    /// <summary>Everything that decides the next block beside its content.</summary>
    /// <param name="parent">A stored block.</param>
    public BftSettings After(BlockHeader parent)
    {
        var (number, validators) = (parent.Number + 1, SnapshotAfter(parent).Validators);
        return new BftSettings(number, ProtocolAt(number), validators, parent.Number == 0 ? null : Author(parent))
        {
            PeriodSeconds = PeriodAt(number),
            EmptyPeriodSeconds = EmptyPeriodAt(number),
            RequestTimeout = RequestTimeoutAt(number),
            MaxRequestTimeout = MaxRequestTimeoutAt(number),
            Sticky = _engine.Policy == StickyPolicy,
            Quorum = validators.Quorum(IsCeil2Nby3At(number)),
        };
    }

    /// <summary>
    /// Null when a header that a peer sent has as many committed seals as decide its block; else the reason. GoQuorum's header rules take
    /// F+1: with those a node that is at work could move past a block which the validators have not decided on, and decide another. Whose
    /// seals they are is for the header rules to check.
    /// </summary>
    /// <param name="parent">A stored block, the header's parent.</param>
    public string? RefuseUndecided(BlockHeader header, BlockHeader parent)
    {
        var (seals, quorum) = (SealsOf(header), After(parent).Quorum);
        return seals >= quorum ? null : $"it has {seals} committed seals, and {quorum} decide it";
    }

    /// <summary>Goes into the batch that makes a block the head: what later look-ups of its snapshot rest on.</summary>
    /// <param name="publicState">After the block.</param>
    /// <exception cref="ConfigurationException">It is block 0, and no block can follow it.</exception>
    public void PutAlongside(KeyValueBatch batch, ChainRules rules, BlockHeader header, IStateReader publicState)
    {
        IReadOnlyList<Address>? named = null;
        if (ContractAt(header.Number) is { } contract)
        {
            named = ValidatorContract.Read(rules, header, publicState, contract, store);
            IstanbulSnapshots.PutNamed(batch, header.Hash, named);
        }
        if (header.Number == 0) RequireUsable(header, named);
        if (!IstanbulSnapshots.IsCheckpoint(header.Number)) return;
        var parent = ChainStore.GetHeader(store, header.ParentHash)
            ?? throw new ChainCorruptException($"block {header.Number - 1}, the parent of {header.Hash}, is not stored");
        var snapshot = Apply(SnapshotAfter(parent), header, named);
        IstanbulSnapshots.PutCheckpoint(batch, snapshot);
        Remember(snapshot);
    }

    /// <summary>After block 0.</summary>
    /// <exception cref="InvalidBlockException">The extra data, where the validators stand, cannot be read.</exception>
    internal IstanbulSnapshot OfGenesis(IKeyValueReader reader, BlockHeader genesis) => IstanbulSnapshot.OfGenesis(genesis,
        new ValidatorSet(ContractAt(0) is not null ? IstanbulSnapshots.GetNamed(reader, genesis) : ListOf(0) ?? GenesisList(genesis)));

    private int SealsOf(BlockHeader header)
    {
        if (ProtocolAt(header.Number) == EngineKind.Qbft)
            return QbftExtra.TryDecode(header.ExtraData, out var qbft) ? qbft.CommittedSeals.Count : 0;
        return IstanbulExtra.TryDecode(header.ExtraData, out var ibft) ? ibft.CommittedSeals.Count : 0;
    }

    /// <summary>One block further.</summary>
    /// <exception cref="InvalidBlockException">The block does not follow, or its author is no validator.</exception>
    internal IstanbulSnapshot Apply(IKeyValueReader reader, IstanbulSnapshot before, BlockHeader header) =>
        Apply(before, header, ContractAt(header.Number) is null ? null : IstanbulSnapshots.GetNamed(reader, header));

    private IstanbulSnapshot Apply(IstanbulSnapshot before, BlockHeader header, IReadOnlyList<Address>? named)
    {
        var voted = before.Apply(header, Author(header), VoteOf(header), EpochAt(header.Number));
        // Votes go on standing, and are counted, while a contract or a list decides: only who validates is theirs.
        return (named ?? ListOf(header.Number)) is { } validators ? voted with { Validators = new ValidatorSet(validators) } : voted;
    }

    /// <summary>What a header votes for (ReadVote).</summary>
    /// <exception cref="InvalidBlockException">Neither to add nor to drop.</exception>
    private ValidatorVote VoteOf(BlockHeader header)
    {
        if (ProtocolAt(header.Number) == EngineKind.Ibft)
            return IstanbulSnapshot.IsVoteNonce(header.Nonce)
                ? new ValidatorVote(header.Coinbase, header.Nonce == IstanbulSnapshot.AddNonce)
                : throw new InvalidBlockException("vote nonce not 0x00..0 or 0xff..f");
        if (!QbftExtra.TryDecode(header.ExtraData, out var extra)) throw new InvalidBlockException("invalid extra data format");
        return extra.Vote is not { } vote ? default
            : vote.Type is QbftVote.Add or QbftVote.Drop ? new ValidatorVote(vote.Recipient, vote.Type == QbftVote.Add)
            : throw new InvalidBlockException("vote type not 0x00 or 0xff");
    }

    /// <summary>
    /// What GoQuorum finds out at its first block, or at init (24:cmd/geth/chaincmd.go initGenesis, qbft/engine/engine.go verifyHeader).
    /// </summary>
    private void RequireUsable(BlockHeader genesis, IReadOnlyList<Address>? named)
    {
        if (genesis.MixHash != IstanbulHeader.Digest)
            throw new ConfigurationException($"genesis: invalid Istanbul mix digest: mixHash must be {IstanbulHeader.Digest}");
        if (genesis.Difficulty != UInt256.One) throw new ConfigurationException("genesis: invalid difficulty: IBFT and QBFT have 1");
        try
        {
            var listed = GenesisList(genesis);
            if (!_engine.ValidatorContract.IsZero && _engine.Validators.Count == 0 && listed.Count > 0)
                throw new ConfigurationException(
                    "genesis: cant combine extraData validators and validatorcontractaddress at the same time: keep one");
            if ((named ?? ListOf(0) ?? listed).Count > 0) return;
        }
        catch (InvalidBlockException e)
        {
            throw new ConfigurationException(e.Message);
        }
        throw new ConfigurationException(named is null ? "genesis: no validators: neither extraData nor the configuration lists any"
            : "genesis: no validators: getValidators() of the contract in alloc names none");
    }

    private IReadOnlyList<Address> GenesisList(BlockHeader genesis)
    {
        if (_engine.Validators.Count > 0) return _engine.Validators;
        if (ProtocolAt(0) == EngineKind.Qbft)
            return QbftExtra.TryDecode(genesis.ExtraData, out var qbft) ? qbft.Validators : throw new InvalidBlockException(
                "genesis: invalid extra data format: QBFT needs RLP([vanity, validators, vote, round, committedSeals]) there");
        return IstanbulExtra.TryDecode(genesis.ExtraData, out var ibft) ? ibft.Validators : throw new InvalidBlockException(
            "genesis: invalid extra data format: IBFT needs 32 bytes and RLP([validators, seal, committedSeals]) there");
    }

    private void Remember(IstanbulSnapshot snapshot)
    {
        if (_newest is null || snapshot.Number >= _newest.Number) _newest = snapshot;
        else _older = snapshot;
    }

    private sealed record MadeBy(BlockHeader Header, Address Author);
}
