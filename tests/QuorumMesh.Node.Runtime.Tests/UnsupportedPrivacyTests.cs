using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// Chains of GoQuorum 24.4.1 with privacy flags and markers, run to each party's roots. Where the genesis does not allow a flag the public
/// chain is followed to its head, and the private head stops before the first block that needs it, and says so.
/// </summary>
public sealed class UnsupportedPrivacyTests
{
    [VectorTheory]
    [InlineData("qbft4-24.4.1")]
    [InlineData("ibft-to-qbft-24.4.1")]
    public void The_private_head_stops_by_name_and_the_public_one_goes_on(string network)
    {
        var node = new Recorded(network, party: 1, isEnhanced: false);
        node.Run();
        Assert.Equal(node.Last, node.Core.Head.Number);
        Assert.Equal(node.FirstUnsupported - 1, node.Core.PrivateHead.Number);
        var (stopped, reason) = (node.Core.PrivateStatus.Stopped, node.Core.PrivateStatus.Reason);
        Assert.Equal(stopped, reason);
        Assert.Contains("genesis has no privacyEnhancementsBlock", stopped, StringComparison.Ordinal);
        Assert.Equal(node.ExpectedRoots().Take((int)node.FirstUnsupported), node.Roots());
        // Nothing changes that while time goes by.
        node.Run();
        Assert.Equal(node.FirstUnsupported - 1, node.Core.PrivateHead.Number);
    }

    [VectorTheory]
    [InlineData("ibft-to-qbft-24.4.1", 1)]
    [InlineData("ibft-to-qbft-24.4.1", 2)]
    [InlineData("ibft-to-qbft-24.4.1", 3)]
    [InlineData("qbft4-24.4.1", 1)]
    [InlineData("qbft4-24.4.1", 2)]
    [InlineData("qbft4-24.4.1", 3)]
    public void Flags_and_markers_are_run_to_the_roots_of_each_party(string network, int party)
    {
        var node = new Recorded(network, party);
        node.Run();
        Assert.Equal((node.Last, node.Last), (node.Core.Head.Number, node.Core.PrivateHead.Number));
        Assert.Null(node.Core.PrivateStatus.Stopped);
        Assert.Equal(node.ExpectedRoots(), node.Roots());
    }

    [VectorTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stranger_to_every_payload_passes_flags(bool isEnhanced)
    {
        var node = new Recorded("ibft-to-qbft-24.4.1", party: 0, isEnhanced);
        node.Run();
        Assert.Equal((node.Last, node.Last), (node.Core.Head.Number, node.Core.PrivateHead.Number));
        Assert.Null(node.Core.PrivateStatus.Stopped);
    }

    [Fact]
    public void Several_private_states_stop_the_private_head_at_the_first_private_transaction()
    {
        var rules = RulesOf(""" "isMPS": true, "privacyPrecompileBlock": 5 """);
        Assert.Null(UnsupportedPrivacy.Of(rules, BlockOf(9, new Transaction { To = Address.Zero })));
        Assert.Contains("isMPS", UnsupportedPrivacy.Of(rules, BlockOf(9, new Transaction { To = Address.Zero, V = 37u })),
            StringComparison.Ordinal);
        // Before its block the marker's address is any other.
        var marker = new Transaction { To = PrivacyMarker.Address };
        Assert.Null(UnsupportedPrivacy.Of(rules, BlockOf(4, marker)));
        Assert.Contains("isMPS", UnsupportedPrivacy.Of(rules, BlockOf(5, marker)), StringComparison.Ordinal);
        Assert.Null(UnsupportedPrivacy.Of(RulesOf(""" "privacyPrecompileBlock": 5 """), BlockOf(5, marker)));
    }

    private static Block BlockOf(ulong number, params Transaction[] transactions) => new(new BlockHeader { Number = number }, transactions);

    private static ChainRules RulesOf(string config)
    {
        var genesis = GenesisFile.Parse($$"""
            { "config": { "chainId": 10, "isQuorum": true, {{config}} }, "alloc": {}, "gasLimit": "0x1", "difficulty": "0x1" }
            """);
        return new ChainRules(genesis.Config, CompatibilityProfile.V24,
            EngineFactory.Create(genesis.Config, CompatibilityProfile.V24, new MemoryKeyValueStore()));
    }

    private sealed class Recorded
    {
        private readonly string _folder;
        private readonly int _party;
        private readonly bool _isEnhanced;
        private readonly MemoryKeyValueStore _store = new();
        private readonly NodeStores _stores;
        private readonly List<Block> _blocks = [];
        private readonly Dictionary<PayloadHash, PayloadAnswer> _payloads = [];
        private long _now;

        /// <param name="isEnhanced">False takes the privacy enhancements out of the genesis, which no hash tells.</param>
        public Recorded(string network, int party, bool isEnhanced = true)
        {
            (_folder, _party, _isEnhanced) = ($"goquorum/{network}", party, isEnhanced);
            var genesis = Vectors.ReadText(_folder + "/genesis.json");
            if (!isEnhanced)
                genesis = genesis.Replace("\"privacyEnhancementsBlock\"", "\"unknown\"", StringComparison.Ordinal)
                    .Replace("\"privacyEnhancementsEnabled\": true", "\"privacyEnhancementsEnabled\": false", StringComparison.Ordinal);
            GenesisStore.Initialise(_store, System.Text.Encoding.UTF8.GetBytes(genesis), CompatibilityProfile.V24);
            var config = GenesisStore.Load(_store)!.Config;
            _stores = new NodeStores(_store,
                new ChainRules(config, CompatibilityProfile.V24, EngineFactory.Create(config, CompatibilityProfile.V24, _store)));
            var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(_folder + "/chain.rlp")));
            while (!reader.End) _blocks.Add(Block.Decode(ref reader));
            ReadPayloads();
            var importer = new ChainImporter(_stores);
            foreach (var block in _blocks.Skip(1)) Assert.True(importer.Import(block));
            importer.Close();
            Core = new NodeCore(new NodeCoreSetup { Stores = _stores, Signer = TestChain.Signer(1) }, new NoDriver());
            Core.Open(new NodeTime(0, 0));
        }

        public NodeCore Core { get; }

        public ulong Last => _blocks[^1].Number;

        public ulong FirstUnsupported => First.Number;

        private Block First => _blocks.First(block => block.Transactions.Any(tx =>
            !_isEnhanced && tx.PayloadHash is { } hash
                && _payloads.GetValueOrDefault(hash) is { PrivacyMode: not PrivacyMode.StandardPrivate }));

        public IEnumerable<string?> ExpectedRoots()
        {
            using var roots = JsonDocument.Parse(Vectors.ReadText(_folder + "/privateStateRoots.json"));
            return [.. roots.RootElement.GetProperty($"node{_party}").EnumerateArray().Select(r => r.GetString())];
        }

        public List<string?> Roots()
        {
            using var snapshot = _store.Snapshot();
            return [.. _blocks.TakeWhile(b => b.Number <= Core.PrivateHead.Number)
                .Select(b => _stores.Private.BlockAt(snapshot, b.Number)!.Value.Root.ToString())];
        }

        /// <summary>A minute, with all payloads answered as the party's manager would.</summary>
        public void Run()
        {
            for (var end = _now + 60_000; _now < end; _now += 500) Step();
        }

        private void Step(params NodeInput[] inputs)
        {
            NodeEffects effects = null!;
            NodePass.Run(Core, new NodeTime(1_700_000_000_000_000_000UL + ((ulong)_now * 1_000_000), _now), inputs, static () => 0,
                some => effects = some);
            if (effects.FetchPayloads.Count > 0)
                Step(new NodeInput.PayloadAnswers([.. effects.FetchPayloads.Select(hash => _payloads.GetValueOrDefault(hash)
                    ?? PayloadAnswer.NotAParty(hash))]));
        }

        private void ReadPayloads()
        {
            using var json = JsonDocument.Parse(Vectors.ReadText(_folder + "/payloads.json"));
            foreach (var item in json.RootElement.EnumerateObject())
            {
                if (item.Value.GetProperty("parties").EnumerateArray().All(p => p.GetInt32() != _party)) continue;
                var hash = PayloadHash.Parse(item.Name);
                _payloads[hash] = PayloadAnswer.Here(hash, Hex.FromHex(item.Value.GetProperty("payload").GetString()!)) with
                {
                    PrivacyMode = (PrivacyMode)item.Value.GetProperty("privacyFlag").GetInt32(),
                    ExecutionHash = System.Text.Encoding.ASCII.GetBytes(item.Value.GetProperty("execHash").GetString()!),
                    AffectedTransactions = [.. item.Value.GetProperty("affectedContractTransactions").EnumerateArray()
                        .Select(a => new PayloadHash(Convert.FromBase64String(a.GetString()!)))],
                };
            }
        }
    }
}
