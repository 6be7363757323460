using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>What makes a genesis our own, and what GoQuorum's own files mean.</summary>
public sealed class OwnGenesisTests
{
    private const string ToBerlin = """
        "chainId": 1337, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0
        """;

    private const string LaterForks = """
        "berlinBlock": 0, "londonBlock": 1, "shanghaiBlock": 2, "cancunBlock": 3
        """;

    // As the tools behind the public quickstart write them: Berlin far away, London from the start, fields of other clients.
    private const string Quickstart = """
        "chainId": 1337, "homesteadBlock": 0, "eip150Block": 0, "eip150Hash": "0x0000000000000000000000000000000000000000000000000000000000000000", "eip155Block": 0, "eip158Block": 0,
        "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "muirGlacierBlock": 0, "berlinBlock": 10000000, "londonBlock": 0, "isQuorum": true,
        "maxCodeSizeConfig": [ { "block": 0, "size": 64 } ], "txnSizeLimit": 64, "qip714Block": 0, "zeroBaseFee": true, "shanghaiTime": 0
        """;

    private const string ValidatorExtra = "0x0000000000000000000000000000000000000000000000000000000000000000f897f893"
        + "946571d97f340c8495b661a823f2c2145ca47d63c2948157d4437104e3b8df4451a85f7b2438ef6699ff94b131288f355bc27090e542ae0be213c20350b76794b912de287f9b047b4228436e94b5b78e3ee1617194d8dba507e85f116b1f7e231ca8525fc9008a696694e36cbeb565b061217930767886474e3cde903ac594f512a992f3fb749857d758ffda1330e590fa915e80c0";

    private static string File(string config, string rest = "") => $$"""
        { "config": { {{config}} }, "alloc": { "0xed9d02e382b34818e88b88a309c7fe71e65f419d": { "balance": "1000", "comment": "a key of the samples" } }, "difficulty": "0x1", "gasLimit": "0xFFFFFFFF"{{rest}} }
        """;

    private static ChainConfig Config(string more) => GenesisFile.Parse(File(ToBerlin + more)).Config;

    [Theory]
    [InlineData("", EngineKind.Raft)]
    [InlineData(""", "istanbul": { "epoch": 30000, "policy": 0, "ceil2Nby3Block": 0 } """, EngineKind.Ibft)]
    public void Genesis_files_of_the_public_quickstart_load(string engine, EngineKind kind)
    {
        var rest = kind == EngineKind.Raft ? ""
            : $$""", "extraData": "{{ValidatorExtra}}", "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365" """;
        var genesis = GenesisFile.Parse(File(Quickstart + engine, rest));
        var config = genesis.Config;
        var profile = CompatibilityProfile.DefaultFor(config);
        config.RequireSupported(profile);
        Assert.Equal((kind, CompatibilityProfile.V24), (config.Engine, profile));
        Assert.Equal([Fork.Istanbul, Fork.Istanbul, Fork.Berlin],
            new ulong[] { 0, 9_999_999, 10_000_000 }.Select(n => config.ForkAt(n, profile)));
        Assert.Equal(["londonBlock", "zeroBaseFee", "shanghaiTime"], config.IgnoredFields(profile));
        Assert.Equal([10_000_000ul], config.ForkIdBlocks(profile));
        Assert.NotEqual(default, genesis.ToHeader().Hash);
    }

    // As the public quickstart and its genesis tool write them for QBFT and IBFT of GoQuorum 24, and quorum-wizard for 2.x.
    [Theory]
    [InlineData(""" "qbft": { "epochlength": 30000, "blockperiodseconds": 5, "emptyblockperiodseconds": 60, "requesttimeoutseconds": 10, "policy": 0, "ceil2Nby3Block": 0, "validatorcontractaddress": "0x0000000000000000000000000000000000000000" } """, EngineKind.Qbft)]
    [InlineData(""" "ibft": { "epochlength": 30000, "blockperiodseconds": 5, "requesttimeoutseconds": 10, "policy": 0, "ceil2Nby3Block": 0, "validatorcontractaddress": "0x0000000000000000000000000000000000000000" }, "transitions": [] """, EngineKind.Ibft)]
    [InlineData(""" "istanbul": { "epoch": 30000, "policy": 0, "ceil2Nby3Block": 0 }, "txnSizeLimit": 64, "maxCodeSize": 0 """, EngineKind.Ibft)]
    [InlineData(""" "transitions": [ { "block": 0, "algorithm": "qbft", "blockperiodseconds": 5 } ] """, EngineKind.Qbft)]
    public void Genesis_files_of_the_field_load_with_their_engine(string engine, EngineKind kind)
    {
        var config = Config("," + engine);
        var profile = CompatibilityProfile.DefaultFor(config);
        config.RequireSupported(profile);
        Assert.Equal((kind, 30_000ul), (config.Engine, config.Istanbul!.Epoch));
        Assert.Empty(config.IgnoredFields(profile));
        Assert.Equal(kind == EngineKind.Qbft ? 0 : null, (int?)config.QbftFrom(CompatibilityProfile.V24));
    }

    [VectorFact]
    public void A_genesis_of_Besu_loads_with_what_GoQuorum_passes_over_named()
    {
        var genesis = GenesisFile.Parse(Vectors.ReadText("goquorum/qbft-besu-24.5.4/genesis-besu.json"));
        genesis.Config.RequireSupported(CompatibilityProfile.V24);
        Assert.Equal(EngineKind.Qbft, genesis.Config.Engine);
        Assert.Contains("contractSizeLimit", genesis.Config.IgnoredFields(CompatibilityProfile.V24));
        Assert.Equal("0x5a60d670d0e26503cfd95428f36b4905af21c5517a67e6cfc3ec254778c18e44", genesis.ToHeader().Hash.ToString());
    }

    [Fact]
    public void Forks_after_Berlin_count_in_a_genesis_of_our_own_alone()
    {
        var profile = CompatibilityProfile.V24;
        var (theirs, before, ours) = (Config("," + LaterForks), Config("," + LaterForks + """, "quorumMesh": { "version": 0 } """),
            Config("," + LaterForks + """, "quorumMesh": { "version": 1 } """));
        Assert.Equal([Fork.Berlin, Fork.Berlin, Fork.Berlin, Fork.Berlin],
            Enumerable.Range(0, 4).Select(n => theirs.ForkAt((ulong)n, profile)));
        foreach (var config in new[] { before, ours })
            Assert.Equal([Fork.Berlin, Fork.London, Fork.Shanghai, Fork.Cancun],
                Enumerable.Range(0, 4).Select(n => config.ForkAt((ulong)n, profile)));
        Assert.Equal(["londonBlock", "shanghaiBlock", "cancunBlock"], theirs.IgnoredFields(profile));
        Assert.Empty(ours.IgnoredFields(profile));
        Assert.Empty(theirs.ForkIdBlocks(profile));
        Assert.Equal((BlockTimeUnit.Nanoseconds, BlockTimeUnit.Nanoseconds, BlockTimeUnit.Seconds),
            (theirs.BlockTimeUnit, before.BlockTimeUnit, ours.BlockTimeUnit));
        Assert.Equal((false, false, true), (theirs.HasBaseFee(1, profile), before.HasBaseFee(1, profile), ours.HasBaseFee(1, profile)));
        Assert.False(ours.HasBaseFee(0, profile));
    }

    [Fact]
    public void What_an_earlier_build_took_from_a_genesis_goes_on_to_count_in_its_stores()
    {
        var json = File(ToBerlin + "," + LaterForks);
        var config = GenesisFile.Parse(json, beforeTheMark: true).Config;
        Assert.Equal((0, true), (config.Mesh!.Version, config.Mesh.IsInferred));
        Assert.Equal(Fork.Cancun, config.ForkAt(3, CompatibilityProfile.V24));
        Assert.Null(ChainConfigCompatibility.Check(config, Config("," + LaterForks + """, "quorumMesh": { "version": 0 } """),
            CompatibilityProfile.V24, 9));
        Assert.Contains("quorumMesh.version",
            ChainConfigCompatibility.Check(config, GenesisFile.Parse(json).Config, CompatibilityProfile.V24, 9), StringComparison.Ordinal);
        Assert.Null(GenesisFile.Parse(File(ToBerlin), beforeTheMark: true).Config.Mesh);
    }

    [Fact]
    public void The_mark_cannot_change_once_there_are_blocks_and_empty_blocks_can()
    {
        var profile = CompatibilityProfile.V24;
        var seconds = Config(""", "quorumMesh": { "version": 1, "blockTimes": "seconds", "emptyBlocks": { "count": 6, "periodSeconds": 2 } } """);
        var nanoseconds = Config(""", "quorumMesh": { "version": 1, "blockTimes": "nanoseconds" } """);
        Assert.Equal(new EmptyBlocksConfig(6, 2), seconds.Mesh!.EmptyBlocks);
        Assert.Equal("mismatching quorumMesh.blockTimes in database (have seconds, want nanoseconds)",
            ChainConfigCompatibility.Check(seconds, nanoseconds, profile, 1));
        Assert.Equal("mismatching quorumMesh.version in database (have <nil>, want 1)",
            ChainConfigCompatibility.Check(Config(""), seconds, profile, 1));
        Assert.Null(ChainConfigCompatibility.Check(Config(""), seconds, profile, 0));
        Assert.Null(ChainConfigCompatibility.Check(seconds, Config(""", "quorumMesh": { "version": 1 } """), profile, 1));
    }

    [Theory]
    [InlineData(""", "quorumMesh": {} """, "config.quorumMesh has no version")]
    [InlineData(""", "quorumMesh": { "version": 2 } """, "config.quorumMesh.version 2 is not known")]
    [InlineData(""", "quorumMesh": { "version": "one" } """, "config.quorumMesh.version must be")]
    [InlineData(""", "quorumMesh": 1 """, "config.quorumMesh must be a JSON object")]
    [InlineData(""", "quorumMesh": { "version": 1, "blocktime": "seconds" } """, "config.quorumMesh.blocktime is not known")]
    [InlineData(""", "quorumMesh": { "version": 1, "blockTimes": "minutes" } """, "must be \"seconds\" or \"nanoseconds\"")]
    [InlineData(""", "quorumMesh": { "version": 0, "blockTimes": "seconds" } """, "config.quorumMesh.blockTimes is not known")]
    [InlineData(""", "quorumMesh": { "version": 1, "emptyBlocks": { "count": 101 } } """,
        "config.quorumMesh.emptyBlocks.count must be 0 to 100")]
    [InlineData(""", "quorumMesh": { "version": 1, "emptyBlocks": { "count": 6, "periodSeconds": 0 } } """,
        "periodSeconds must be 1 to 3600")]
    [InlineData(""", "quorumMesh": { "version": 1, "emptyBlocks": { "blocks": 6 } } """,
        "config.quorumMesh.emptyBlocks.blocks is not known")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "contractSizeLimit": 65536 """, "config.contractSizeLimit is not known")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "cancunTime": 0 """, "config.cancunTime is not known: forks come by block number")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "terminalTotalDifficulty": 0 """, "config.terminalTotalDifficulty is not known")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "istanbul": { "epochs": 5 } """, "config.istanbul.epochs is not known")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "clique": {} """, "config.clique")]
    public void Our_own_genesis_passes_nothing_over(string config, string message)
    {
        var error = Assert.Throws<ConfigurationException>(() => Config(config).RequireSupported(CompatibilityProfile.V24));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Our_own_genesis_passes_nothing_over_outside_its_config_and_has_one_profile()
    {
        var marked = ToBerlin + """, "quorumMesh": { "version": 1 } """;
        Assert.Contains("baseFeePerGas is not known",
            Assert.Throws<ConfigurationException>(() => GenesisFile.Parse(File(marked, """, "baseFeePerGas": "0x1" """))).Message,
            StringComparison.Ordinal);
        Assert.NotNull(GenesisFile.Parse(File(ToBerlin, """, "baseFeePerGas": "0x1" """)));
        var config = GenesisFile.Parse(File(marked)).Config;
        Assert.Same(CompatibilityProfile.V24, CompatibilityProfile.DefaultFor(config));
        foreach (var profile in new[] { CompatibilityProfile.V2_5, CompatibilityProfile.V2_6, CompatibilityProfile.V21 })
            Assert.Contains("is for profile 24", Assert.Throws<ConfigurationException>(() => config.RequireSupported(profile)).Message,
                StringComparison.Ordinal);
    }

    // Whether GoQuorum of profiles 2.5, 2.6, 21 and 24 acts on it, and so refuses it here.
    public static TheoryData<string, string, bool[]> ActedOn => new()
    {
        { "clique", """, "clique": { "period": 1 } """, [true, true, true, true] },
        { "yoloV1Block", """, "yoloV1Block": 0 """, [false, false, true, false] },
        { "yoloV3Block", """, "yoloV3Block": 0 """, [false, false, false, true] },
        { "catalystBlock", """, "catalystBlock": 0 """, [false, false, false, true] },
        { "isMPS off", """, "isMPS": false, "transitions": [] """, [false, false, false, false] },
        { "unknown", """, "londonBlock": 5, "cancunTime": 5, "terminalTotalDifficulty": 0, "amsterdamBlock": 0, "yoloV2Block": 0 """,
            [false, false, false, false] },
    };

    [Theory]
    [MemberData(nameof(ActedOn))]
    public void What_a_GoQuorum_acts_on_is_refused_by_name_and_what_it_passes_over_is_told(string name, string field, bool[] refused)
    {
        var config = Config(field);
        for (var i = 0; i < refused.Length; i++)
        {
            var profile = CompatibilityProfile.All[i];
            if (refused[i])
            {
                Assert.Contains($"not supported yet: config.{name};",
                    Assert.Throws<ConfigurationException>(() => config.RequireSupported(profile)).Message, StringComparison.Ordinal);
                Assert.DoesNotContain(name, config.IgnoredFields(profile));
                continue;
            }
            config.RequireSupported(profile);
            if (name is "unknown")
                foreach (var passedOver in (string[])["londonBlock", "cancunTime", "terminalTotalDifficulty", "amsterdamBlock",
                    "yoloV2Block"])
                    Assert.Contains(passedOver, config.IgnoredFields(profile));
            else if (name is not "isMPS off")
                Assert.Contains(name, config.IgnoredFields(profile));
        }
    }

    [Theory]
    [InlineData("istanbul", """{ "epoch": 5, "blockperiodseconds": 2, "Policy": 0 }""", "istanbul.blockperiodseconds")]
    [InlineData("ibft", """{ "epochlength": 5, "epoch": 7 }""", "ibft.epoch")]
    [InlineData("ibft", """{ "epochlength": 5, "blockReward": "7" }""", "ibft.blockReward")]
    [InlineData("qbft", """{ "EpochLength": 5, "xemptyblockperiodseconds": 7 }""", "qbft.xemptyblockperiodseconds")]
    [InlineData("maxCodeSizeConfig", """[ { "block": 0, "size": 32 }, { "block": 5, "size": 64, "unit": "KB" } ]""",
        "maxCodeSizeConfig[1].unit")]
    public void An_unknown_name_within_an_object_is_told_and_in_our_own_genesis_refused(string name, string value, string path)
    {
        var json = $$"""{{ToBerlin}}, "{{name}}": {{value}}""";
        var theirs = GenesisFile.Parse(File(json)).Config;
        Assert.Equal([path], theirs.PassedOver);
        Assert.Contains(path, theirs.IgnoredFields(CompatibilityProfile.V24));
        theirs.RequireSupported(CompatibilityProfile.V24);
        var refused = Assert.Throws<ConfigurationException>(() => GenesisFile.Parse(File(json + """, "quorumMesh": { "version": 1 } """)));
        Assert.Contains($"config.{path} is not known", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_name_beside_the_config_is_told_and_in_our_own_genesis_refused()
    {
        const string baseFee = """, "baseFeePerGas": "0x0" """;
        Assert.Equal(["baseFeePerGas (outside config)"], GenesisFile.Parse(File(ToBerlin, baseFee)).Config.PassedOver);
        var refused = Assert.Throws<ConfigurationException>(
            () => GenesisFile.Parse(File(ToBerlin + """, "quorumMesh": { "version": 1 } """, baseFee)));
        Assert.Contains("baseFeePerGas is not known", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_DAOs_refund_is_refused_where_it_would_move_balances()
    {
        var config = GenesisFile.Parse(File(""" "chainId": 10, "homesteadBlock": 0, "daoForkBlock": 3, "daoForkSupport": true """)).Config;
        foreach (var profile in CompatibilityProfile.All)
            Assert.Contains("config.daoForkSupport", Assert.Throws<ConfigurationException>(() => config.RequireSupported(profile)).Message,
                StringComparison.Ordinal);
        GenesisFile.Parse(File(""" "chainId": 10, "homesteadBlock": 0, "daoForkBlock": 0, "daoForkSupport": true """))
            .Config.RequireSupported(CompatibilityProfile.V2_5);
    }

    // From which profile on GoQuorum, and with it this node, acts on it; those before pass it over, and that is told.
    [Theory]
    [InlineData("privacyEnhancementsBlock", """, "privacyEnhancementsBlock": 5 """, 1)]
    [InlineData("isMPS", """, "isMPS": true """, 2)]
    [InlineData("transitions", """, "transitions": [ { "block": 5, "gasPriceEnabled": true } ] """, 2)]
    [InlineData("privacyPrecompileBlock", """, "privacyPrecompileBlock": 5 """, 2)]
    [InlineData("istanbul.testQBFTBlock", """, "istanbul": { "testQBFTBlock": 5 } """, 2)]
    public void Fields_of_later_GoQuorums_load_and_are_passed_over_by_earlier_profiles(string name, string field, int first)
    {
        var config = Config(field);
        Assert.Same(CompatibilityProfile.V24, CompatibilityProfile.DefaultFor(config));
        for (var i = 0; i < CompatibilityProfile.All.Count; i++)
        {
            var profile = CompatibilityProfile.All[i];
            config.RequireSupported(profile);
            Assert.Equal(i < first, config.IgnoredFields(profile).Contains(name));
            Assert.Equal(i >= 2 && name == "privacyPrecompileBlock", config.HasPrivacyPrecompile(5, profile));
            Assert.Equal(i >= 2 && name == "istanbul.testQBFTBlock" ? 5ul : null, config.QbftFrom(profile));
            Assert.Equal(i >= first && name.EndsWith("Block", StringComparison.Ordinal) && !name.Contains('.', StringComparison.Ordinal),
                config.ForkIdBlocks(profile).Contains(5ul));
        }
    }

    [Fact]
    public void The_new_engine_objects_are_unknown_to_old_GoQuorums() => Assert.Contains("does not know config.ibft and config.qbft",
        Assert.Throws<ConfigurationException>(() => Config(""", "ibft": {} """).RequireSupported(CompatibilityProfile.V2_5)).Message,
        StringComparison.Ordinal);
}
