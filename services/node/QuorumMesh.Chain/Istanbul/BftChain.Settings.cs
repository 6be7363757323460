using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

// Settings by block: the genesis's engine object, what the command line says where it is silent, and transitions on top
// (24:consensus/istanbul/config.go GetConfig).
public sealed partial class BftChain
{
    private const ulong StickyPolicy = 1;
    private const ulong DefaultRequestTimeoutMilliseconds = 10_000;

    /// <summary>
    /// Blocks between two resets of the votes, as they count for a block. GoQuorum takes the epoch's length from the checkpoint that it
    /// loaded the votes from, or from block 0: a transition's counts from the checkpoint (every 1024th block) at or after its block on.
    /// </summary>
    public ulong EpochAt(ulong block)
    {
        var checkpoint = block == 0 ? 0 : (block - 1) / IstanbulSnapshots.CheckpointInterval * IstanbulSnapshots.CheckpointInterval;
        return Last(checkpoint, static t => t.EpochLength) ?? _engine.Epoch;
    }

    /// <summary>Least seconds between a block and the one before it.</summary>
    public ulong PeriodAt(ulong block) => Last(block, static t => t.BlockPeriodSeconds) ?? _engine.BlockPeriodSeconds ?? LocalPeriod;

    /// <summary>The period is this node's own: neither the genesis nor a transition has one.</summary>
    internal bool IsPeriodLocalAt(ulong block) =>
        Last(block, static t => t.BlockPeriodSeconds) is null && _engine.BlockPeriodSeconds is null;

    /// <summary>Seconds since 1970 that a block may not be later than; null when no clock is asked.</summary>
    internal ulong? LatestTime => _options.UnixSeconds?.Invoke() + _options.AllowedFutureSeconds;

    /// <summary>
    /// How the gas limit of the block after this one comes about: its floor is what holds at its parent (24:miner/worker.go commitNewWork).
    /// </summary>
    internal GasLimitRule GasLimitAfter(ulong block) => new()
    {
        Least = config.MinerGasLimitAfter(block, profile) ?? GasLimitRule.Minimum,
    };

    // GoQuorum 24's default is 5 s, and only it knows the newer objects; up to 21 it was 1 s, and a node with a longer period refuses the
    // blocks of a faster network.
    private ulong LocalPeriod => _options.BlockPeriodSeconds
        ?? (config.HasNewEngineObject ? IstanbulOptions.DefaultNewPeriodSeconds : IstanbulOptions.DefaultBlockPeriodSeconds);

    // IBFT's core does not look at it (24:consensus/istanbul/qbft/core/request.go has it alone).
    private ulong EmptyPeriodAt(ulong block)
    {
        if (ProtocolAt(block) != EngineKind.Qbft) return 0;
        var seconds = config.Last(block, profile, static t => t.EmptyBlockPeriodSeconds) ?? _engine.EmptyBlockPeriodSeconds;
        return seconds > PeriodAt(block) ? seconds : 0;
    }

    private TimeSpan RequestTimeoutAt(ulong block) =>
        (Last(block, static t => t.RequestTimeoutSeconds) ?? _engine.RequestTimeoutSeconds) is { } seconds ? Seconds(seconds)
            : TimeSpan.FromMilliseconds(_options.RequestTimeoutMilliseconds ?? DefaultRequestTimeoutMilliseconds);

    private TimeSpan? MaxRequestTimeoutAt(ulong block) =>
        (config.Last(block, profile, static t => t.MaxRequestTimeoutSeconds) ?? _engine.MaxRequestTimeoutSeconds) is > 0 and var seconds
            ? Seconds(seconds) : null;

    // 24:consensus/istanbul/qbft/core/core.go QuorumSize, IBFT's alike.
    private bool IsCeil2Nby3At(ulong block) =>
        config.Last(block, profile, static t => t.TwoFPlusOne) != true && _engine.Ceil2Nby3Block <= block;

    /// <summary>
    /// Whether the block after this one lists the validators in its extra data (24:consensus/istanbul/qbft/engine/engine.go Prepare).
    /// </summary>
    internal bool ListsValidatorsAfter(ulong block) => ContractAt(block) is null;

    /// <summary>The contract that names the validators after a block; null where votes decide.</summary>
    private Address? ContractAt(ulong block)
    {
        if (ModeAt(block) != IstanbulConfig.ContractMode) return null;
        var contract = _engine.ValidatorContract;
        foreach (var transition in config.Until(block, profile))
            if (!transition.ValidatorContract.IsZero) contract = transition.ValidatorContract;
        return contract.IsZero ? null : contract;
    }

    private string ModeAt(ulong block)
    {
        var mode = _engine.ValidatorSelectionMode ?? IstanbulConfig.BlockHeaderMode;
        foreach (var transition in config.Until(block, profile)) mode = transition.ValidatorSelectionMode ?? mode;
        return mode;
    }

    /// <summary>
    /// The list of a transition at exactly this block, which are the validators after it. GoQuorum's QBFT puts any list in place when it
    /// prepares the next block, IBFT only that of the first transition (24:consensus/istanbul/qbft/engine/engine.go Prepare,
    /// consensus/istanbul/config.go GetValidatorsAt).
    /// </summary>
    private IReadOnlyList<Address>? ListOf(ulong block)
    {
        if (!profile.KnowsTransitions || ContractAt(block) is not null) return null;
        var lists = ProtocolAt(block + 1) == EngineKind.Qbft ? config.Transitions : config.Transitions.Take(1);
        return lists.FirstOrDefault(t => t.Block == block && t.Validators.Count > 0)?.Validators;
    }

    /// <summary>What the last transition says of a field where 0 leaves it as it was.</summary>
    private ulong? Last(ulong block, Func<Transition, ulong> field) =>
        config.Last(block, profile, t => field(t) is > 0 and var value ? value : (ulong?)null);

    // A number of the genesis may be anything; a wait of more than a century is one.
    private static TimeSpan Seconds(ulong seconds) => TimeSpan.FromSeconds(Math.Min(seconds, uint.MaxValue));
}
