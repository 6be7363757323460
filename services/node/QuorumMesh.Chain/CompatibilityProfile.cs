using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;

namespace QuorumMesh.Chain;

/// <summary>
/// The GoQuorum generation whose rules a chain follows. The same genesis gives different gas, pool answers and log
/// indexes under different generations, so the profile is chosen at init and stored.
/// </summary>
public sealed record CompatibilityProfile
{
    private CompatibilityProfile(string name) => Name = name;

    /// <summary>2.3 to 2.5 on geth 1.8: Constantinople is the last fork and has EIP-1283.</summary>
    public static CompatibilityProfile V2_5 { get; } = new("2.5")
    {
        KnowsPetersburgAndIstanbul = false,
        KnowsBerlin = false,
        MaxCodeSizeNeedsChangeBlock = true,
        Evm = new EvmRules { StaticCallTouches = false },
        Rpc = RpcRules.V2_5,
        Trace = TraceRules.V2_5,
        KnownTransactionText = "known transaction: {0}",
    };

    /// <summary>2.6 to 20.10 on geth 1.9.7: an absent petersburgBlock comes with Constantinople; Istanbul.</summary>
    public static CompatibilityProfile V2_6 { get; } = new("2.6")
    {
        KnowsPetersburgAndIstanbul = true,
        KnowsBerlin = false,
        KnowsPrivacyEnhancements = true,
        HasContractExtension = true,
        Rpc = RpcRules.V2_6,
        Trace = TraceRules.V2_6,
        KnownTransactionText = "known transaction: {0}",
    };

    /// <summary>21.x on geth 1.9.20.</summary>
    public static CompatibilityProfile V21 { get; } = new("21")
    {
        KnowsPetersburgAndIstanbul = true,
        KnowsBerlin = false,
        KnowsPrivacyEnhancements = true,
        HasContractExtension = true,
        KnowsTransitions = true,
        CropsPayloadNames = true,
        KnowsEngineObjects = true,
        Rpc = RpcRules.V21,
        Trace = TraceRules.V21,
        Evm = new EvmRules { ClearedPrecompilesStay = true, ExtCodeHashIsDual = true },
        KnownTransactionText = "already known",
    };

    /// <summary>24.x on geth 1.10, and in a genesis of our own QuorumMesh's forks from London on.</summary>
    public static CompatibilityProfile V24 { get; } = new("24")
    {
        KnowsPetersburgAndIstanbul = true,
        KnowsBerlin = true,
        KnowsGasPriceBlock = true,
        KnowsPrivacyEnhancements = true,
        HasContractExtension = true,
        KnowsTransitions = true,
        CropsPayloadNames = true,
        KnowsEngineObjects = true,
        HasOwnForks = true,
        Rpc = RpcRules.V24,
        Trace = TraceRules.V24,
        Evm = new EvmRules { ClearedPrecompilesStay = true, ExtCodeHashIsDual = true },
        KnownTransactionText = "already known",
    };

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<CompatibilityProfile> All { get; } = [V2_5, V2_6, V21, V24];

    /// <summary>As <c>--quorum.profile</c> takes it.</summary>
    public string Name { get; }

    /// <summary>One of the generations between two, both included.</summary>
    public bool IsOf(CompatibilityProfile first, CompatibilityProfile last) => Age(this) >= Age(first) && Age(this) <= Age(last);

    /// <summary>False where these forks' blocks in a genesis have no effect.</summary>
    public bool KnowsPetersburgAndIstanbul { get; private init; }

    /// <summary>Berlin and everything after it.</summary>
    public bool KnowsBerlin { get; private init; }

    /// <summary>
    /// 2.5:core/vm/evm.go: <c>maxCodeSize</c> counts from <c>maxCodeSizeChangeBlock</c> on and not at all without it, and
    /// <c>maxCodeSizeConfig</c> is unknown. From 2.6 on it counts from the start when no block is given (21:params/config.go
    /// GetMaxCodeSize).
    /// </summary>
    public bool MaxCodeSizeNeedsChangeBlock { get; private init; }

    /// <summary>What byte code does under this generation, before the genesis has its word.</summary>
    public EvmRules Evm { get; private init; } = new() { ClearedPrecompilesStay = true };

    /// <summary><c>enableGasPriceBlock</c> ends the zero gas price.</summary>
    public bool KnowsGasPriceBlock { get; private init; }

    /// <summary><c>config.ibft</c> and <c>config.qbft</c> (21:params/config.go).</summary>
    public bool KnowsEngineObjects { get; private init; }

    /// <summary>From 20.10 on: <c>privacyEnhancementsBlock</c> (2.6:params/config.go has none, 20.10's has).</summary>
    public bool KnowsPrivacyEnhancements { get; private init; }

    /// <summary>A contract's state that is shared by a management contract is taken (2.6:extension/privacyExtension).</summary>
    public bool HasContractExtension { get; private init; }

    /// <summary>QBFT, <c>transitions</c>, <c>isMPS</c> and <c>privacyPrecompileBlock</c>: 21's, some from 21.7 or 21.10 on.</summary>
    public bool KnowsTransitions { get; private init; }

    /// <summary>
    /// Data of any length names a payload (<see cref="Payloads.PayloadNames"/>). GoQuorum 20.10 does it already; 2.6 and 2.7 do not.
    /// </summary>
    public bool CropsPayloadNames { get; private init; }

    /// <summary>A genesis with <c>config.quorumMesh</c>, whose forks go on from this generation's.</summary>
    public bool HasOwnForks { get; private init; }

    /// <summary>What clients see of it.</summary>
    public RpcRules Rpc { get; private init; } = new();

    /// <summary>How its traces look.</summary>
    public TraceRules Trace { get; private init; } = new();

    /// <summary>The pool's answer to a transaction it has; {0} is the hash without 0x.</summary>
    public string KnownTransactionText { get; private init; } = "";

    /// <exception cref="ConfigurationException">Not one of 2.5, 2.6, 21, 24.</exception>
    public static CompatibilityProfile Parse(string name) =>
        All.FirstOrDefault(p => p.Name == name)
        ?? throw new ConfigurationException(
            $"unknown compatibility profile '{name}': use one of {string.Join(", ", All.Select(p => p.Name))}");

    /// <summary>
    /// 2.5 for a genesis that only it can have made, else 24: constantinopleBlock and neither petersburgBlock nor istanbulBlock,
    /// or later forks without Homestead. A genesis of our own is always 24's.
    /// </summary>
    public static CompatibilityProfile DefaultFor(ChainConfig config)
    {
        var hasLaterFields = config.Mesh is { Version: >= QuorumMeshConfig.Current } || config.HasNewEngineObject
            || config.Engine == EngineKind.Qbft || config.Istanbul?.QbftBlock is not null || config.Transitions.Count > 0 || config.IsMps
            || config.PrivacyEnhancementsBlock is not null || config.PrivacyPrecompileBlock is not null
            || config.MaxCodeSizeConfig.Count > 0
            || config.EnableGasPriceBlock is not null || config.PetersburgBlock is not null || config.IstanbulBlock is not null
            || config.Unsupported.Any(f => f.Since != V2_5);
        return !hasLaterFields && (config.ConstantinopleBlock is not null || config is { HomesteadBlock: null, Eip150Block: not null })
            ? V2_5 : V24;
    }

    public override string ToString() => Name;

    private static int Age(CompatibilityProfile profile)
    {
        for (var i = 0; i < All.Count; i++)
        {
            if (ReferenceEquals(All[i], profile))
                return i;
        }
        throw new ArgumentException($"profile {profile.Name} is not one of the table's", nameof(profile));
    }
}
