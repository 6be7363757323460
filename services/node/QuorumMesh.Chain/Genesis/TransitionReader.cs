using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>
/// Reads and checks <c>config.transitions</c>, in GoQuorum's words (24:params/config.go CheckTransitionsData, errors.go).
/// </summary>
internal static class TransitionReader
{
    private const string Field = "transitions";

    // 24:params/config.go Transition.
    private static readonly string[] _fields =
    [
        "block", "algorithm", "epochlength", "blockperiodseconds", "emptyblockperiodseconds", "requesttimeoutseconds", "contractsizelimit",
        "validatorcontractaddress", "validators", "validatorselectionmode", "enhancedPermissioningEnabled", "privacyEnhancementsEnabled",
        "privacyPrecompileEnabled", "gasPriceEnabled", "miner.gaslimit", "2FPlus1Enabled", "transactionSizeLimit", "blockReward",
        "beneficiaryMode", "miningBeneficiary", "maxRequestTimeoutSeconds",
    ];

    /// <summary>In the order of their blocks, which may be equal.</summary>
    /// <exception cref="ConfigurationException">
    /// A field that no GoQuorum knows, a value out of range, or items that contradict each other or the rest of the configuration.
    /// </exception>
    public static IReadOnlyList<Transition> Read(JsonFields config)
    {
        var transitions = config.Array(Field).Select(ReadOne).ToList();
        for (var i = 1; i < transitions.Count; i++)
            if (transitions[i].Block < transitions[i - 1].Block)
                throw Invalid(config, i, "block order should be ascending");
        CheckEngines(config, transitions);
        for (var i = 0; i < transitions.Count; i++)
            if (transitions[i].ContractSizeLimitKb != 0 && config.ArrayLength("maxCodeSizeConfig") > 0)
                throw Invalid(config, i, "can't use transition ContractSizeLimit and MaxCodeSizeConfig at the same time");
        return transitions;
    }

    private static Transition ReadOne(JsonFields json)
    {
        // Nothing of a transition is passed over: a word that is misspelt would change the rules of a network at its block for some nodes.
        json.RequireOnly(_fields);
        var transition = new Transition
        {
            Block = json.UInt64("block") ?? throw new ConfigurationException($"genesis: {json.PathOf("block")}: block number not given in "
                + "transitions data"),
            Algorithm = ReadAlgorithm(json),
            EpochLength = json.UInt64("epochlength") ?? 0,
            BlockPeriodSeconds = json.UInt64("blockperiodseconds") ?? 0,
            EmptyBlockPeriodSeconds = json.UInt64("emptyblockperiodseconds"),
            RequestTimeoutSeconds = json.UInt64("requesttimeoutseconds") ?? 0,
            MaxRequestTimeoutSeconds = json.UInt64("maxRequestTimeoutSeconds"),
            ContractSizeLimitKb = Kilobytes(json, "contractsizelimit", 24),
            TransactionSizeLimitKb = Kilobytes(json, "transactionSizeLimit", 32),
            ValidatorContract = json.Address("validatorcontractaddress") ?? default,
            Validators = json.Addresses("validators"),
            ValidatorSelectionMode = ValidatorFields.SelectionMode(json),
            EnhancedPermissioning = json.OptionalBool("enhancedPermissioningEnabled"),
            PrivacyEnhancements = json.OptionalBool("privacyEnhancementsEnabled"),
            PrivacyPrecompile = json.OptionalBool("privacyPrecompileEnabled"),
            GasPrice = json.OptionalBool("gasPriceEnabled"),
            TwoFPlusOne = json.OptionalBool("2FPlus1Enabled"),
            MinerGasLimit = json.UInt64("miner.gaslimit") ?? 0,
            BlockReward = json.Integer("blockReward"),
            BeneficiaryMode = ReadBeneficiaryMode(json),
            MiningBeneficiary = json.Address("miningBeneficiary"),
        };
        if (!transition.ValidatorContract.IsZero && transition.ValidatorSelectionMode != IstanbulConfig.ContractMode)
            throw Invalid(json, "validatorselectionmode",
                "validator selection mode is missing, should specify `contract` when using validatorcontractaddress");
        return transition;
    }

    private static EngineKind? ReadAlgorithm(JsonFields json) => json.Text("algorithm")?.ToUpperInvariant() switch
    {
        null or "" => null,
        "IBFT" => EngineKind.Ibft,
        "QBFT" => EngineKind.Qbft,
        _ => throw Invalid(json, "algorithm", "transition algorithm is invalid, should be either `ibft` or `qbft`"),
    };

    // The empty text and "list" pass GoQuorum's check and change nothing by themselves (24:params/config.go GetRewardAccount).
    private static string? ReadBeneficiaryMode(JsonFields json) =>
        json.Text("beneficiaryMode") is var mode && mode is null or "" or "fixed" or "validators" or "list" ? mode
            : throw Invalid(json, "beneficiaryMode", "beneficiary mode is not valid, should be `fixed` or `validators`");

    private static int Kilobytes(JsonFields json, string name, int least) => json.Int(name) switch
    {
        0 => 0,
        var size when size >= least && size <= 128 => size,
        _ => throw Invalid(json, name, $"must be between {least} and 128"),
    };

    private static void CheckEngines(JsonFields config, List<Transition> transitions)
    {
        var isQbft = config.Has("qbft");
        var isIstanbul = isQbft || config.Has("ibft") || config.Has("istanbul");
        for (var i = 0; i < transitions.Count; i++)
        {
            if (transitions[i].Algorithm is not { } algorithm) continue;
            if (config.Object("istanbul")?.Has("testQBFTBlock") == true)
                throw Invalid(config, i, "can't use transition algorithm and testQBFTBlock at the same time");
            if (isQbft && algorithm == EngineKind.Ibft) throw Invalid(config, i, "can't transition from qbft to ibft");
            if (!isIstanbul && transitions[i].Block > 0)
                throw Invalid(config, i, "a Raft chain cannot change its engine: config.ibft, config.qbft or an algorithm at block 0 is missing");
            isQbft |= algorithm == EngineKind.Qbft;
            isIstanbul = true;
        }
    }

    private static ConfigurationException Invalid(JsonFields json, string name, string reason) =>
        new($"genesis: {json.PathOf(name)}: {reason}");

    private static ConfigurationException Invalid(JsonFields config, int index, string reason) =>
        new($"genesis: {config.PathOf(Field)}[{index}]: {reason}");
}
