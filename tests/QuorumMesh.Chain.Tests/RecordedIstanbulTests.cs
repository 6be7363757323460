using System.Globalization;
using System.Text.Json;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>
/// What IBFT and QBFT networks of GoQuorum and Besu said about their own blocks: signers, snapshots, rounds, whose turn it was.
/// </summary>
public sealed class RecordedIstanbulTests
{
    private const string Ibft = "ibft4-2.5.0";

    public static TheoryData<string> Networks => [.. Vectors.Available ? RecordedNetwork.IstanbulNames : [Ibft]];

    public static TheoryData<string> OfGoQuorum => With("istanbul.json");

    public static TheoryData<string> OfBesu => With("validators.json");

    [VectorTheory]
    [MemberData(nameof(OfGoQuorum))]
    public void Signers_are_those_of_the_node(string name)
    {
        var network = new RecordedNetwork(name);
        var chain = new TestNode(network.Genesis, network.Profile).Rules.Bft!;
        var headers = network.Headers();
        using var json = network.Json("istanbul.json");
        foreach (var (expected, index) in json.RootElement.GetProperty("signersFromBlock").EnumerateArray().Select((e, i) => (e, i))
            .Skip(1))
        {
            // The node answered from memory, where it had other seals of some blocks than in its export: its own header is looked at.
            var header = WithExtraData(network.Blocks[index].Header, headers[index]);
            Assert.Equal(expected.GetProperty("Hash").GetString(), header.Hash.ToString());
            Assert.Equal(expected.GetProperty("Author").GetString(), chain.Author(header).ToString());
            Assert.True(chain.TryRecoverCommitters(header, out var committers));
            Assert.Equal(Texts(expected.GetProperty("Committers")), committers.Select(c => c.ToString()));
        }
    }

    [VectorTheory]
    [MemberData(nameof(OfGoQuorum))]
    public void Snapshots_are_those_of_the_node(string name)
    {
        var network = new RecordedNetwork(name);
        var (chain, snapshots) = Snapshots(network);
        using var json = network.Json("istanbul.json");
        foreach (var item in json.RootElement.GetProperty("snapshots").EnumerateObject())
        {
            var (have, want) = (snapshots[Number(item.Name)], item.Value);
            Assert.Equal(want.GetProperty("hash").GetString(), have.Hash.ToString());
            Assert.Equal(want.GetProperty("epoch").GetUInt64(), chain.EpochAt(have.Number + 1));
            Assert.Equal(string.Join(' ', Texts(want.GetProperty("validators"))), string.Join(' ', have.Validators.Addresses));
            Assert.Equal(
                (want.GetProperty("votes") is { ValueKind: JsonValueKind.Array } votes ? votes.EnumerateArray().ToList() : [])
                .Select(v => $"{v.GetProperty("validator")} {v.GetProperty("block")} {v.GetProperty("address")} "
                + $"{v.GetProperty("authorize")}"),
                have.Votes.Select(v => $"{v.Validator} {v.Block} {v.Candidate} {v.Authorize}"));
            Assert.Equal(
                want.GetProperty("tally").EnumerateObject()
                .Select(t => $"{t.Name} {t.Value.GetProperty("authorize")} {t.Value.GetProperty("votes")}").Order(StringComparer.Ordinal),
                have.Tally.Select(t => $"{t.Key} {t.Value.Authorize} {t.Value.Votes}").Order(StringComparer.Ordinal));
        }
        // Either by block or of the head alone.
        var validators = json.RootElement.GetProperty("validators");
        foreach (var (block, list) in validators.ValueKind == JsonValueKind.Array ? [(snapshots.Count - 1, validators)]
            : validators.EnumerateObject().Select(v => (Number(v.Name), v.Value)))
            Assert.Equal(Texts(list), snapshots[block].Validators.Addresses.Select(a => a.ToString()));
    }

    [VectorTheory]
    [MemberData(nameof(OfBesu))]
    public void Validators_by_block_are_those_that_either_client_told(string name)
    {
        var network = new RecordedNetwork(name);
        var (_, snapshots) = Snapshots(network);
        using var json = network.Json("validators.json");
        // Besu tells the set of a block, GoQuorum the one after it.
        foreach (var (client, ahead) in new[] { ("besu1", 1), ("goquorum4", 0) })
            foreach (var (list, block) in json.RootElement.GetProperty(client).EnumerateArray().Select((l, i) => (l, i)).Skip(ahead))
                Assert.Equal(string.Join(' ', Texts(list)), string.Join(' ', snapshots[block - ahead].Validators.Addresses));
    }

    [VectorTheory]
    [MemberData(nameof(Networks))]
    public void Headers_list_the_validators_before_them_and_turns_are_taken(string name)
    {
        var network = new RecordedNetwork(name);
        var (chain, snapshots) = Snapshots(network);
        var sticky = network.Genesis.Config.Istanbul!.Policy == 1;
        var roundChanges = 0;
        for (var i = 1; i < network.Blocks.Count; i++)
        {
            var (header, parent) = (network.Blocks[i].Header, network.Blocks[i - 1].Header);
            var (validators, protocol) = (snapshots[i - 1].Validators, chain.ProtocolAt(header.Number));
            Address? last = i == 1 ? null : chain.Author(parent);
            if (protocol == EngineKind.Ibft)
            {
                Assert.True(IstanbulExtra.TryDecode(header.ExtraData, out var extra));
                Assert.Equal(validators.Addresses, extra.Validators);
                if (validators.Proposer(protocol, last, round: 0, sticky) != chain.Author(header)) roundChanges++;
                continue;
            }
            Assert.True(QbftExtra.TryDecode(header.ExtraData, out var qbft));
            Assert.Equal(chain.ListsValidatorsAfter(parent.Number) ? validators.Addresses : [], qbft.Validators);
            // A block of a later round may be an earlier proposer's, proposed again.
            Assert.Contains(header.Coinbase, Enumerable.Range(0, (int)qbft.Round + 1)
                .Select(round => validators.Proposer(protocol, last, (ulong)round, sticky)));
            if (qbft.Round > 0) roundChanges++;
        }
        // As the recordings' own pages say: of IBFT an added validator's first turns may be taken by another too.
        if (name == Ibft) Assert.InRange(roundChanges, 0, 10);
        if (name == "qbft4-24.4.1") Assert.Equal(1, roundChanges);
        if (name == "qbft-besu-24.5.4") Assert.Equal(11, roundChanges);
    }

    [VectorTheory]
    [MemberData(nameof(Networks))]
    public void Every_header_is_valid_and_any_flipped_byte_is_not(string name)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        foreach (var block in network.Blocks.Skip(1))
        {
            var (header, rules) = (block.Header, node.Rules.EngineAt(block.Number));
            Assert.Null(rules.VerifyHeader(header, node.Head));
            Assert.Null(rules.VerifyProposal(header, node.Head));
            Assert.Null(node.Rules.Bft!.RefuseUndecided(header, node.Head));
            foreach (var changed in (BlockHeader[])[header with { StateRoot = default }, header with { GasUsed = header.GasUsed + 1 },
                header with { Time = header.Time + 1 }, header with { Coinbase = IstanbulChainBuilder.Validator(5) }])
                Assert.NotNull(rules.VerifyHeader(changed, node.Head));
            node.Import(block, network.PayloadsOf(0));
        }
    }

    private static (BftChain Chain, List<IstanbulSnapshot> Snapshots) Snapshots(RecordedNetwork network)
    {
        var node = new TestNode(network.Genesis, network.Profile);
        var chain = node.Rules.Bft!;
        var snapshots = new List<IstanbulSnapshot> { chain.SnapshotAfter(node.Head) };
        foreach (var block in network.Blocks.Skip(1))
        {
            node.Import(block, network.PayloadsOf(0));
            snapshots.Add(chain.SnapshotAfter(node.Head));
            // Any other reader comes to the same from the store alone.
            if (block.Number % 20 == 0)
                Assert.Equal(snapshots[^1].Encode(), new BftChain(network.Genesis.Config, network.Profile, node.Store)
                    .SnapshotAfter(node.Store, node.Head).Encode());
        }
        return (chain, snapshots);
    }

    private static TheoryData<string> With(string file) => [.. Vectors.Available
        ? RecordedNetwork.IstanbulNames.Where(name => Recordings.Has(name, file))
        : [Ibft]];

    private static BlockHeader WithExtraData(BlockHeader header, JsonElement json) =>
        header with { ExtraData = Hex.FromHex(json.GetProperty("extraData").GetString()!) };

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(v => v.GetString());
}
