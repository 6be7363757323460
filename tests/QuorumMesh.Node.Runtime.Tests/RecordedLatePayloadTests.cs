using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// The chains that GoQuorum 2.5 networks made, with payloads that come late, in any order, or after they were taken for foreign:
/// the private state after every block is that of the GoQuorum node that always had them.
/// </summary>
public sealed class RecordedLatePayloadTests
{
    private const string Raft = "goquorum/raft3-2.5.0";
    private const string Ibft = "goquorum/ibft4-2.5.0";

    [VectorTheory]
    [InlineData(Raft, 1, 1)]
    [InlineData(Raft, 2, 2)]
    [InlineData(Raft, 3, 3)]
    [InlineData(Ibft, 1, 4)]
    [InlineData(Ibft, 2, 5)]
    [InlineData(Ibft, 3, 6)]
    public void Missing_and_unavailable_payloads_come_later_in_any_order(string network, int party, int seed)
    {
        var node = new Recorded(network, party, keptPublicBlocks: 16);
        var random = new Random(seed);
        node.Import();
        var known = new HashSet<PayloadHash>();
        node.Manager = hash => known.Contains(hash) ? node.Here(hash) : random.Next(2) == 0 ? PayloadAnswer.Missing(hash)
            : PayloadAnswer.Unavailable(hash, "not yet");
        node.Run(60_000);
        Assert.True(node.PrivateHead < node.Head);

        var order = node.Own.ToArray();
        random.Shuffle(order);
        foreach (var hash in order)
        {
            known.Add(hash);
            // Half of them are told by the manager's stream, the others are found when asked for again.
            if (random.Next(2) == 0) node.Step(new NodeInput.PayloadArrived(known.Count, hash));
            node.Run(random.Next(3_000));
        }
        node.Run(60_000);
        node.AssertPrivateRoots();
    }

    [VectorTheory]
    [InlineData(Raft, 1, 128, 1)]
    [InlineData(Raft, 2, 16, 2)]
    [InlineData(Ibft, 1, 16, 3)]
    [InlineData(Ibft, 2, 128, 4)]
    public void A_payload_taken_for_foreign_is_run_once_it_is_here(string network, int party, int keptPublicBlocks, int seed)
    {
        var node = new Recorded(network, party, (ulong)keptPublicBlocks);
        var random = new Random(seed);
        var hidden = node.Own.Where(_ => random.Next(4) == 0).ToArray();
        var known = node.Own.Except(hidden).ToHashSet();
        node.Manager = hash => known.Contains(hash) ? node.Here(hash) : Recorded.NotAParty(hash);
        // Answers ahead of the blocks: both sides run in one pass, and public states are dropped behind the private head.
        foreach (var hash in node.All) node.Step(new NodeInput.PayloadAnswers([node.Manager(hash)]));
        node.Sync();
        node.Run(10_000);
        Assert.Equal(node.Head, node.PrivateHead);

        random.Shuffle(hidden);
        foreach (var hash in hidden)
        {
            known.Add(hash);
            node.Step(new NodeInput.PayloadArrived(known.Count, hash));
            if (random.Next(3) == 0) node.Run(random.Next(200));
        }
        node.Run(60_000);
        node.AssertPrivateRoots();
    }

    [VectorTheory]
    [InlineData(Raft)]
    [InlineData(Ibft)]
    public void Strangers_have_one_state_however_they_came_to_it(string network)
    {
        var (imported, synced) = (new Recorded(network, 0, 16) { Manager = Recorded.NotAParty },
            new Recorded(network, 0, 128) { Manager = Recorded.NotAParty });
        imported.Import();
        imported.Run(60_000);
        synced.Sync();
        synced.Run(60_000);
        Assert.Equal((imported.Head, imported.Head), (imported.PrivateHead, synced.PrivateHead));
        Assert.Equal(imported.PrivateRoots(), synced.PrivateRoots());
        Assert.Equal(imported.PrivateRoots().Distinct().Count(), imported.Ghosts + 1);
    }

    private sealed class Recorded
    {
        private readonly string _network;
        private readonly int _party;
        private readonly MemoryKeyValueStore _store = new();
        private readonly NodeStores _stores;
        private readonly Dictionary<PayloadHash, byte[]> _payloads = [];
        private readonly List<Block> _blocks = [];
        private long _now;

        public Recorded(string network, int party, ulong keptPublicBlocks)
        {
            (_network, _party) = (network, party);
            var genesis = GenesisFile.Parse(Vectors.ReadText(network + "/genesis.json"));
            GenesisStore.Initialise(_store, File.ReadAllBytes(Vectors.Path(network + "/genesis.json")), CompatibilityProfile.V2_5);
            _stores = new NodeStores(_store,
                new ChainRules(genesis.Config, CompatibilityProfile.V2_5,
                    EngineFactory.Create(genesis.Config, CompatibilityProfile.V2_5, _store)));
            var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(network + "/chain.rlp")));
            while (!reader.End) _blocks.Add(Block.Decode(ref reader));
            using var payloads = JsonDocument.Parse(Vectors.ReadText(network + "/payloads.json"));
            foreach (var item in payloads.RootElement.EnumerateObject()
                .Where(i => i.Value.GetProperty("parties").EnumerateArray().Any(p => p.GetInt32() == party)))
                _payloads[PayloadHash.Parse(item.Name)] = Hex.FromHex(item.Value.GetProperty("payload").GetString()!);
            Kept = keptPublicBlocks;
            Core = NewCore();
        }

        public ulong Kept { get; }

        public Func<PayloadHash, PayloadAnswer> Manager { get; set; } = NotAParty;

        public ulong Head => Core.Head.Number;

        public ulong PrivateHead => Core.PrivateHead.Number;

        private NodeCore Core { get; set; } = null!;

        public IReadOnlyList<PayloadHash> All =>
            [.. _blocks.SelectMany(b => b.Transactions).Select(t => t.PayloadHash).OfType<PayloadHash>().Distinct()];

        public IReadOnlyList<PayloadHash> Own => [.. All.Where(_payloads.ContainsKey)];

        public int Ghosts => _blocks.Count(b => b.Transactions.Any(t => t.IsPrivate && t.IsCreation));

        public static PayloadAnswer NotAParty(PayloadHash hash) => PayloadAnswer.NotAParty(hash);

        public PayloadAnswer Here(PayloadHash hash) => PayloadAnswer.Here(hash, _payloads[hash]);

        /// <summary>As the import command does it, with a core opened on it afterwards.</summary>
        public void Import()
        {
            var importer = new ChainImporter(_stores);
            foreach (var block in _blocks.Skip(1)) Assert.True(importer.Import(block));
            importer.Close();
            Core = NewCore();
        }

        /// <summary>As from peers.</summary>
        public void Sync()
        {
            var done = new Reply<Taken>();
            Step(new NodeInput.SyncedBlocks(_blocks.Skip(1).ToList(), done));
            Assert.True(done.Task.IsCompletedSuccessfully, done.Task.Exception?.Message);
        }

        public void Step(params NodeInput[] inputs)
        {
            NodeEffects effects = null!;
            NodePass.Run(Core, new NodeTime(1_700_000_000_000_000_000UL + ((ulong)_now * 1_000_000), _now), inputs, static () => 0, some =>
            {
                foreach (var answer in some.Answers) answer.Deliver();
                effects = some;
            });
            if (effects.FetchPayloads.Count > 0) Step(new NodeInput.PayloadAnswers([.. effects.FetchPayloads.Select(hash => hash switch
            {
                _ when _payloads.ContainsKey(hash) => Manager(hash),
                _ => NotAParty(hash),
            })]));
            WakeAt = effects.WakeAt;
        }

        private long? WakeAt { get; set; }

        /// <summary>Lets time pass, from one wake-up to the next.</summary>
        public void Run(long milliseconds)
        {
            var end = _now + milliseconds;
            for (Step(); _now < end; Step()) _now = Math.Min(end, Math.Max(_now + 1, WakeAt ?? end));
        }

        public List<string> PrivateRoots()
        {
            using var snapshot = _store.Snapshot();
            return [.. _blocks.Select(b => _stores.Private.BlockAt(snapshot, b.Number)!.Value.Root.ToString())];
        }

        public void AssertPrivateRoots()
        {
            Assert.Equal(Head, PrivateHead);
            using var roots = JsonDocument.Parse(Vectors.ReadText(_network + "/privateStateRoots.json"));
            Assert.Equal(roots.RootElement.GetProperty($"node{_party}").EnumerateArray().Select(r => r.GetString()!), PrivateRoots());
        }

        private NodeCore NewCore()
        {
            var core = new NodeCore(
                new NodeCoreSetup { Stores = _stores, Signer = TestChain.Signer(1), KeptPublicBlocks = Kept }, new NoDriver());
            core.Open(new NodeTime(0, 0));
            return core;
        }
    }
}
