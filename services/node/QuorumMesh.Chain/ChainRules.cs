using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>Everything that decides what a block means: configuration, profile and engines.</summary>
public sealed record ChainRules(ChainConfig Config, CompatibilityProfile Profile, EngineSchedule Engines)
{
    public ChainRules(ChainConfig config, CompatibilityProfile profile, IHeaderRules engine)
        : this(config, profile, new EngineSchedule(engine))
    {
    }

    /// <summary>Receipts keep what a reverted transaction returned. No block's meaning rests on it.</summary>
    public bool KeepsRevertReasons { get; init; }

    /// <summary>The header rules of the engine that a block is under.</summary>
    public IHeaderRules EngineAt(ulong block) => Engines.At(block);

    /// <summary>Validators and settings of an IBFT or QBFT chain; null under Raft.</summary>
    public BftChain? Bft => Engines.Bft;

    /// <summary>Byte code of the chain's contracts, made ready to run; not a rule, but as long-lived.</summary>
    public CodeCache Code { get; } = new();

    /// <summary>The fork of a block under the chain's profile.</summary>
    public Fork ForkAt(ulong block) => Config.ForkAt(block, Profile);

    /// <summary>What intrinsic gas depends on at a block.</summary>
    public IntrinsicRules IntrinsicRulesAt(ulong block) => Config.IntrinsicRulesAt(block, Profile);

    /// <summary>
    /// Whether parties run something privately at a transaction's place: a private one, or a marker where there are any. One with a value
    /// that nobody has fails before its precompile (24:core/vm/evm.go Call), and runs nothing.
    /// </summary>
    public bool HasPrivateSide(Transaction tx, ulong block) => tx.IsPrivate
        || (PrivacyMarker.Is(tx) && Config.HasPrivacyPrecompile(block, Profile)
            && (tx.Value.IsZero || !Config.MarkersCarryNoValue(Profile)));

    /// <summary>The payload that a transaction names on the chain; null for none.</summary>
    public PayloadHash? PayloadOf(Transaction tx, ulong block) =>
        HasPrivateSide(tx, block) ? PayloadNames.Of(tx.Data, Profile) : null;

    /// <summary>
    /// What a block's transactions name payloads by, in their order. A private transaction in a marker names one of its own, which parties
    /// alone know.
    /// </summary>
    public IEnumerable<PayloadHash> PayloadsOf(Block block)
    {
        foreach (var tx in block.Transactions)
            if (PayloadOf(tx, block.Number) is { } hash) yield return hash;
    }

    /// <summary>Which signatures are valid at a block.</summary>
    public SenderRules SenderRulesAt(ulong block) => Config.SenderRulesAt(block, Profile);

    /// <summary>The rules of execution at a block beside its fork.</summary>
    public TransactionRules TransactionRulesAt(ulong block) => new()
    {
        Code = Code,
        Evm = Profile.Evm with
        {
            IsQuorum = Config.IsQuorum,
            LacksHomestead = !Config.IsHomestead(block),
            MaxCodeSize = Config.MaxCodeSizeAt(block, Profile),
        },
        GasPriceEnabled = Config.IsGasPriceEnabled(block, Profile),
        FeeCapsAreFree = Config.AreFeeCapsFree(block, Profile),
        HasPrivacyPrecompile = Config.HasPrivacyPrecompile(block, Profile),
        MarkersCarryNoValue = Config.MarkersCarryNoValue(Profile),
        HasPrivacyEnhancements = Config.HasPrivacyEnhancements(block, Profile),
    };

    /// <summary>What byte code sees of a block: base fee 0, blob base fee 1, and 0x44 gives the difficulty.</summary>
    public BlockContext ContextOf(BlockHeader header, in Address author, Func<ulong, Hash256> blockHash) => new()
    {
        Coinbase = author,
        Difficulty = header.Difficulty,
        Number = header.Number,
        Timestamp = header.Time,
        GasLimit = header.GasLimit,
        BaseFee = UInt256.Zero,
        BlobBaseFee = UInt256.One,
        BlockHash = blockHash,
        ChainId = Config.ChainId,
    };

    /// <summary>Profiles whose rules at the block differ from this one's.</summary>
    public IReadOnlyList<CompatibilityProfile> OtherProfilesAt(ulong block) =>
        [.. CompatibilityProfile.All.Where(p => Meaning(block, p) != Meaning(block, Profile)).DistinctBy(p => Meaning(block, p))];

    private (Fork Fork, int MaxCodeSize, bool GasPriceEnabled, bool StaticCallTouches) Meaning(ulong block,
        CompatibilityProfile profile) => (
        Config.ForkAt(block, profile),
        Config.MaxCodeSizeAt(block, profile),
        Config.IsGasPriceEnabled(block, profile),
        profile.Evm.StaticCallTouches || Config.ForkAt(block, profile) < Fork.Byzantium);
}
