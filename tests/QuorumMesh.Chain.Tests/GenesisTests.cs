using System.Text.Json;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

public sealed class GenesisTests
{
    private const string Istanbul7NodesExtra = "0x0000000000000000000000000000000000000000000000000000000000000000f897f893"
        + "946571d97f340c8495b661a823f2c2145ca47d63c2948157d4437104e3b8df4451a85f7b2438ef6699ff94b131288f355bc27090e542ae0be213c20350b76794b912de287f9b047b4228436e94b5b78e3ee1617194d8dba507e85f116b1f7e231ca8525fc9008a696694e36cbeb565b061217930767886474e3cde903ac594f512a992f3fb749857d758ffda1330e590fa915e80c0";

    private static string SevenNodes(string config, string rest) => $$"""
        {
          "alloc": {
            "0xed9d02e382b34818e88b88a309c7fe71e65f419d": { "balance": "1000000000000000000000000000" },
            "0xca843569e3427144cead5e4d5999a3d0ccf92b8e": { "balance": "1000000000000000000000000000" },
            "0x0fbdc686b912d7722dc86510934589e0aaf3b55a": { "balance": "1000000000000000000000000000" },
            "9186eb3d20cbd1f5f992a950d808c4495153abd5": { "balance": "0x33b2e3c9fd0803ce8000000" },
            "0x0638e1574728b6d862dd5d3a3e0942c3be47d996": { "Balance": 1000000000000000000000000000 }
          },
          "coinbase": "0x0000000000000000000000000000000000000000",
          "config": { "homesteadBlock": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "chainId": 10, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "isQuorum": true {{config}} },
          "gasLimit": "0xE0000000",
          "nonce": "0x0",
          "parentHash": "0x0000000000000000000000000000000000000000000000000000000000000000",
          "timestamp": "0x00",
          {{rest}}
        }
        """;

    private const string RaftRest = """
        "difficulty": "0x0",
        "extraData": "0x0000000000000000000000000000000000000000000000000000000000000000",
        "mixhash": "0x00000000000000000000000000000000000000647572616c65787365646c6578"
        """;

    [Fact]
    public void Seven_nodes_Raft()
    {
        var genesis = GenesisFile.Parse(SevenNodes("", RaftRest));
        var header = genesis.ToHeader();
        Assert.Equal(Hash256.Parse("8e0eda84327cb810632f7d6ab845ab2dc0c1960156beb095384eb4bd0900eeb0"), header.StateRoot);
        Assert.Equal(Hash256.Parse("6a6605601e17bbfbc0a199104a05f222d11da37fe2320c023394ff1e516243a2"), header.Hash);
        Assert.Equal(EngineKind.Raft, genesis.Config.Engine);
        Assert.Same(CompatibilityProfile.V2_5, CompatibilityProfile.DefaultFor(genesis.Config));
        Assert.Equal(Fork.Constantinople, genesis.Config.ForkAt(0, CompatibilityProfile.V2_5));
        Assert.Equal(Fork.Petersburg, genesis.Config.ForkAt(0, CompatibilityProfile.V24));
    }

    /// <summary>
    /// The config of the Istanbul network in GoQuorum 2.5's documents ("Creating a network from scratch"), without Homestead and,
    /// what means true, isQuorum.
    /// </summary>
    [Fact]
    public void Genesis_of_the_documents()
    {
        var config = GenesisFile.Parse(
            """{ "config": { "chainId": 10, "eip150Block": 1, "eip155Block": 1, "eip158Block": 1, "byzantiumBlock": 1 }, "gasLimit": "0xE0000000", "difficulty": "0x1", "alloc": {} }""").Config;
        Assert.True(config.IsQuorum);
        Assert.Same(CompatibilityProfile.V2_5, CompatibilityProfile.DefaultFor(config));
        Assert.Equal((Fork.Frontier, Fork.Byzantium),
            (config.ForkAt(0, CompatibilityProfile.V2_5), config.ForkAt(1, CompatibilityProfile.V2_5)));
        var late = Assert.Throws<ConfigurationException>(
            () => GenesisFile.Parse(
            """{ "config": { "chainId": 10, "homesteadBlock": 2, "eip150Block": 1 }, "gasLimit": "0x1", "difficulty": "0x1", "alloc": {} }"""));
        Assert.Contains("homesteadBlock enabled at 2, but eip150Block enabled at 1", late.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// What GoQuorum 2.5 does not know it cannot have run by: its profile would give such a chain other code sizes, and private
    /// contracts with them, without a word.
    /// </summary>
    [Theory]
    [InlineData("""
        , "maxCodeSizeConfig": [ { "block": 0, "size": 35 } ]
        """)]
    [InlineData("""
        , "enableGasPriceBlock": 5
        """)]
    public void AGenesisWithLaterFieldsIsNotOf2_5(string field)
    {
        var config = GenesisFile.Parse(SevenNodes(field, RaftRest)).Config;
        Assert.Same(CompatibilityProfile.V24, CompatibilityProfile.DefaultFor(config));
    }

    [Fact]
    public void Seven_nodes_Istanbul()
    {
        var genesis = GenesisFile.Parse(SevenNodes(""", "istanbul": { "epoch": 30000, "policy": 0 } """, $$"""
            "difficulty": "0x1",
            "extraData": "{{Istanbul7NodesExtra}}",
            "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
            """));
        Assert.Equal(Hash256.Parse("85c72cdd32955d8f4fdc2d5748c13951618d56a82862a69270a4407cd5e7aec8"), genesis.ToHeader().Hash);
        Assert.Equal(EngineKind.Ibft, genesis.Config.Engine);
        Assert.Null(genesis.Config.Istanbul!.Ceil2Nby3Block);
    }

    [Fact]
    public void Raft_genesis_of_the_quorum_documentation()
    {
        var genesis = GenesisFile.Parse("""
            { "alloc": { "0x679fed8f4f3ea421689136b25073c6da7973418f": { "balance": "1000000000000000000000000000" } },
              "config": { "homesteadBlock": 0, "isQuorum": true, "chainId": 10 },
              "difficulty": "0x0", "gasLimit": "0xE0000000", "nonce": "0x0", "timestamp": "0x00",
              "extraData": "0x0000000000000000000000000000000000000000000000000000000000000000",
              "mixhash": "0x00000000000000000000000000000000000000647572616c65787365646c6578" }
            """);
        Assert.Equal(Hash256.Parse("8f15607b0703194315628a967fc62518e2a6eada47dacc4302a5afd7362ea316"), genesis.ToHeader().StateRoot);
        Assert.Equal(Hash256.Parse("ec0542a2e9e71deb63ad7a1a37d5aa18d12e99855ab614cffd09fc8c6a9665bf"), genesis.ToHeader().Hash);
    }

    [Fact]
    public void Prague_and_Osaka_come_by_block()
    {
        const string Forks = """, "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "pragueBlock": 5, "osakaBlock": 9, "quorumMesh": { "version": 1 } """;
        var config = GenesisFile.Parse(SevenNodes(Forks, RaftRest)).Config;
        Assert.Equal(Fork.Cancun, config.ForkAt(4, CompatibilityProfile.V24));
        Assert.Equal(Fork.Prague, config.ForkAt(5, CompatibilityProfile.V24));
        Assert.Equal(Fork.Osaka, config.ForkAt(9, CompatibilityProfile.V24));
        Assert.Equal(Fork.Istanbul, config.ForkAt(9, CompatibilityProfile.V21));
        Assert.Equal([5ul, 9ul], config.ForkIdBlocks(CompatibilityProfile.V24));
        Assert.Contains("Prague fork block",
            ChainConfigCompatibility.Check(config, config with { PragueBlock = 7 }, CompatibilityProfile.V24, 6));
        Assert.Null(ChainConfigCompatibility.Check(config, config with { OsakaBlock = 12 }, CompatibilityProfile.V24, 8));
    }

    [VectorTheory]
    [InlineData("goquorum/raft3-2.5.0")]
    [InlineData("goquorum/ibft4-2.5.0")]
    [InlineData("goquorum/ibft-to-qbft-24.4.1")]
    [InlineData("goquorum/qbft4-24.4.1")]
    [InlineData("goquorum/qbft-contract-24.4.1")]
    public void Genesis_of_recorded_networks(string network)
    {
        var genesis = GenesisFile.Parse(Vectors.ReadText(network + "/genesis.json"));
        using var headers = JsonDocument.Parse(Vectors.ReadText(network + "/headers.json"));
        Assert.Equal(headers.RootElement[0].GetProperty("hash").GetString(), genesis.ToHeader().Hash.ToString());
    }

    [Theory]
    [InlineData(""", "chainId": 1 """, "Cannot have chain id or network id as 1.")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "cancunTime": 0 """, "cancunTime")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "pragueTime": 0 """, "forks come by block number")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "pragueBlock": 0 """,
        "unsupported fork ordering: cancunBlock not enabled, but pragueBlock enabled at 0")]
    [InlineData(""", "quorumMesh": { "version": 1 }, "amsterdamBlock": 0 """, "config.amsterdamBlock is not known")]
    [InlineData(""", "quorumMesh": { "version": 0 }, "londonBlock": 0 """,
        "unsupported fork ordering: berlinBlock not enabled, but londonBlock enabled at 0")]
    [InlineData(""", "txnSizeLimit": 256 """, "Genesis transaction size limit must be between 32 and 128")]
    [InlineData(""", "maxCodeSize": 8 """, "Genesis max code size must be between 24 and 128")]
    [InlineData(""", "maxCodeSize": 32, "maxCodeSizeConfig": [ { "block": 0, "size": 32 } ] """, "maxCodeSizeConfig")]
    [InlineData(""", "istanbul": {}, "qbft": {} """, "exclude each other")]
    [InlineData(""", "clique": { "period": 1 } """, "clique")]
    [InlineData(""", "eip158Block": "x" """, "config.eip158Block must be")]
    public void Unusable_config_is_refused_by_name(string config, string message)
    {
        var error = Assert.Throws<ConfigurationException>(() =>
        {
            var read = GenesisFile.Parse(SevenNodes(config, RaftRest)).Config;
            read.RequireSupported(CompatibilityProfile.DefaultFor(read));
        });
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"config":{},"alloc":{"0x01":{}},"gasLimit":1,"difficulty":1}""")]
    [InlineData("""{"config":{},"alloc":{},"gasLimit":-1,"difficulty":1}""")]
    public void Garbage_is_refused(string json) => Assert.Throws<ConfigurationException>(() => GenesisFile.Parse(json));

    [Fact]
    public void Code_size_limits_by_block()
    {
        var old = GenesisFile.Parse(SevenNodes(""", "maxCodeSize": 35, "maxCodeSizeChangeBlock": 7 """, RaftRest)).Config;
        foreach (var profile in CompatibilityProfile.All)
            Assert.Equal([24576, 35 * 1024], [old.MaxCodeSizeAt(6, profile), old.MaxCodeSizeAt(7, profile)]);
    }

    [Fact]
    public void New_forks_come_by_block_and_only_in_profile24()
    {
        var config = GenesisFile.Parse(SevenNodes(
            """, "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 1, "londonBlock": 2, "shanghaiBlock": 3, "cancunBlock": 4, "quorumMesh": { "version": 0 } """, RaftRest)).Config;
        Assert.Same(CompatibilityProfile.V24, CompatibilityProfile.DefaultFor(config));
        Assert.Equal([Fork.Istanbul, Fork.Berlin, Fork.London, Fork.Shanghai, Fork.Cancun],
            Enumerable.Range(0, 5).Select(n => config.ForkAt((ulong)n, CompatibilityProfile.V24)));
        Assert.Equal(Fork.Istanbul, config.ForkAt(4, CompatibilityProfile.V21));
        Assert.Equal(["berlinBlock", "londonBlock", "shanghaiBlock", "cancunBlock"], config.IgnoredFields(CompatibilityProfile.V21));
        Assert.Equal([1ul, 2, 3, 4], config.ForkIdBlocks(CompatibilityProfile.V24));
    }

    [Fact]
    public void Config_may_change_only_ahead_of_the_head()
    {
        var stored = GenesisFile.Parse(SevenNodes(""", "maxCodeSizeConfig": [ { "block": 0, "size": 32 } ] """, RaftRest)).Config;
        var later = stored with { PetersburgBlock = 0, IstanbulBlock = 100, MaxCodeSizeConfig = [new(0, 32), new(50, 64)] };
        Assert.Null(ChainConfigCompatibility.Check(stored, stored, CompatibilityProfile.V24, 1000));
        Assert.Null(ChainConfigCompatibility.Check(stored, later with { PetersburgBlock = null }, CompatibilityProfile.V24, 40));
        Assert.Null(ChainConfigCompatibility.Check(stored, later, CompatibilityProfile.V24, 0));
        Assert.Equal("mismatching Petersburg fork block in database (have <nil>, want 0, rewindto 0)",
            ChainConfigCompatibility.Check(stored, later, CompatibilityProfile.V24, 40));
        Assert.Equal("mismatching Istanbul fork block in database (have <nil>, want 100, rewindto 99)",
            ChainConfigCompatibility.Check(stored, later with { PetersburgBlock = null }, CompatibilityProfile.V24, 100));
        Assert.Contains("max code size",
            ChainConfigCompatibility.Check(stored, stored with { MaxCodeSizeConfig = [new(0, 32), new(50, 64)] }, CompatibilityProfile.V24,
            60), StringComparison.Ordinal);
        Assert.Contains("chain id", ChainConfigCompatibility.Check(stored, stored with { ChainId = 11u }, CompatibilityProfile.V24, 1),
            StringComparison.Ordinal);
        Assert.Contains("engine",
            ChainConfigCompatibility.Check(stored, stored with { Engine = EngineKind.Ibft }, CompatibilityProfile.V24, 1),
            StringComparison.Ordinal);
    }
}
