using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

// What config.transitions change, by block (24:params/config.go). A field that a transition does not name stays what it was.
public sealed partial record ChainConfig
{
    private static readonly UInt256 NoReward = UInt256.Zero;

    /// <summary>In the order of their blocks. GoQuorum before 21 passes them over.</summary>
    public IReadOnlyList<Transition> Transitions { get; init; } = [];

    /// <summary>Privacy flags 1 to 3 in private transactions.</summary>
    public ulong? PrivacyEnhancementsBlock { get; init; }

    /// <summary>Privacy marker transactions.</summary>
    public ulong? PrivacyPrecompileBlock { get; init; }

    /// <summary>Multiple private states.</summary>
    public bool IsMps { get; init; }

    /// <summary>QBFT comes from this block on; null when never (24:consensus/istanbul/config.go IsQBFTConsensusAt).</summary>
    public ulong? QbftFrom(CompatibilityProfile profile)
    {
        if (Istanbul is null || !profile.KnowsTransitions) return null;
        return Istanbul.QbftBlock ?? Transitions.FirstOrDefault(t => t.Algorithm == EngineKind.Qbft)?.Block;
    }

    /// <summary>Whether a call of the privacy marker address runs a private transaction (IsPrivacyPrecompileEnabled).</summary>
    public bool HasPrivacyPrecompile(ulong block, CompatibilityProfile profile) => profile.KnowsTransitions
        && (IsActive(PrivacyPrecompileBlock, block) || Last(block, profile, static t => t.PrivacyPrecompile) == true);

    /// <summary>
    /// Whether a public transaction to the marker's address looks for its value in the private state, where nobody has any. GoQuorum asks
    /// for the address alone, whether the chain has markers or not (24:core/state_processor.go PrivateStateDBForTxn).
    /// </summary>
    public bool MarkersCarryNoValue(CompatibilityProfile profile) => IsQuorum && profile.KnowsTransitions;

    /// <summary>
    /// Whether private transactions may have privacy flags other than 0, and are verified by them (IsPrivacyEnhancementsEnabled).
    /// </summary>
    public bool HasPrivacyEnhancements(ulong block, CompatibilityProfile profile) =>
        (profile.KnowsPrivacyEnhancements && IsActive(PrivacyEnhancementsBlock, block))
        || Last(block, profile, static t => t.PrivacyEnhancements) == true;

    /// <summary>Whether privacy flags other than 0 are allowed from some block on.</summary>
    public bool NamesPrivacyEnhancements =>
        PrivacyEnhancementsBlock is not null || Transitions.Any(static t => t.PrivacyEnhancements == true);

    /// <summary>
    /// Bytes of the serialised form that the pool accepts (GetTransactionSizeLimit). The last transition decides alone: one that does not
    /// name the limit takes it back to the genesis's.
    /// </summary>
    public int TransactionSizeLimitAt(ulong block, CompatibilityProfile profile)
    {
        var changed = Until(block, profile).LastOrDefault()?.TransactionSizeLimitKb ?? 0;
        return (changed != 0 ? changed : TxnSizeLimitKb != 0 ? TxnSizeLimitKb : DefaultTransactionSizeKb) * 1024;
    }

    /// <summary>The least gas limit that the maker of a block aims at; null for GoQuorum's own (GetMinerMinGasLimit).</summary>
    /// <param name="parent">Number of the block that it is made on.</param>
    public ulong? MinerGasLimitAfter(ulong parent, CompatibilityProfile profile) =>
        Last(parent, profile, static t => t.MinerGasLimit == 0 ? null : (ulong?)t.MinerGasLimit);

    /// <summary>Wei for a QBFT block (GetBlockReward).</summary>
    public UInt256 BlockRewardAt(ulong block, CompatibilityProfile profile) =>
        Last(block, profile, static t => t.BlockReward) ?? Istanbul?.BlockReward ?? NoReward;

    /// <summary>
    /// Who gets the reward (GetRewardAccount). A mode that GoQuorum does not know pays the zero address, and <c>validators</c> is such a
    /// one in the <c>qbft</c> object, where it has to be <c>validator</c>: the state root depends on it.
    /// </summary>
    /// <param name="proposer">Of the block.</param>
    public Address RewardAccountAt(ulong block, in Address proposer, CompatibilityProfile profile)
    {
        var (mode, beneficiary) = (Istanbul?.BeneficiaryMode ?? (Istanbul?.MiningBeneficiary is null ? "validator" : "fixed"),
            Istanbul?.MiningBeneficiary ?? default);
        foreach (var transition in Until(block, profile))
        {
            if (transition.BeneficiaryMode is "validators") mode = "validator";
            if (transition is { MiningBeneficiary: { } account, BeneficiaryMode: null or "fixed" })
                (mode, beneficiary) = ("fixed", account);
        }
        return mode.Equals("fixed", StringComparison.OrdinalIgnoreCase) ? beneficiary
            : mode.Equals("validator", StringComparison.OrdinalIgnoreCase) ? proposer
            : default;
    }

    /// <summary>Those that hold at a block, in order.</summary>
    internal IEnumerable<Transition> Until(ulong block, CompatibilityProfile profile) =>
        profile.KnowsTransitions ? Transitions.TakeWhile(t => t.Block <= block) : [];

    /// <summary>What the last transition that names it says; null when none does.</summary>
    internal T? Last<T>(ulong block, CompatibilityProfile profile, Func<Transition, T?> field) where T : struct
    {
        T? found = null;
        foreach (var transition in Until(block, profile)) found = field(transition) ?? found;
        return found;
    }
}
