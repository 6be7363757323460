using System.Text.Json;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>Imports the chains of real GoQuorum networks: every hash, root, receipt and private root must come out the same.</summary>
public sealed class RecordedChainTests
{
    private const string Raft = "raft3-2.5.0";
    private const int Stranger = 0;

    /// <summary>Those whose private side is built, or that have none.</summary>
    public static TheoryData<string> Networks => [.. Vectors.Available ? Recordings.Names : [Raft]];

    public static TheoryData<string> AllNetworks => [.. Vectors.Available ? RecordedNetwork.AllNames : [Raft]];

    public static TheoryData<string> WithManagers => [.. Vectors.Available ? Recordings.WithManagers : [Raft]];

    public static TheoryData<string> RaftNetworks => [.. Vectors.Available ? RecordedNetwork.RaftNames : [Raft]];

    public static TheoryData<string, int> Nodes
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var name in Networks)
                for (var node = Stranger; node <= 3; node++) data.Add(name, node);
            return data;
        }
    }

    /// <summary>Whatever the private side needs, the public one comes out as the nodes had it.</summary>
    [VectorTheory]
    [MemberData(nameof(AllNetworks))]
    public void The_public_chain_is_followed(string name)
    {
        var network = new RecordedNetwork(name);
        network.Genesis.Config.RequireSupported(network.Profile);
        Assert.Empty(network.Genesis.Config.IgnoredFields(network.Profile).Except(["londonBlock"]));
        var node = new TestNode(network.Genesis, network.Profile);
        foreach (var block in network.Blocks.Skip(1)) node.Import(block, _ => null);
        Assert.Equal(network.Blocks[^1].Hash, node.Head.Hash);
        if (!network.Has("stateDumps.json")) return;
        using var dumps = network.Json("stateDumps.json");
        CheckDump(node, node.Public, dumps.RootElement.GetProperty("public"), network.Has("codes.json"));
    }

    [VectorTheory]
    [MemberData(nameof(AllNetworks))]
    public void Exported_bytes_come_back(string name)
    {
        var bytes = File.ReadAllBytes(Vectors.Path($"goquorum/{name}/chain.rlp"));
        var writer = new RlpWriter();
        foreach (var block in new RecordedNetwork(name).Blocks)
            block.Write(writer);
        Assert.Equal(bytes, writer.ToArray());
    }

    [VectorTheory]
    [MemberData(nameof(AllNetworks))]
    public void Hashes_and_senders_are_those_of_the_nodes(string name)
    {
        var network = new RecordedNetwork(name);
        var headers = network.Headers();
        Assert.Equal(headers.Select(h => h.GetProperty("hash").GetString()),
            network.Blocks.Take(headers.Length).Select(b => b.Hash.ToString()));
        using var json = network.Json("transactions.json");
        var transactions = json.RootElement.ValueKind == JsonValueKind.Array ? json.RootElement.EnumerateArray()
            : json.RootElement.GetProperty("transactions").EnumerateArray().Select(t => t.GetProperty("tx"));
        var node = new TestNode(network.Genesis, network.Profile);
        Assert.Equal(transactions.Select(t => (t.GetProperty("hash").GetString(), t.GetProperty("from").GetString())),
            network.Blocks.SelectMany(node.Recover).Select(t => ((string?)t.Tx.Hash.ToString(), (string?)t.Sender.ToString())));
    }

    [VectorTheory]
    [MemberData(nameof(Nodes))]
    public void Import_gives_the_nodes_roots_and_receipts(string name, int nodeNumber)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        var hasRoots = nodeNumber != Stranger && network.Has("privateStateRoots.json");
        var roots = hasRoots ? network.Strings("privateStateRoots.json", $"node{nodeNumber}") : null;
        foreach (var block in network.Blocks.Skip(1))
        {
            node.Import(block, network.PayloadsOf(nodeNumber));
            if (roots is not null)
                Assert.True(roots[block.Number] == node.Private.Head.Root.ToString(),
                    $"private root of block {block.Number}: {node.Private.Head.Root}, expected {roots[block.Number]}");
        }
        Assert.Equal(network.Blocks[^1].Hash, node.Head.Hash);
        Assert.Equal(node.Head.Hash, node.PrivateHead.Hash);
        if (nodeNumber != Stranger)
            CheckReceipts(network, node, $"node{nodeNumber}");
    }

    /// <summary>
    /// On real Tesseras, each of which answers with the affected transactions that it knows itself. The first block with a management
    /// contract of GoQuorum's, whose code is not in the recording, is 115.
    /// </summary>
    [VectorTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Privacy_flags_come_out_as_at_each_party(int party)
    {
        var network = new RecordedNetwork("raft3-24.4.1-tessera");
        var node = new TestNode(network.Genesis, network.Profile);
        var roots = network.Strings("privateStateRoots.json", RecordedNetwork.Letter(party));
        foreach (var block in network.Blocks.Skip(1).TakeWhile(b => b.Number < 115))
        {
            node.Import(block, network.PayloadsOf(party));
            Assert.True(roots[block.Number] == node.Private.Head.Root.ToString(),
                $"private root of block {block.Number}: {node.Private.Head.Root}, expected {roots[block.Number]}");
        }
        CheckReceipts(network, node, RecordedNetwork.Letter(party), until: 114);
    }

    [VectorFact]
    public void Receipts_are_those_of_both_clients()
    {
        var network = new RecordedNetwork("qbft-besu-24.5.4");
        var node = new TestNode(network.Genesis, network.Profile);
        foreach (var block in network.Blocks.Skip(1)) node.Import(block, network.PayloadsOf(Stranger));
        foreach (var client in new[] { "besu1", "goquorum4" }) CheckReceipts(network, node, client);
    }

    [VectorTheory]
    [MemberData(nameof(WithManagers))]
    public void Public_side_alone_then_private_replay_gives_the_same(string name)
    {
        var network = new RecordedNetwork(name);
        var node = new TestNode(network.Genesis, network.Profile);
        var payloads = network.PayloadsOf(1);
        var roots = network.Strings("privateStateRoots.json", "node1");
        foreach (var block in network.Blocks.Skip(1))
            node.Import(block, _ => null);
        Assert.Equal(network.Blocks[^1].Hash, node.Head.Hash);
        Assert.True(node.PrivateHead.Number < node.Head.Number);

        Assert.False(node.Replay(_ => null));
        while (node.PrivateHead.Number < node.Head.Number)
        {
            Assert.True(node.Replay(payloads));
            Assert.Equal(roots[node.PrivateHead.Number], node.Private.Head.Root.ToString());
        }
        CheckReceipts(network, node, "node1");
    }

    [VectorTheory]
    [MemberData(nameof(WithManagers))]
    public void States_at_the_head_are_those_of_the_dumps(string name)
    {
        var network = new RecordedNetwork(name);
        using var dumps = network.Json("stateDumps.json");
        foreach (var number in (int[])[1, 2, 3])
        {
            var node = new TestNode(network.Genesis, network.Profile);
            foreach (var block in network.Blocks.Skip(1))
                node.Import(block, network.PayloadsOf(number));
            CheckDump(node, node.Public, dumps.RootElement.GetProperty("public"));
            CheckDump(node, node.Private, dumps.RootElement.GetProperty($"private node{number}"));
        }
    }

    [VectorFact]
    public void Wrong_profile_is_named()
    {
        var network = new RecordedNetwork(Raft);
        var node = new TestNode(network.Genesis, CompatibilityProfile.V24);
        var error = Assert.Throws<InvalidBlockException>(() =>
        {
            foreach (var block in network.Blocks.Skip(1))
                node.Import(block, network.PayloadsOf(1));
        });
        Assert.Contains("--quorum.profile 2.5", error.Message, StringComparison.Ordinal);
    }

    [VectorTheory]
    [MemberData(nameof(RaftNetworks))]
    public void Raft_seals_name_their_minters(string name)
    {
        var network = new RecordedNetwork(name);
        using var nodes = network.Json("nodes.json");
        var addresses = nodes.RootElement.EnumerateArray()
            .ToDictionary(n => (n.TryGetProperty("raftId", out var id) ? id : n.GetProperty("node")).GetUInt16(),
            n => n.GetProperty("address").GetString());
        foreach (var block in network.Blocks.Skip(1))
        {
            Assert.True(RaftSeal.TryRead(block.Header, out var raftId, out var minter), $"block {block.Number}");
            Assert.Equal(addresses[raftId], minter.ToString());
        }
    }

    [VectorFact]
    public void Raft_headers_are_prepared_as_the_minter_did()
    {
        var network = new RecordedNetwork(Raft);
        var engine = new RaftBlockProducer(network.Genesis.Config, network.Profile);
        for (var i = 1; i < network.Blocks.Count; i++)
        {
            var (parent, header) = (network.Blocks[i - 1].Header, network.Blocks[i].Header);
            var prepared = engine.Prepare(parent, BlockTime.OfNanoseconds(header.Time));
            Assert.Equal((header.Difficulty, header.GasLimit, header.Time, header.Coinbase),
                (prepared.Difficulty, prepared.GasLimit, prepared.Time, prepared.Coinbase));
        }
    }

    /// <param name="codesApart">The recording keeps them in another file; their hashes are in the dump.</param>
    private static void CheckDump(TestNode node, StateStore state, JsonElement dump, bool codesApart = false)
    {
        Assert.Equal(dump.GetProperty("root").GetString(), state.Head.Root.ToString()[2..]);
        var accounts = state.Accounts(node.Store, state.Head.Block).ToDictionary(a => a.Address, a => a.Account);
        var expected = dump.GetProperty("accounts");
        // From geth 1.9 on accounts whose address the node lacks are left out; the root above vouches for those.
        var isClassic = node.Rules.Profile == CompatibilityProfile.V2_5;
        Assert.InRange(expected.EnumerateObject().Count(), isClassic ? accounts.Count : 1, accounts.Count);
        foreach (var item in expected.EnumerateObject())
        {
            var address = Address.Parse(item.Name);
            var account = accounts[address];
            Assert.Equal(item.Value.GetProperty("nonce").GetUInt64(), account.Nonce);
            Assert.Equal(item.Value.GetProperty("balance").GetString(), account.Balance.ToString());
            Assert.Equal(item.Value.GetProperty("root").GetString(), account.StorageRoot.ToString()[2..]);
            Assert.Equal(item.Value.GetProperty("codeHash").GetString(), account.CodeHash.ToString()[2..]);
            var code = item.Value.TryGetProperty("code", out var text) ? text.GetString() : isClassic ? null : "";
            if (text.ValueKind != JsonValueKind.Undefined || !codesApart)
                Assert.Equal(code, Hex.ToHex(state.Head.GetCode(account.CodeHash) ?? [], prefix: false));
            var slots = state.Storage(node.Store, state.Head.Block, address).ToDictionary(s => s.Slot, s => s.Value);
            // Where the node lacked the plain slot number it printed an empty one; the storage root above vouches for those.
            var named = StorageOf(item.Value).Where(s => Hex.FromHex(s.Name).Length > 0).ToList();
            var unnamed = named.Count < (isClassic ? StorageOf(item.Value).Count() : slots.Count);
            var wanted = named.ToDictionary(s => UInt256.FromBigEndian(Hex.FromHex(s.Name)), s => ValueOf(s.Value.GetString()!, isClassic));
            Assert.Equal(wanted.OrderBy(s => s.Key), slots.Where(s => !unnamed || wanted.ContainsKey(s.Key)).OrderBy(s => s.Key));
        }
    }

    /// <summary>geth 1.8 prints a slot's value in RLP, later ones bare.</summary>
    private static UInt256 ValueOf(string text, bool isClassic) =>
        isClassic ? new RlpReader(Hex.FromHex(text)).ReadUInt256() : UInt256.FromBigEndian(Hex.FromHex(text));

    /// <summary>Later geth leaves an empty one out.</summary>
    private static IEnumerable<JsonProperty> StorageOf(JsonElement account) =>
        account.TryGetProperty("storage", out var storage) ? storage.EnumerateObject() : [];

    internal static void CheckReceipts(RecordedNetwork network, TestNode node, string name, ulong until = ulong.MaxValue)
    {
        using var json = network.Json("receipts.json");
        var failures = new List<string>();
        // A network of other clients names them otherwise.
        if (!json.RootElement.TryGetProperty(name, out var receipts)) return;
        // A recording says "=A" where a node's receipt is that of A.
        var first = json.RootElement.TryGetProperty("A", out var ofA) ? ofA : receipts;
        foreach (var (own, other) in receipts.EnumerateArray().Zip(first.EnumerateArray()))
        {
            var expected = own.ValueKind == JsonValueKind.String ? other : own;
            if (Convert.ToUInt64(expected.GetProperty("blockNumber").GetString(), 16) > until) break;
            var hash = Hash256.Parse(expected.GetProperty("transactionHash").GetString()!);
            var location = ChainStore.GetTransactionLocation(node.Store, hash)!.Value;
            var blockHash = node.HashAt(location.BlockNumber);
            var views = ReceiptView.Merge(
                ChainStore.GetBlock(node.Store, blockHash)!.Transactions,
                ChainStore.GetReceipts(node.Store, blockHash)!,
                ChainStore.GetPrivateReceipts(node.Store, ChainStore.PrivateStateId, blockHash),
                node.Rules.Profile);
            var view = views[(int)location.Index];
            var (have, want) = (Show(view), Show(expected));
            // One recording leaves the blooms out.
            if (have != want || (expected.TryGetProperty("logsBloom", out var bloom) && bloom.GetString() != view.Receipt.Bloom.ToString()))
                failures.Add($"block {location.BlockNumber} index {location.Index}:\n  have {have}\n  want {want}");
        }
        Assert.True(failures.Count == 0, $"{failures.Count} receipts differ:\n{string.Join('\n', failures.Take(5))}");
    }

    /// <summary>Before Byzantium a receipt has the state's root in place of a status.</summary>
    private static string Show(ReceiptView view) => string.Join(' ',
        view.Receipt.PostState?.ToString() ?? $"0x{view.Receipt.Status:x}", Hex.Quantity(view.Receipt.GasUsed),
        Hex.Quantity(view.Receipt.CumulativeGasUsed), view.Receipt.ContractAddress?.ToString() ?? "null",
        string.Join(',', view.Receipt.Logs.Select(
            (l, i) => $"{Hex.Quantity(view.FirstLogIndex + (ulong)i)}:{l.Address}:{string.Join('+', l.Topics)}:{Hex.ToHex(l.Data)}")));

    private static string Show(JsonElement receipt) => string.Join(' ',
        (receipt.TryGetProperty("status", out var status) ? status : receipt.GetProperty("root")).GetString(),
        receipt.GetProperty("gasUsed").GetString(), receipt.GetProperty("cumulativeGasUsed").GetString(),
        receipt.GetProperty("contractAddress").GetString() ?? "null",
        string.Join(',', receipt.GetProperty("logs").EnumerateArray().Select(l =>
            $"{l.GetProperty("logIndex").GetString()}:{l.GetProperty("address").GetString()}:"
                + $"{string.Join('+', l.GetProperty("topics").EnumerateArray())}:{l.GetProperty("data").GetString()}")));
}
