using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Genesis;

/// <summary>Reads and checks the <c>config</c> object of a genesis file.</summary>
internal static class ChainConfigReader
{
    /// <param name="beforeTheMark">
    /// True for the genesis of a store that was made before <c>config.quorumMesh</c> was known: its forks after Berlin go on to count.
    /// </param>
    public static ChainConfig Read(JsonFields json, bool beforeTheMark = false)
    {
        var mesh = ReadMesh(json, beforeTheMark);
        var transitions = TransitionReader.Read(json);
        var istanbul = EngineReader.Read(json, transitions);
        var config = new ChainConfig
        {
            ChainId = json.Integer("chainId") ?? UInt256.Zero,
            Mesh = mesh,
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
            Engine = EngineReader.KindOf(istanbul, transitions),
            Istanbul = istanbul,
            HasNewEngineObject = json.Has("ibft") || json.Has("qbft"),
            Transitions = transitions,
            // 2.5:cmd/geth/chaincmd.go getIsQuorum: not given means true
            IsQuorum = !json.Has("isQuorum") || json.Bool("isQuorum"),
            TxnSizeLimitKb = json.Int("txnSizeLimit"),
            MaxCodeSizeKb = json.Int("maxCodeSize"),
            MaxCodeSizeChangeBlock = json.UInt64("maxCodeSizeChangeBlock"),
            MaxCodeSizeConfig = ReadMaxCodeSizes(json),
            Qip714Block = json.UInt64("qip714Block"),
            EnableGasPriceBlock = json.UInt64("enableGasPriceBlock"),
            PrivacyEnhancementsBlock = json.UInt64("privacyEnhancementsBlock"),
            PrivacyPrecompileBlock = json.UInt64("privacyPrecompileBlock"),
            IsMps = json.Bool("isMPS"),
            Unsupported = ConfigFields.Unsupported(json),
            PassedOver = mesh is null ? ConfigFields.UnknownToGoQuorum(json) : [],
        };
        if (mesh is not null)
            config = WithLaterForks(config, json);
        Check(config);
        return config;
    }

    private static QuorumMeshConfig? ReadMesh(JsonFields json, bool beforeTheMark)
    {
        if (QuorumMeshConfigReader.Read(json) is { } mesh)
        {
            ConfigFields.RequireKnown(json);
            return mesh;
        }
        return beforeTheMark && ConfigFields.HasLaterForks(json)
            ? new QuorumMeshConfig(QuorumMeshConfig.BeforeTheMark) { IsInferred = true } : null;
    }

    private static ChainConfig WithLaterForks(ChainConfig config, JsonFields json) => config with
    {
        LondonBlock = json.UInt64("londonBlock"),
        ArrowGlacierBlock = json.UInt64("arrowGlacierBlock"),
        GrayGlacierBlock = json.UInt64("grayGlacierBlock"),
        ParisBlock = json.UInt64("parisBlock"),
        ShanghaiBlock = json.UInt64("shanghaiBlock"),
        CancunBlock = json.UInt64("cancunBlock"),
        PragueBlock = json.UInt64("pragueBlock"),
        OsakaBlock = json.UInt64("osakaBlock"),
    };

    private static MaxCodeSizeStep[] ReadMaxCodeSizes(JsonFields json) =>
        [.. json.Array("maxCodeSizeConfig").Select(step => new MaxCodeSizeStep(
            step.UInt64("block") ?? throw new ConfigurationException("Block number not given in maxCodeSizeConfig data"),
            step.Int("size")))];

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
            throw new ConfigurationException(
                "genesis: maxCodeSize & maxCodeSizeChangeBlock deprecated. Consider using maxCodeSizeConfig alone");
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i].SizeKb is < 24 or > 128)
                throw new ConfigurationException("Genesis max code size must be between 24 and 128");
            if (i > 0 && steps[i].Block < steps[i - 1].Block)
                throw new ConfigurationException("invalid maxCodeSize detail, block order has to be ascending");
        }
    }
}
