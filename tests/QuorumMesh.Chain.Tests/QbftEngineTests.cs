using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Tests;

/// <summary>QBFT header rules, votes and transitions on chains with real seals; validator i is the key keccak(i).</summary>
public sealed class QbftEngineTests
{
    private const ulong Time = 1_600_000_000;
    private static readonly byte[][] Keys = [.. Enumerable.Range(0, 10).Select(i => Keccak.Hash([(byte)i]).ToArray())];

    // What is changed before sealing, and the reason; null when GoQuorum takes the header.
    public static TheoryData<string, Func<BlockHeader, BlockHeader>, string?> Headers => new()
    {
        { "as it should be", h => h, null },
        { "extra data too short", h => h with { ExtraData = [0xc0] }, "invalid extra data format" },
        { "extra data with a trailing byte", h => h with { ExtraData = [.. h.ExtraData, 0] }, "invalid extra data format" },
        { "extra data of IBFT", h => h with { ExtraData = new IstanbulExtra(new byte[32], [], [], []).Encode() }, "invalid extra data" },
        { "another mix digest", h => h with { MixHash = default }, "invalid Istanbul mix digest" },
        { "uncles", h => h with { UncleHash = Hash256.EmptyTrie }, "non empty uncle hash" },
        { "difficulty 2", h => h with { Difficulty = 2u }, "invalid difficulty" },
        { "another parent", h => h with { ParentHash = Hash256.EmptyTrie }, "unknown ancestor" },
        { "a number left out", h => h with { Number = h.Number + 1 }, "unknown ancestor" },
        { "less than the period", h => h with { Time = h.Time - 1 }, "invalid timestamp" },
        { "a maker that is no validator", h => h with { Coinbase = Of(7) }, "unauthorized" },
        { "any nonce", h => h with { Nonce = 7 }, null },
        { "any step of the gas limit", h => h with { GasLimit = h.GasLimit / 2 }, null },
        { "other validators listed", h => Extra(h, e => e with { Validators = [] }), null },
        { "any vanity", h => Extra(h, e => e with { Vanity = [1, 2] }), null },
        { "another validator's turn", h => h with { Coinbase = Of(3) }, null },
        { "a vote to add", h => Extra(h, e => e with { Vote = new QbftVote(Of(7), QbftVote.Add) }), null },
        { "neither to add nor to drop", h => Extra(h, e => e with { Vote = new QbftVote(Of(7), 5) }), "invalid vote type" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Header_rules(string rule, Func<BlockHeader, BlockHeader> change, string? reason)
    {
        var chain = new Chain();
        var answer = chain.Engine.VerifyHeader(chain.Next(0, [0, 1, 2], change: change), chain.Head);
        if (reason is null) Assert.True(answer is null, $"{rule}: {answer}");
        else Assert.True(answer?.StartsWith(reason, StringComparison.Ordinal), $"{rule}: {answer}");
    }

    // Committers of 4 validators: more than F = 1 are enough, each another one, over the round that the header names.
    [Theory]
    [InlineData(new[] { 0, 1, 2, 3 }, 0u, 0u, null)]
    [InlineData(new[] { 3, 1 }, 0u, 0u, null)]
    [InlineData(new[] { 2, 1, 0 }, 4u, 4u, null)]
    [InlineData(new[] { 0, 1, 2 }, 0u, 1u, "invalid committed seals")]
    [InlineData(new[] { 0, 1, 2 }, 2u, 0u, "invalid committed seals")]
    [InlineData(new[] { 0 }, 0u, 0u, "invalid committed seals: 1 of 4 validators, more than 1 are needed")]
    [InlineData(new int[0], 0u, 0u, "zero committed seals")]
    [InlineData(new[] { 1, 1, 2 }, 0u, 0u, "invalid committed seals")]
    [InlineData(new[] { 0, 1, 7 }, 0u, 0u, "invalid committed seals")]
    [InlineData(new[] { 0, 1, 2, 3, 3 }, 0u, 0u, "invalid committed seals")]
    public void Seals_are_over_the_round_that_the_header_names(int[] committers, uint signed, uint named, string? reason)
    {
        var chain = new Chain();
        var header = chain.Next(0, committers, signed);
        if (committers.Length > 0) header = Extra(header, e => e with { Round = named });
        var answer = chain.Engine.VerifyHeader(header, chain.Head);
        if (reason is null) Assert.Null(answer);
        else Assert.StartsWith(reason, answer, StringComparison.Ordinal);
        if (committers.Length == 0) Assert.Null(chain.Engine.VerifyProposal(header, chain.Head));
        // Round and seals are not part of the hash.
        Assert.Equal(chain.Next(0, [], 0).Hash, header.Hash);
    }

    // A quorum is ceil(2N/3): of two or three validators the one seal that is more than F decides nothing.
    [Theory]
    [InlineData(4, 3)]
    [InlineData(3, 2)]
    [InlineData(2, 2)]
    [InlineData(1, 1)]
    public void As_many_seals_as_a_quorum_decide(int validators, int quorum)
    {
        var chain = new Chain(validators: validators);
        BlockHeader With(int seals) => chain.Next(0, [.. Enumerable.Range(0, seals)]);
        Assert.Null(chain.Bft.RefuseUndecided(With(quorum), chain.Head));
        Assert.Equal($"it has {quorum - 1} committed seals, and {quorum} decide it",
            chain.Bft.RefuseUndecided(With(quorum - 1), chain.Head));
        if (quorum > 1) Assert.Null(chain.Engine.VerifyHeader(With(quorum - 1), chain.Head));
    }

    [Fact]
    public void A_proposal_may_go_to_the_miners_gas_limit_at_once_and_no_further()
    {
        const ulong least = 5_000_000_000;
        var chain = new Chain($$""" { "block": 1, "miner.gaslimit": {{least}} } """);
        string? Verify(ulong gasLimit) =>
            chain.Engine.VerifyProposal(chain.Next(0, [], change: h => h with { GasLimit = gasLimit }), chain.Head);
        Assert.StartsWith("invalid gas limit", Verify(least), StringComparison.Ordinal);
        chain.Add(0);
        Assert.Null(Verify(least));
        Assert.StartsWith("invalid gas limit", Verify(least + 1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_of_the_future_is_told_from_a_bad_one()
    {
        var (now, chain) = (Time, new Chain());
        var early = new QbftHeaderRules(new BftChain(chain.Config, CompatibilityProfile.V24, chain.Store,
            new IstanbulOptions { UnixSeconds = () => now }), chain.Config, CompatibilityProfile.V24);
        var header = chain.Next(0, [0, 1, 2]);
        Assert.Equal("block in the future", early.VerifyProposal(header, chain.Head));
        now = header.Time;
        Assert.Null(early.VerifyProposal(header, chain.Head));
    }

    [Fact]
    public void Votes_add_and_drop_validators_from_the_next_block_on()
    {
        var chain = new Chain();
        foreach (var voter in new[] { 0, 1 }) chain.Add(voter, new ValidatorVote(Of(7), true));
        Assert.Equal(2, chain.Bft.SnapshotAfter(chain.Head).Tally[Of(7)].Votes);
        chain.Add(2, new ValidatorVote(Of(7), true));
        Assert.Equal((5, 4), (chain.Bft.After(chain.Head).Validators.Count, chain.Bft.After(chain.Head).Quorum));
        foreach (var voter in new[] { 7, 1, 2 }) chain.Add(voter, new ValidatorVote(Of(0), false));
        Assert.False(chain.Bft.After(chain.Head).Validators.Contains(Of(0)));
        Assert.StartsWith("unauthorized", chain.Engine.VerifyHeader(chain.Next(0, [1, 2, 3]), chain.Head), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_in_a_transition_replaces_the_validators_after_its_block()
    {
        var chain = new Chain($$"""
            { "block": 1, "epochlength": 5 }, { "block": 2, "validators": ["{{Of(1)}}", "{{Of(2)}}", "{{Of(8)}}"] }
            """);
        chain.Add(0);
        chain.Add(1);
        Assert.Equal(new[] { Of(1), Of(2), Of(8) }.Order(), chain.Bft.After(chain.Head).Validators.Addresses);
        Assert.StartsWith("unauthorized", chain.Engine.VerifyHeader(chain.Next(0, [1, 2]), chain.Head), StringComparison.Ordinal);
        chain.Add(8, committers: [1, 8]);
        // Votes go on from there.
        Assert.Equal(3, chain.Bft.SnapshotAfter(chain.Head).Validators.Count);
    }

    [Fact]
    public void A_transition_to_qbft_goes_on_with_validators_votes_and_turns()
    {
        var chain = new Chain(""" { "block": 3, "algorithm": "QBFT" } """, engine: "\"ibft\": { \"blockperiodseconds\": 1 }");
        foreach (var voter in new[] { 0, 1 }) chain.Add(voter, new ValidatorVote(Of(7), true));
        Assert.Equal((EngineKind.Ibft, EngineKind.Qbft), (chain.Bft.ProtocolAt(2), chain.Bft.ProtocolAt(3)));
        var settings = chain.Bft.After(chain.Head);
        Assert.Equal((EngineKind.Qbft, (Address?)Of(1)), (settings.Protocol, settings.LastProposer));
        var order = settings.Validators.Addresses.ToList();
        Assert.Equal(order[(order.IndexOf(Of(1)) + 1) % 4], settings.Proposer(0));
        chain.Add(2, new ValidatorVote(Of(7), true));
        Assert.True(chain.Bft.After(chain.Head).Validators.Contains(Of(7)));
    }

    [Fact]
    public void A_new_epoch_counts_from_the_next_checkpoint()
    {
        var config = Chain.Parse(""" { "block": 5, "epochlength": 7 }, { "block": 2048, "epochlength": 9 } """,
            "\"qbft\": { \"epochlength\": 3 }");
        var chain = new BftChain(config, CompatibilityProfile.V24, new MemoryKeyValueStore());
        Assert.Equal([3ul, 3, 7, 7, 9], new ulong[] { 6, 1024, 1025, 2048, 2049 }.Select(chain.EpochAt));
    }

    [Fact]
    public void Settings_change_at_the_block_of_a_transition()
    {
        var chain = new Chain("""
            { "block": 2, "blockperiodseconds": 2, "requesttimeoutseconds": 7, "emptyblockperiodseconds": 9,
              "maxRequestTimeoutSeconds": 30 },
            { "block": 3, "emptyblockperiodseconds": 0, "2FPlus1Enabled": true, "maxRequestTimeoutSeconds": 0 }
            """,
            engine: "\"qbft\": { \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4, \"policy\": 1 }", validators: 6);
        var seen = new List<string>();
        for (var block = 1; block <= 3; block++)
        {
            var now = chain.Bft.After(chain.Head);
            seen.Add($"{now.PeriodSeconds} {now.EmptyPeriodSeconds} {now.RequestTimeout.TotalSeconds} "
                + $"{now.MaxRequestTimeout?.TotalSeconds} {now.Quorum} {now.Sticky}");
            chain.Add(block);
        }
        Assert.Equal(["1 0 4  4 True", "2 9 7 30 4 True", "2 0 7  3 True"], seen);
    }

    [Theory]
    [InlineData("\"istanbul\": {}", 4, 3)]
    [InlineData("\"istanbul\": {}", 6, 3)]
    [InlineData("\"istanbul\": { \"ceil2Nby3Block\": 0 }", 6, 4)]
    [InlineData("\"istanbul\": { \"ceil2Nby3Block\": 2 }", 6, 3)]
    [InlineData("\"ibft\": {}", 6, 4)]
    [InlineData("\"qbft\": {}", 6, 4)]
    [InlineData("\"qbft\": { \"ceil2Nby3Block\": 2 }", 6, 3)]
    public void The_newer_engine_objects_have_another_quorum_when_they_are_silent(string engine, int validators, int quorum)
    {
        var chain = new Chain(engine: engine, validators: validators);
        Assert.Equal(quorum, chain.Bft.After(chain.Head).Quorum);
    }

    [Theory]
    [InlineData("", "", "0x1", "genesis: invalid extra data format: QBFT needs RLP")]
    [InlineData("", "{vanity}f7c0", "0x1", "genesis: invalid extra data format")]
    [InlineData("", "{none}", "0x1", "genesis: no validators: neither extraData nor the configuration lists any")]
    [InlineData("", "{one}", "0x2", "genesis: invalid difficulty")]
    [InlineData("\"validatorcontractaddress\": \"0x00000000000000000000000000000000000000cc\", \"validatorselectionmode\": \"contract\"",
        "{one}", "0x1", "cant combine extraData validators and validatorcontractaddress")]
    [InlineData("\"validatorcontractaddress\": \"0x00000000000000000000000000000000000000cc\", \"validatorselectionmode\": \"contract\"",
        "{none}", "0x1", "getValidators() of the contract in alloc names none")]
    [InlineData("\"validators\": [\"0x00000000000000000000000000000000000000aa\"]", "{none}", "0x1", null)]
    [InlineData("", "{one}", "0x1", null)]
    public void A_genesis_that_no_block_can_follow_is_refused_at_init(string qbft, string extra, string difficulty, string? reason)
    {
        string Hexed(params Address[] validators) =>
            Hex.ToHex(new QbftExtra(new byte[32], validators, null, 0, []).Encode(), prefix: false);
        extra = extra.Replace("{vanity}", new string('0', 64), StringComparison.Ordinal)
            .Replace("{none}", Hexed(), StringComparison.Ordinal).Replace("{one}", Hexed(Of(1)), StringComparison.Ordinal);
        var genesis = GenesisFile.Parse($$"""
            { "config": { "chainId": 10, "isQuorum": true, "qbft": { {{qbft}} } }, "alloc": {}, "gasLimit": "0xE0000000",
              "difficulty": "{{difficulty}}", "mixHash": "{{IstanbulHeader.Digest}}", "extraData": "0x{{extra}}" }
            """);
        TestNode Started() => new(genesis, CompatibilityProfile.V24);
        if (reason is null) Assert.Equal(1, Started().Rules.Bft!.After(genesis.ToHeader()).Validators.Count);
        else Assert.Contains(reason, Assert.Throws<ConfigurationException>(Started).Message, StringComparison.Ordinal);
    }

    private static Address Of(int i) => Secp256k1.AddressOf(Secp256k1.PublicKey(Keys[i]));

    private static BlockHeader Extra(BlockHeader header, Func<QbftExtra, QbftExtra> change)
    {
        Assert.True(QbftExtra.TryDecode(header.ExtraData, out var extra));
        return header with { ExtraData = change(extra).Encode() };
    }

    private sealed class Chain
    {
        private readonly ChainRules _rules;
        private readonly BftBlockProducer _producer;

        public Chain(string transitions = "", string engine = "\"qbft\": { \"blockperiodseconds\": 1 }", int validators = 4)
        {
            Config = Parse(transitions, engine);
            Store = new MemoryKeyValueStore();
            _rules = new ChainRules(Config, CompatibilityProfile.V24, EngineFactory.Create(Config, CompatibilityProfile.V24, Store));
            _producer = new BftBlockProducer(_rules);
            Address[] first = [.. Enumerable.Range(0, validators).Select(Of)];
            Head = new BlockHeader
            {
                Difficulty = UInt256.One,
                GasLimit = 0xE0000000,
                Time = Time,
                MixHash = IstanbulHeader.Digest,
                ExtraData = Bft.ProtocolAt(0) == EngineKind.Qbft ? new QbftExtra(new byte[32], first, null, 0, []).Encode()
                    : new IstanbulExtra(new byte[32], first, [], []).Encode(),
            };
            Write(Head);
        }

        public ChainConfig Config { get; }

        public MemoryKeyValueStore Store { get; }

        public BlockHeader Head { get; private set; }

        public BftChain Bft => _rules.Bft!;

        public IHeaderRules Engine => _rules.EngineAt(Head.Number + 1);

        public static ChainConfig Parse(string transitions, string engine) => GenesisFile.Parse($$"""
            { "config": { "chainId": 10, "isQuorum": true, {{engine}}, "transitions": [{{transitions}}] },
              "alloc": {}, "gasLimit": "0xE0000000", "difficulty": "0x1" }
            """).Config;

        public BlockHeader Next(int proposer, int[] committers, uint round = 0, ValidatorVote? vote = null,
            Func<BlockHeader, BlockHeader>? change = null)
        {
            var prepared = _producer.Prepare(Head, Head.Time + Bft.After(Head).PeriodSeconds, Of(proposer), vote);
            var changed = change is null ? prepared : change(prepared);
            if (Bft.ProtocolAt(changed.Number) == EngineKind.Qbft && !QbftExtra.TryDecode(changed.ExtraData, out _)) return changed;
            var proposal = _producer.SealProposal(changed, hash => Secp256k1.Sign(Keys[proposer], hash.ToArray()));
            var hash = _producer.CommittedSealHash(proposal, round).ToArray();
            return committers.Length == 0 ? proposal
                : _producer.WithCommits(proposal, round, [.. committers.Select(c => Secp256k1.Sign(Keys[c], hash))]);
        }

        /// <summary>Adds a block, which must be valid.</summary>
        public void Add(int proposer, ValidatorVote? vote = null, int[]? committers = null)
        {
            var validators = Bft.After(Head).Validators;
            var header = Next(proposer, committers ?? [.. Enumerable.Range(0, 10).Where(i => validators.Contains(Of(i)))], 0, vote);
            Assert.Null(Engine.VerifyHeader(header, Head));
            Write(header);
            Head = header;
        }

        private void Write(BlockHeader header)
        {
            var batch = new KeyValueBatch();
            ChainStore.PutBlock(batch, new Block(header, []), header.Number);
            Bft.PutAlongside(batch, _rules, header, EmptyState.Instance);
            Store.Write(batch, sync: false);
        }
    }
}
