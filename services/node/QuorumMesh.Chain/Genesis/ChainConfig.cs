using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <param name="SizeKb">KiB of deployed code allowed from <paramref name="Block"/> on.</param>
public readonly record struct MaxCodeSizeStep(ulong Block, int SizeKb);

/// <summary>The <c>config</c> object of a genesis file. Block numbers are null when the fork never comes.</summary>
public sealed partial record ChainConfig
{
    /// <summary>Bytes of deployed code (EIP-170).</summary>
    public const int DefaultMaxCodeSize = 24576;
    private const int DefaultTransactionSizeKb = 64;

    /// <summary>Of EIP-155; never 1, which GoQuorum refuses.</summary>
    public UInt256 ChainId { get; init; }
    /// <summary>Null for a genesis of GoQuorum's.</summary>
    public QuorumMeshConfig? Mesh { get; init; }
    public ulong? HomesteadBlock { get; init; }
    public ulong? DaoForkBlock { get; init; }
    public bool DaoForkSupport { get; init; }
    public ulong? Eip150Block { get; init; }
    public ulong? Eip155Block { get; init; }
    public ulong? Eip158Block { get; init; }
    public ulong? ByzantiumBlock { get; init; }
    public ulong? ConstantinopleBlock { get; init; }
    public ulong? PetersburgBlock { get; init; }
    public ulong? IstanbulBlock { get; init; }
    public ulong? MuirGlacierBlock { get; init; }
    /// <summary>No rules; counts for the fork id.</summary>
    public ulong? EwasmBlock { get; init; }
    public ulong? BerlinBlock { get; init; }
    public ulong? LondonBlock { get; init; }
    public ulong? ArrowGlacierBlock { get; init; }
    public ulong? GrayGlacierBlock { get; init; }
    public ulong? ParisBlock { get; init; }
    public ulong? ShanghaiBlock { get; init; }
    public ulong? CancunBlock { get; init; }
    public ulong? PragueBlock { get; init; }
    public ulong? OsakaBlock { get; init; }

    /// <summary>From the engine object; Raft when there is none.</summary>
    public EngineKind Engine { get; init; }
    /// <summary>Set for IBFT and QBFT.</summary>
    public IstanbulConfig? Istanbul { get; init; }
    /// <summary>The engine stands in the <c>ibft</c> or <c>qbft</c> object, which 2.x does not know.</summary>
    public bool HasNewEngineObject { get; init; }

    /// <summary>Zero gas price, private transactions, two states.</summary>
    public bool IsQuorum { get; init; }
    /// <summary>KiB; 0 means 64.</summary>
    public int TxnSizeLimitKb { get; init; }
    /// <summary>KiB; 0 means 24.</summary>
    public int MaxCodeSizeKb { get; init; }
    /// <summary>From where <see cref="MaxCodeSizeKb"/> counts; see <see
    /// cref="CompatibilityProfile.MaxCodeSizeNeedsChangeBlock"/>.</summary>
    public ulong? MaxCodeSizeChangeBlock { get; init; }
    /// <summary>Ascending; instead of the two fields before it.</summary>
    public IReadOnlyList<MaxCodeSizeStep> MaxCodeSizeConfig { get; init; } = [];
    /// <summary>Smart-contract permissioning starts.</summary>
    public ulong? Qip714Block { get; init; }
    /// <summary>The zero-gas-price rule ends.</summary>
    public ulong? EnableGasPriceBlock { get; init; }

    /// <summary>What GoQuorum of some version acts on and this QuorumMesh does not.</summary>
    public IReadOnlyList<UnsupportedField> Unsupported { get; init; } = [];
    /// <summary>Names that no GoQuorum knows, in a genesis of GoQuorum's, relative to its <c>config</c>: they have no effect.</summary>
    public IReadOnlyList<string> PassedOver { get; init; } = [];

    /// <summary>
    /// Whether gas has a price at a block: never under isQuorum before enableGasPriceBlock, or a transition (24:params/config.go
    /// IsGasPriceEnabled).
    /// </summary>
    public bool IsGasPriceEnabled(ulong block, CompatibilityProfile profile) => !IsQuorum || (profile.KnowsGasPriceBlock
        && (IsActive(EnableGasPriceBlock, block) || Last(block, profile, static t => t.GasPrice) == true));

    /// <summary>Whether signatures may name the chain.</summary>
    public bool IsEip155(ulong block) => IsActive(Eip155Block, block);

    /// <summary>The rules of a block under a profile; forks that the profile does not know are passed over, as GoQuorum does.</summary>
    public Fork ForkAt(ulong block, CompatibilityProfile profile)
    {
        if (profile.KnowsBerlin && NewForkAt(block) is { } fork)
            return fork;
        if (profile.KnowsPetersburgAndIstanbul)
        {
            if (IsActive(IstanbulBlock, block))
                return Fork.Istanbul;
            if (IsActive(PetersburgBlock ?? ConstantinopleBlock, block))
                return Fork.Petersburg;
        }
        if (IsActive(ConstantinopleBlock, block))
            return Fork.Constantinople;
        if (IsActive(ByzantiumBlock, block))
            return Fork.Byzantium;
        if (IsActive(Eip158Block, block))
            return Fork.SpuriousDragon;
        if (IsActive(Eip150Block, block))
            return Fork.TangerineWhistle;
        return IsActive(HomesteadBlock, block) ? Fork.Homestead : Fork.Frontier;
    }

    /// <summary>
    /// What a transaction costs before any code runs depends on Homestead itself, which a chain with later forks may lack
    /// (<see cref="ForkOrder"/>).
    /// </summary>
    public IntrinsicRules IntrinsicRulesAt(ulong block, CompatibilityProfile profile) => new(ForkAt(block, profile), IsHomestead(block));

    /// <summary>Homestead by its own block, which a chain with later forks may lack.</summary>
    public bool IsHomestead(ulong block) => IsActive(HomesteadBlock, block);

    /// <summary>Which signatures are valid at a block.</summary>
    public SenderRules SenderRulesAt(ulong block, CompatibilityProfile profile)
    {
        var fork = ForkAt(block, profile);
        return new SenderRules(ChainId, IsHomestead(block) || IsEip155(block), IsEip155(block), fork >= Fork.Berlin, fork >= Fork.London,
            fork >= Fork.Prague, IsQuorum);
    }

    /// <summary>Bytes of deployed code allowed at a block (24:params/config.go GetMaxCodeSize).</summary>
    public int MaxCodeSizeAt(ulong block, CompatibilityProfile profile) =>
        Last(block, profile, static t => t.ContractSizeLimitKb == 0 ? null : (int?)t.ContractSizeLimitKb) is { } changed
            ? changed * 1024 : MaxCodeSizeOfGenesis(block, profile);

    /// <exception cref="ConfigurationException">
    /// The profile's GoQuorum acts on a field that this version does not know to follow, or the profile is not one for this
    /// genesis.
    /// </exception>
    public void RequireSupported(CompatibilityProfile profile)
    {
        if (Unsupported.FirstOrDefault(f => f.CountsIn(profile)) is { } field)
            throw new ConfigurationException($"genesis: not supported yet: {field.Path}; {field.Advice}");
        if (HasNewEngineObject && !profile.KnowsEngineObjects)
            throw new ConfigurationException($"genesis: GoQuorum of profile {profile} does not know config.ibft and config.qbft: use "
                + "config.istanbul, or --quorum.profile 24");
        if (Mesh is { Version: >= QuorumMeshConfig.Current } && !profile.HasOwnForks)
            throw new ConfigurationException(
                $"genesis: config.quorumMesh is for profile 24 and not for {profile}: remove it, or start without --quorum.profile");
    }

    /// <summary>Names of configured fields that have no effect under the profile, as with its GoQuorum; worth a warning at start.</summary>
    public IReadOnlyList<string> IgnoredFields(CompatibilityProfile profile)
    {
        var ignored = new List<string>();
        if (!profile.KnowsPetersburgAndIstanbul)
            AddSet(ignored, ("petersburgBlock", PetersburgBlock), ("istanbulBlock", IstanbulBlock), ("muirGlacierBlock", MuirGlacierBlock));
        if (profile.MaxCodeSizeNeedsChangeBlock && MaxCodeSizeConfig.Count > 0)
            ignored.Add("maxCodeSizeConfig");
        if (profile.MaxCodeSizeNeedsChangeBlock && MaxCodeSizeKb > 0 && MaxCodeSizeChangeBlock is null)
            ignored.Add("maxCodeSize (2.3 and 2.4 counted it from the start: for a chain of theirs add maxCodeSizeChangeBlock 0)");
        if (!profile.KnowsGasPriceBlock)
            AddSet(ignored, ("enableGasPriceBlock", EnableGasPriceBlock));
        if (!profile.KnowsPrivacyEnhancements)
            AddSet(ignored, ("privacyEnhancementsBlock", PrivacyEnhancementsBlock));
        if (!profile.KnowsTransitions)
        {
            AddSet(ignored, ("privacyPrecompileBlock", PrivacyPrecompileBlock), ("istanbul.testQBFTBlock", Istanbul?.QbftBlock));
            if (IsMps) ignored.Add("isMPS");
            if (Transitions.Count > 0) ignored.Add("transitions");
        }
        if (!profile.KnowsBerlin)
        {
            AddSet(ignored, ("berlinBlock", BerlinBlock), ("londonBlock", LondonBlock), ("parisBlock", ParisBlock),
                ("shanghaiBlock", ShanghaiBlock),
                ("cancunBlock", CancunBlock), ("pragueBlock", PragueBlock), ("osakaBlock", OsakaBlock));
        }
        ignored.AddRange(Unsupported.Where(f => !f.CountsIn(profile))
            .Select(f => f.Path[(f.Path.IndexOf('.', StringComparison.Ordinal) + 1)..]));
        ignored.AddRange(PassedOver);
        return ignored;
    }

    /// <summary>Fork blocks for the EIP-2124 fork id: ascending, distinct, without 0.</summary>
    public IReadOnlyList<ulong> ForkIdBlocks(CompatibilityProfile profile)
    {
        var blocks = new List<ulong?>
        {
            HomesteadBlock, DaoForkBlock, Eip150Block, Eip155Block, Eip158Block, ByzantiumBlock, ConstantinopleBlock, EwasmBlock,
            MaxCodeSizeChangeBlock,
        };
        if (profile.KnowsPetersburgAndIstanbul)
            blocks.AddRange([PetersburgBlock, IstanbulBlock, MuirGlacierBlock]);
        // GoQuorum takes every field whose name ends in Block, but qip714Block (24:core/forkid/forkid.go gatherForks).
        if (profile.KnowsPrivacyEnhancements)
            blocks.Add(PrivacyEnhancementsBlock);
        if (profile.KnowsTransitions)
            blocks.Add(PrivacyPrecompileBlock);
        if (profile.KnowsBerlin)
        {
            blocks.AddRange([BerlinBlock, LondonBlock, ArrowGlacierBlock, GrayGlacierBlock, ParisBlock, ShanghaiBlock, CancunBlock,
                PragueBlock, OsakaBlock,
                EnableGasPriceBlock]);
        }
        return [.. blocks.OfType<ulong>().Where(b => b != 0).Distinct().Order()];
    }

    private int MaxCodeSizeOfGenesis(ulong block, CompatibilityProfile profile)
    {
        if (MaxCodeSizeConfig.Count > 0 && !profile.MaxCodeSizeNeedsChangeBlock)
        {
            var size = DefaultMaxCodeSize;
            foreach (var step in MaxCodeSizeConfig)
            {
                if (step.Block > block)
                    break;
                size = step.SizeKb * 1024;
            }
            return size;
        }
        var isActive = MaxCodeSizeChangeBlock is null ? !profile.MaxCodeSizeNeedsChangeBlock : IsActive(MaxCodeSizeChangeBlock, block);
        return MaxCodeSizeKb > 0 && isActive ? MaxCodeSizeKb * 1024 : DefaultMaxCodeSize;
    }

    internal static bool IsActive(ulong? fork, ulong block) => fork is { } start && start <= block;

    private static void AddSet(List<string> names, params ReadOnlySpan<(string Name, ulong? Block)> forks)
    {
        foreach (var (name, block) in forks)
        {
            if (block is not null)
                names.Add(name);
        }
    }

    private Fork? NewForkAt(ulong block) =>
        IsActive(OsakaBlock, block) ? Fork.Osaka
        : IsActive(PragueBlock, block) ? Fork.Prague
        : IsActive(CancunBlock, block) ? Fork.Cancun
        : IsActive(ShanghaiBlock, block) ? Fork.Shanghai
        : IsActive(ParisBlock, block) ? Fork.Paris
        : IsActive(LondonBlock, block) ? Fork.London
        : IsActive(BerlinBlock, block) ? Fork.Berlin
        : null;
}
