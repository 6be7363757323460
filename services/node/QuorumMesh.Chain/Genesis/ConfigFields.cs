namespace QuorumMesh.Chain.Genesis;

/// <summary>Which fields of a genesis's <c>config</c> object mean something, and to whom.</summary>
internal static class ConfigFields
{
    // 2.5, 21 and 24:params/config.go ChainConfig.
    private static readonly string[] OfGoQuorum =
    [
        "chainId", "homesteadBlock", "daoForkBlock", "daoForkSupport", "eip150Block", "eip150Hash", "eip155Block", "eip158Block",
        "byzantiumBlock", "constantinopleBlock",
        "petersburgBlock", "istanbulBlock", "muirGlacierBlock", "berlinBlock", "ewasmBlock", "yoloV1Block", "yoloV3Block", "catalystBlock",
        "ethash", "clique", "istanbul", "ibft", "qbft", "transitions", "isQuorum", "txnSizeLimit", "maxCodeSize", "maxCodeSizeChangeBlock",
        "maxCodeSizeConfig",
        "qip714Block", "privacyEnhancementsBlock", "isMPS", "privacyPrecompileBlock", "enableGasPriceBlock",
    ];

    // Forks after Berlin. No GoQuorum knows them, whatever old files say.
    private static readonly string[] OfOurs =
        ["londonBlock", "arrowGlacierBlock", "grayGlacierBlock", "parisBlock", "shanghaiBlock", "cancunBlock", "pragueBlock", "osakaBlock"];

    // Their objects: 24:params/config.go IstanbulConfig, BFTConfig, QBFTConfig and MaxCodeConfigStruct.
    private static readonly string[] OfIstanbul = ["epoch", "policy", "ceil2Nby3Block", "testQBFTBlock"];

    private static readonly string[] OfBft =
    [
        "epochlength", "blockperiodseconds", "emptyblockperiodseconds", "requesttimeoutseconds", "policy", "ceil2Nby3Block",
        "validatorcontractaddress",
    ];

    private static readonly string[] OfQbft =
    [
        .. OfBft, "validatorselectionmode", "validators", "blockReward", "beneficiaryMode", "miningBeneficiary", "maxRequestTimeoutSeconds",
    ];

    private static readonly string[] OfCodeSizes = ["block", "size"];

    private static readonly HashSet<string> Known = new(OfGoQuorum, StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> LaterForks = new(OfOurs, StringComparer.OrdinalIgnoreCase);

    public static bool HasLaterForks(JsonFields config) => config.Names.Any(LaterForks.Contains);

    public static bool IsLaterFork(string name) => LaterForks.Contains(name);

    /// <summary>Names that no GoQuorum knows, the forks after Berlin among them; those in its objects as <c>istanbul.name</c>.</summary>
    public static IReadOnlyList<string> UnknownToGoQuorum(JsonFields config) =>
    [
        .. config.Names.Where(name => !Known.Contains(name) && !IsMark(name)),
        .. Objects(config).SelectMany(o => o.Json.Unknown(o.Known).Select(o.Json.PathOf)).Select(path => path["config.".Length..])
        .Distinct(),
    ];

    /// <exception cref="ConfigurationException">A field that nobody knows: our own genesis passes nothing over.</exception>
    public static void RequireKnown(JsonFields config)
    {
        foreach (var name in config.Names)
        {
            if (Known.Contains(name) || LaterForks.Contains(name) || IsMark(name))
                continue;
            throw new ConfigurationException(name.EndsWith("Time", StringComparison.OrdinalIgnoreCase)
                ? $"genesis: config.{name} is not known: forks come by block number here; use a …Block field, or remove it"
                : $"genesis: config.{name} is not known, and a genesis with config.quorumMesh has nothing that is passed over: remove it");
        }
        foreach (var (json, known) in Objects(config)) json.RequireOnly(known);
    }

    /// <summary>What GoQuorum of some version acts on and this QuorumMesh does not.</summary>
    public static IReadOnlyList<UnsupportedField> Unsupported(JsonFields config)
    {
        var (first, v21, v24) = (CompatibilityProfile.V2_5, CompatibilityProfile.V21, CompatibilityProfile.V24);
        var found = new List<UnsupportedField>();
        AddIf(config.Has("clique"), "config.clique", first, advice: "use Raft (no engine object), istanbul, ibft or qbft");
        // 24:core/state_processor.go: balances move at that block; at block 0 nothing is executed.
        AddIf(config.Bool("daoForkSupport") && config.UInt64("daoForkBlock") is > 0, "config.daoForkSupport", first);
        AddIf(config.Has("yoloV1Block"), "config.yoloV1Block", v21, last: v21);
        AddIf(config.Has("yoloV3Block"), "config.yoloV3Block", v24);
        AddIf(config.Has("catalystBlock"), "config.catalystBlock", v24);
        return found;

        void AddIf(bool has, string path, CompatibilityProfile since, CompatibilityProfile? last = null, string advice = "remove it")
        {
            if (has)
                found.Add(new UnsupportedField(path, since, last ?? v24, advice));
        }
    }

    private static IEnumerable<(JsonFields Json, string[] Known)> Objects(JsonFields config)
    {
        if (config.Object("istanbul") is { } istanbul) yield return (istanbul, OfIstanbul);
        if (config.Object("ibft") is { } ibft) yield return (ibft, OfBft);
        if (config.Object("qbft") is { } qbft) yield return (qbft, OfQbft);
        foreach (var step in config.Array("maxCodeSizeConfig")) yield return (step, OfCodeSizes);
    }

    private static bool IsMark(string name) => name.Equals("quorumMesh", StringComparison.OrdinalIgnoreCase);
}
