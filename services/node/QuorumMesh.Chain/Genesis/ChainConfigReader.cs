using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>Reads and checks the <c>config</c> object of a genesis file.</summary>
internal static class ChainConfigReader
{
    private static readonly HashSet<string> KnownBlocks = new(StringComparer.OrdinalIgnoreCase)
    {
        "homesteadBlock", "daoForkBlock", "eip150Block", "eip155Block", "eip158Block", "byzantiumBlock", "constantinopleBlock", "petersburgBlock",
        "istanbulBlock", "muirGlacierBlock", "ewasmBlock", "berlinBlock", "londonBlock", "arrowGlacierBlock", "grayGlacierBlock", "parisBlock",
        "shanghaiBlock", "cancunBlock", "pragueBlock", "osakaBlock", "maxCodeSizeChangeBlock", "qip714Block", "enableGasPriceBlock",
    };

    private static readonly string[] NotSupportedYet = ["privacyEnhancementsBlock", "privacyPrecompileBlock", "yoloV1Block", "yoloV2Block", "yoloV3Block", "catalystBlock"];

    public static ChainConfig Read(JsonFields json)
    {
        RefuseUnsupported(json);
        var (engine, istanbul) = ReadEngine(json);
        var config = new ChainConfig
        {
            ChainId = json.Integer("chainId") ?? UInt256.Zero,
            HomesteadBlock = json.UInt64("homesteadBlock"),
            DaoForkBlock = json.UInt64("daoForkBlock"),
            DaoForkSupport = json.Bool("daoForkSupport"),
            Eip150Block = json.UInt64("eip150Block"),
            Eip155Block = json.UInt64("eip155Block"),
            Eip158Block = json.UInt64("eip158Block"),
            ByzantiumBlock = json.UInt64("byzantiumBlock"),
            ConstantinopleBlock = json.UInt64("constantinopleBlock"),
            PetersburgBlock = json.UInt64("petersburgBlock"),
            IstanbulBlock = json.UInt64("istanbulBlock"),
            MuirGlacierBlock = json.UInt64("muirGlacierBlock"),
            EwasmBlock = json.UInt64("ewasmBlock"),
            BerlinBlock = json.UInt64("berlinBlock"),
            LondonBlock = json.UInt64("londonBlock"),
            ArrowGlacierBlock = json.UInt64("arrowGlacierBlock"),
            GrayGlacierBlock = json.UInt64("grayGlacierBlock"),
            ParisBlock = json.UInt64("parisBlock"),
            ShanghaiBlock = json.UInt64("shanghaiBlock"),
            CancunBlock = json.UInt64("cancunBlock"),
            PragueBlock = json.UInt64("pragueBlock"),
            OsakaBlock = json.UInt64("osakaBlock"),
            Engine = engine,
            Istanbul = istanbul,
            // 2.5:cmd/geth/chaincmd.go getIsQuorum: not given means true
            IsQuorum = !json.Has("isQuorum") || json.Bool("isQuorum"),
            TxnSizeLimitKb = json.Int("txnSizeLimit"),
            MaxCodeSizeKb = json.Int("maxCodeSize"),
            MaxCodeSizeChangeBlock = json.UInt64("maxCodeSizeChangeBlock"),
            MaxCodeSizeConfig = ReadMaxCodeSizes(json),
            Qip714Block = json.UInt64("qip714Block"),
            EnableGasPriceBlock = json.UInt64("enableGasPriceBlock"),
        };
        Check(config);
        return config;
    }

    private static void RefuseUnsupported(JsonFields json)
    {
        foreach (var name in NotSupportedYet)
        {
            if (json.Has(name))
                throw new ConfigurationException($"genesis: not supported yet: config.{name}; remove it");
        }
        if (json.Bool("isMPS"))
            throw new ConfigurationException("genesis: not supported yet: config.isMPS (multiple private states); remove it or set it to false");
        if (json.ArrayLength("transitions") > 0)
            throw new ConfigurationException("genesis: not supported yet: config.transitions; remove it or leave it empty");
        if (json.Object("istanbul")?.Has("testQBFTBlock") == true)
            throw new ConfigurationException("genesis: not supported yet: config.istanbul.testQBFTBlock; remove it");
        if (json.Has("clique"))
            throw new ConfigurationException("genesis: not supported: the clique engine; use Raft (no engine object), istanbul, ibft or qbft");
        foreach (var name in json.Names)
        {
            if (name.EndsWith("Time", StringComparison.OrdinalIgnoreCase) || name.Equals("terminalTotalDifficulty", StringComparison.OrdinalIgnoreCase))
                throw new ConfigurationException($"genesis: config.{name}: forks come by block number here, because Raft's clock counts nanoseconds; use a …Block field");
            if (name.EndsWith("Block", StringComparison.OrdinalIgnoreCase) && !KnownBlocks.Contains(name))
                throw new ConfigurationException($"genesis: config.{name} is an unknown fork; remove it");
        }
    }

    private static (EngineKind Kind, IstanbulConfig? Config) ReadEngine(JsonFields json)
    {
        var istanbul = json.Object("istanbul");
        var ibft = json.Object("ibft");
        var qbft = json.Object("qbft");
        if ((istanbul is null ? 0 : 1) + (ibft is null ? 0 : 1) + (qbft is null ? 0 : 1) > 1)
            throw new ConfigurationException("genesis: config.istanbul, config.ibft and config.qbft exclude each other; keep one");
        if (istanbul is not null)
            return (EngineKind.Ibft, new IstanbulConfig(Epoch(istanbul, "epoch"), istanbul.UInt64("policy") ?? 0, istanbul.UInt64("ceil2Nby3Block")));
        if (ibft is not null)
            return (EngineKind.Ibft, ReadNewForm(ibft));
        return qbft is not null ? (EngineKind.Qbft, ReadNewForm(qbft)) : (EngineKind.Raft, null);
    }

    private static IstanbulConfig ReadNewForm(JsonFields json)
    {
        foreach (var name in (string[])["validatorcontractaddress", "validatorselectionmode", "miningBeneficiary", "beneficiaryMode", "emptyblockperiodseconds"])
        {
            if (json.Has(name))
                throw new ConfigurationException($"genesis: not supported yet: {json.PathOf(name)}; remove it");
        }
        if (json.Integer("blockReward") is { IsZero: false })
            throw new ConfigurationException($"genesis: not supported yet: {json.PathOf("blockReward")}; remove it");
        return new IstanbulConfig(Epoch(json, "epochlength"), json.UInt64("policy") ?? 0, json.UInt64("ceil2Nby3Block"),
            json.UInt64("blockperiodseconds"), json.UInt64("requesttimeoutseconds"));
    }

    private static ulong Epoch(JsonFields json, string name) => json.UInt64(name) is { } epoch and > 0 ? epoch : IstanbulConfig.DefaultEpoch;

    private static MaxCodeSizeStep[] ReadMaxCodeSizes(JsonFields json) =>
        [.. json.Array("maxCodeSizeConfig").Select(step => new MaxCodeSizeStep(
            step.UInt64("block") ?? throw new ConfigurationException("Block number not given in maxCodeSizeConfig data"), step.Int("size")))];

    private static void Check(ChainConfig config)
    {
        if (config.ChainId == 1u)
            throw new ConfigurationException("Cannot have chain id or network id as 1.");
        if (config.TxnSizeLimitKb is not 0 and (< 32 or > 128))
            throw new ConfigurationException("Genesis transaction size limit must be between 32 and 128");
        if (config.MaxCodeSizeKb is not 0 and (< 24 or > 128))
            throw new ConfigurationException("Genesis max code size must be between 24 and 128");
        CheckMaxCodeSizes(config);
        ForkOrder.Check(config);
    }

    private static void CheckMaxCodeSizes(ChainConfig config)
    {
        var steps = config.MaxCodeSizeConfig;
        if (steps.Count > 0 && (config.MaxCodeSizeKb != 0 || config.MaxCodeSizeChangeBlock is not null))
            throw new ConfigurationException("genesis: maxCodeSize & maxCodeSizeChangeBlock deprecated. Consider using maxCodeSizeConfig alone");
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i].SizeKb is < 24 or > 128)
                throw new ConfigurationException("Genesis max code size must be between 24 and 128");
            if (i > 0 && steps[i].Block < steps[i - 1].Block)
                throw new ConfigurationException("invalid maxCodeSize detail, block order has to be ascending");
        }
    }
}
