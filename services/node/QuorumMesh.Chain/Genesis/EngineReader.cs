using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>Reads which engine a genesis asks for, and its object (24:eth/ethconfig/config.go CreateConsensusEngine).</summary>
internal static class EngineReader
{
    /// <summary>Null for Raft.</summary>
    /// <exception cref="ConfigurationException">More than one engine object, or a value that cannot be.</exception>
    public static IstanbulConfig? Read(JsonFields json, IReadOnlyList<Transition> transitions)
    {
        var (istanbul, ibft, qbft) = (json.Object("istanbul"), json.Object("ibft"), json.Object("qbft"));
        if ((istanbul is null ? 0 : 1) + (ibft is null ? 0 : 1) + (qbft is null ? 0 : 1) > 1)
            throw new ConfigurationException("genesis: config.istanbul, config.ibft and config.qbft exclude each other; keep one");
        if (istanbul is not null)
            return new IstanbulConfig(Epoch(istanbul, "epoch"), Policy(istanbul), istanbul.UInt64("ceil2Nby3Block"))
            {
                QbftBlock = istanbul.UInt64("testQBFTBlock"),
            };
        if (ibft is not null) return ReadBft(ibft);
        if (qbft is not null) return ReadQbft(qbft);
        // An algorithm at block 0 stands for the object; the transition's own values come on top as everywhere.
        return transitions.Any(t => t is { Block: 0, Algorithm: not null }) ? new IstanbulConfig(IstanbulConfig.DefaultEpoch, 0, 0) : null;
    }

    /// <summary>The engine of block 0.</summary>
    public static EngineKind KindOf(IstanbulConfig? config, IReadOnlyList<Transition> transitions) =>
        config is null ? EngineKind.Raft
        : config.QbftBlock == 0 || transitions.Any(t => t is { Block: 0, Algorithm: EngineKind.Qbft }) ? EngineKind.Qbft
        : EngineKind.Ibft;

    private static IstanbulConfig ReadBft(JsonFields json) => new(
        Epoch(json, "epochlength"), Policy(json), json.UInt64("ceil2Nby3Block") ?? 0, Positive(json, "blockperiodseconds"),
        Positive(json, "requesttimeoutseconds"))
    {
        EmptyBlockPeriodSeconds = json.UInt64("emptyblockperiodseconds") ?? 0,
        ValidatorContract = json.Address("validatorcontractaddress") ?? default,
    };

    private static IstanbulConfig ReadQbft(JsonFields json) => ReadBft(json) with
    {
        QbftBlock = 0,
        MaxRequestTimeoutSeconds = json.UInt64("maxRequestTimeoutSeconds") ?? 0,
        ValidatorSelectionMode = ValidatorFields.SelectionMode(json),
        Validators = json.Addresses("validators"),
        BlockReward = json.Integer("blockReward") ?? UInt256.Zero,
        BeneficiaryMode = json.Text("beneficiaryMode"),
        MiningBeneficiary = json.Address("miningBeneficiary"),
    };

    private static ulong Epoch(JsonFields json, string name) => Positive(json, name) ?? IstanbulConfig.DefaultEpoch;

    /// <summary>0 counts as absent (setBFTConfig).</summary>
    private static ulong? Positive(JsonFields json, string name) => json.UInt64(name) is { } value and > 0 ? value : null;

    private static ulong Policy(JsonFields json) => json.UInt64("policy") ?? 0;
}
