using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

/// <summary>What transitions change beside consensus, and which are refused; in GoQuorum 24's words.</summary>
public sealed class TransitionTests
{
    private const string Qbft = "\"qbft\": {}";
    private static readonly Address Maker = Address.Parse("0x00000000000000000000000000000000000000aa");

    [Theory]
    [InlineData(Qbft, """{ "epochlength": 5 }""", "block number not given in transitions data")]
    [InlineData(Qbft, """{ "block": 5 }, { "block": 4 }""", "transitions[1]: block order should be ascending")]
    [InlineData(Qbft, """{ "block": 5, "algorithm": "clique" }""", "transition algorithm is invalid")]
    [InlineData(Qbft, """{ "block": 5, "algorithm": "ibft" }""", "can't transition from qbft to ibft")]
    [InlineData("\"ibft\": {}", """{ "block": 5, "algorithm": "qbft" }, { "block": 6, "algorithm": "ibft" }""",
        "transitions[1]: can't transition")]
    [InlineData("\"istanbul\": { \"testQBFTBlock\": 4 }", """{ "block": 5, "algorithm": "qbft" }""", "testQBFTBlock at the same time")]
    [InlineData("\"txnSizeLimit\": 64", """{ "block": 5, "algorithm": "qbft" }""", "a Raft chain cannot change its engine")]
    [InlineData(Qbft, """{ "block": 5, "contractsizelimit": 23 }""", "contractsizelimit: must be between 24 and 128")]
    [InlineData(Qbft, """{ "block": 5, "transactionSizeLimit": 129 }""", "transactionSizeLimit: must be between 32 and 128")]
    [InlineData(Qbft, """{ "block": 5, "validatorselectionmode": "votes" }""", "validator selection mode is invalid")]
    [InlineData(Qbft, """{ "block": 5, "validatorcontractaddress": "0x00000000000000000000000000000000000000cc" }""",
        "should specify `contract`")]
    [InlineData(Qbft, """{ "block": 5, "validators": ["0x12"] }""", "transitions[0].validators[0] must be an address")]
    [InlineData(Qbft, """{ "block": 5, "beneficiaryMode": "miner" }""", "beneficiary mode is not valid")]
    [InlineData(Qbft, """{ "block": 5, "blockPeriod": 5 }""", "config.transitions[0].blockPeriod is not known")]
    [InlineData("\"qbft\": {}, \"maxCodeSizeConfig\": [ { \"block\": 0, \"size\": 32 } ]", """{ "block": 5, "contractsizelimit": 32 }""",
        "ContractSizeLimit and MaxCodeSizeConfig at the same time")]
    public void Contradictory_ones_are_refused_by_name(string engine, string transitions, string message)
    {
        var error = Assert.Throws<ConfigurationException>(() => Config(engine, transitions));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_and_prices_change_at_their_blocks()
    {
        var config = Config(Qbft, """
            { "block": 2, "contractsizelimit": 64, "transactionSizeLimit": 128, "gasPriceEnabled": true, "miner.gaslimit": 1000 },
            { "block": 4, "gasPriceEnabled": false, "privacyPrecompileEnabled": true }
            """);
        var (v24, v25) = (CompatibilityProfile.V24, CompatibilityProfile.V2_5);
        Assert.Equal([24576, 65536, 65536], new ulong[] { 1, 2, 4 }.Select(n => config.MaxCodeSizeAt(n, v24)));
        // Each transition says it anew.
        Assert.Equal([65536, 131072, 65536], new ulong[] { 1, 2, 4 }.Select(n => config.TransactionSizeLimitAt(n, v24)));
        Assert.Equal([false, true, false], new ulong[] { 1, 2, 4 }.Select(n => config.IsGasPriceEnabled(n, v24)));
        Assert.Equal([null, 1000ul, 1000], new ulong[] { 1, 2, 4 }.Select(n => config.MinerGasLimitAfter(n, v24)));
        Assert.Equal([false, false, true], new ulong[] { 1, 2, 4 }.Select(n => config.HasPrivacyPrecompile(n, v24)));
        Assert.Equal((24576, 65536), (config.MaxCodeSizeAt(2, v25), config.TransactionSizeLimitAt(2, v25)));
        Assert.Contains("transitions", config.IgnoredFields(v25));
    }

    [Theory]
    [InlineData("", "", "aa")]
    [InlineData("\"miningBeneficiary\": \"0x00000000000000000000000000000000000000bb\"", "", "bb")]
    [InlineData("\"miningBeneficiary\": \"0x00000000000000000000000000000000000000bb\", \"beneficiaryMode\": \"validator\"", "", "aa")]
    // GoQuorum's own page names this mode; its code knows it in transitions alone, and pays nobody.
    [InlineData("\"beneficiaryMode\": \"validators\"", "", "00")]
    [InlineData("\"beneficiaryMode\": \"validators\"", """{ "block": 1, "beneficiaryMode": "validators" }""", "aa")]
    [InlineData("", """{ "block": 1, "miningBeneficiary": "0x00000000000000000000000000000000000000bb" }""", "bb")]
    [InlineData("", """{ "block": 1, "miningBeneficiary": "0x00000000000000000000000000000000000000bb", "beneficiaryMode": "list" }""",
        "aa")]
    [InlineData("\"miningBeneficiary\": \"0x00000000000000000000000000000000000000bb\"", """{ "block": 2, "beneficiaryMode": "validators" }""",
        "aa")]
    public void Who_is_rewarded(string qbft, string transitions, string account)
    {
        var config = Config($"\"qbft\": {{ {qbft} }}", transitions);
        Assert.EndsWith(account, config.RewardAccountAt(5, Maker, CompatibilityProfile.V24).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rewards_go_by_block()
    {
        var config = Config("\"qbft\": { \"blockReward\": \"7\" }",
            """{ "block": 2, "blockReward": "0x10" }, { "block": 3, "blockReward": 0 }""");
        Assert.Equal([7u, 16u, 0u], new ulong[] { 1, 2, 3 }.Select(n => (uint)(ulong)config.BlockRewardAt(n, CompatibilityProfile.V24)));
    }

    [Fact]
    public void The_gas_floor_of_a_transition_lets_the_limit_stay_low()
    {
        var parent = new BlockHeader { GasLimit = 10_000_000 };
        Assert.Equal(GasLimitRule.Minimum, new GasLimitRule().Next(parent));
        Assert.Equal(10_000_000ul + (10_000_000 / 4096) - 1, new GasLimitRule { Least = 5_000_000 }.Next(parent));
    }

    [Theory]
    [InlineData("""{ "block": 5, "blockReward": "1" }""",
        """{ "block": 5, "blockReward": "1" }, { "block": 50, "blockReward": "2" }""", null)]
    [InlineData("""{ "block": 5, "blockReward": "1" }""", """{ "block": 5, "blockReward": "2" }""",
        "transitions.BlockReward data incompatible")]
    [InlineData("""{ "block": 5, "blockReward": "1" }""", """{ "block": 6, "blockReward": "1" }""", "updating transitions for past")]
    [InlineData("""{ "block": 5, "blockReward": "1" }""", "", "updating transitions for past")]
    [InlineData("""{ "block": 50 }""", """{ "block": 40, "algorithm": "qbft" }""", null)]
    public void The_past_cannot_be_changed(string stored, string wanted, string? refusal)
    {
        var (have, want) = (Config(Qbft, stored), Config(Qbft, wanted));
        var answer = ChainConfigCompatibility.Check(have, want, CompatibilityProfile.V24, head: 20);
        if (refusal is null) Assert.Null(answer);
        else Assert.Contains(refusal, answer, StringComparison.Ordinal);
        Assert.Null(ChainConfigCompatibility.Check(have, want, CompatibilityProfile.V24, head: 0));
    }

    private static ChainConfig Config(string engine, string transitions) => GenesisFile.Parse($$"""
        { "config": { "chainId": 10, "isQuorum": true, {{engine}}, "transitions": [{{transitions}}] }, "alloc": {}, "gasLimit": "0x1",
          "difficulty": "0x1" }
        """).Config;
}
