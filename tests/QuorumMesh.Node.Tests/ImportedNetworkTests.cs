using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>
/// Chains that GoQuorum 2.5 networks made, through the commands and the whole node: imported, then served with the payloads of
/// one of its nodes behind a manager. Its answers are those of that node.
/// </summary>
[Collection(EnvironmentCollection.Name)]
public sealed class ImportedNetworkTests : IDisposable
{
    private const string Raft = "goquorum/raft3-2.5.0";
    private const string Ibft = "goquorum/ibft4-2.5.0";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TempDirectory _temp = new();
    private readonly HttpClient _http = new();

    /// <summary>Nodes 1 to 3 of every recording that is there, with either kind of manager in turn.</summary>
    public static TheoryData<string, int, bool> Nodes
    {
        get
        {
            var data = new TheoryData<string, int, bool>();
            foreach (var (index, name) in Names().Index())
                for (var node = 1; node <= 3; node++) data.Add(name, node, (index + node) % 2 == 0 || HasFlags(name));
            return data;
        }
    }

    /// <summary>Constellation knows no privacy flags.</summary>
    private static bool HasFlags(string network) => Vectors.Available && Vectors.ReadText(network + "/genesis.json")
        .Contains("privacyEnhancements", StringComparison.Ordinal);

    public static TheoryData<string> Networks => [.. Names()];

    public void Dispose()
    {
        _http.Dispose();
        _temp.Dispose();
    }

    [VectorTheory]
    [MemberData(nameof(Nodes))]
    public async Task A_party_answers_as_the_recorded_node(string network, int number, bool tessera)
    {
        var receipts = Json(network, "receipts.json").GetProperty($"node{number}");
        var settings = Imported(network, revertReason: HasRevertReasons(receipts));
        await using var manager = await RecordedManager.StartAsync(network, number, tessera);
        using var config = new ScopedVariable("PRIVATE_CONFIG", manager.Socket);
        manager.IsDown = true;
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        var head = Hex.Quantity((ulong)Json(network, "headers.json").GetArrayLength() - 1);
        Assert.Equal(head, (await AskAsync(node, "eth_blockNumber")).GetProperty("result").GetString());
        Assert.Contains("private state is not available",
            (await AskAsync(node, "debug_privateStateRoot", head)).GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal);

        manager.IsDown = false;
        await ReachedAsync(node, head);
        await CheckRootsAsync(node, Json(network, "privateStateRoots.json").GetProperty($"node{number}"));
        await CheckReceiptsAsync(node, receipts);
        await CheckContractsAsync(node, Json(network, "storageRoots.json").GetProperty($"node{number}"));
        await CheckDumpAsync(node, head, "private", Json(network, "stateDumps.json").GetProperty($"private node{number}"),
            settings.Profile == "2.5");
        await CheckDumpAsync(node, head, "public", Json(network, "stateDumps.json").GetProperty("public"), settings.Profile == "2.5");

        // While it runs, the chain comes out as it came in.
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(File.ReadAllBytes(Vectors.Path(network + "/chain.rlp")), File.ReadAllBytes(_temp.File("out.rlp")));
    }

    [VectorTheory]
    [MemberData(nameof(Networks))]
    public async Task A_stranger_has_the_ghosts_and_no_more(string network)
    {
        var settings = Imported(network);
        var head = Hex.Quantity((ulong)Json(network, "headers.json").GetArrayLength() - 1);
        string? withManager;
        await using (var manager = await RecordedManager.StartAsync(network, 0, tessera: true))
        {
            using var config = new ScopedVariable("PRIVATE_CONFIG", manager.Socket);
            await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
            await ReachedAsync(node, head);
            Assert.NotEmpty(manager.Asked);
            withManager = (await AskAsync(node, "debug_privateStateRoot", head)).GetProperty("result").GetString();
            foreach (var expected in Json(network, "receipts.json").GetProperty("node3").EnumerateArray())
            {
                var receipt = (await AskAsync(node, "eth_getTransactionReceipt", expected.GetProperty("transactionHash").GetString()!))
                    .GetProperty("result");
                if (receipt.GetProperty("gasUsed").GetString() != "0x0" || !receipt.TryGetProperty("status", out _)) continue;
                Assert.Equal(("0x1", 0), (receipt.GetProperty("status").GetString(), receipt.GetProperty("logs").GetArrayLength()));
            }
            foreach (var (_, account) in (await AskAsync(node, "debug_dumpBlock", head, "private")).GetProperty("result")
                .GetProperty("accounts").EnumerateObject().Select(a => (a.Name, a.Value)))
            {
                // Before EIP-158 a new contract's nonce is 0.
                Assert.InRange(account.GetProperty("nonce").GetInt32(), 0, 1);
                Assert.Equal(("0", Hash256.EmptyTrie.ToString()[2..]), (Field(account, "balance"), Field(account, "root")));
                Assert.True(string.IsNullOrEmpty(Field(account, "code")));
            }
        }

        var other = Imported(network, "ignoring");
        using var ignore = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var ignoring = await NodeComposition.OpenAsync(other, NullLoggerFactory.Instance, default);
        await ReachedAsync(ignoring, head);
        Assert.Equal(withManager, (await AskAsync(ignoring, "debug_privateStateRoot", head)).GetProperty("result").GetString());
    }

    [VectorFact]
    public async Task What_the_genesis_or_the_manager_cannot_do_is_refused_at_start()
    {
        const string Flagged = "goquorum/ibft-to-qbft-24.4.1";
        await using var manager = await RecordedManager.StartAsync(Flagged, 1, tessera: false);
        using var config = new ScopedVariable("PRIVATE_CONFIG", manager.Socket);
        var refused = await Assert.ThrowsAsync<StartupException>(
            () => NodeComposition.OpenAsync(Imported(Flagged), NullLoggerFactory.Instance, default));
        Assert.StartsWith("Cannot start quorum with privacy enhancements enabled while the transaction manager does not support it",
            refused.Message, StringComparison.Ordinal);
        var unmarked = await Assert.ThrowsAsync<OptionsException>(() => NodeComposition.OpenAsync(
            Imported(Ibft, "unmarked") with { PrivacyMarkers = true }, NullLoggerFactory.Instance, default));
        Assert.Equal("--privacymarker.enable", unmarked.Key);
        Assert.Contains("Privacy marker transactions require privacyPrecompileBlock", unmarked.Message, StringComparison.Ordinal);
    }

    [VectorFact]
    public async Task An_ibft_node_that_is_no_validator_serves_the_chain_and_takes_transactions()
    {
        var settings = Imported(Ibft);
        using var config = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        await using var node = await NodeComposition.OpenAsync(settings, NullLoggerFactory.Instance, default);
        var refused = (await AskAsync(node, "eth_sendRawTransaction", RawTransaction())).GetProperty("error").GetProperty("message")
            .GetString();
        Assert.Equal("nonce too low", refused); // it is on the chain
        Assert.Equal(-32601, (await AskAsync(node, "raft_role")).GetProperty("error").GetProperty("code").GetInt32());
        var validators = Json(Ibft, "istanbul.json").GetProperty("validators").EnumerateObject().Last();
        var have = (await AskAsync(node, "istanbul_getValidators",
            Hex.Quantity(ulong.Parse(validators.Name, System.Globalization.CultureInfo.InvariantCulture)))).GetProperty("result");
        Assert.Equal(validators.Value.EnumerateArray().Select(v => v.GetString()), have.EnumerateArray().Select(v => v.GetString()));
        Assert.All(NodeReadiness.Checks(() => node, settings).Where(c => c.Name == "consensus"), check => Assert.Null(check.Check()));
    }

    private static IEnumerable<string> Names() => Vectors.Available ? Recordings.WithManagers.Select(name => "goquorum/" + name) : [Raft];

    private static string RawTransaction()
    {
        var reader = new RlpReader(File.ReadAllBytes(Vectors.Path(Ibft + "/chain.rlp")));
        while (!reader.End)
            if (QuorumMesh.Chain.Block.Decode(ref reader) is { Transactions: [var first, ..] }) return Hex.ToHex(first.Encode());
        throw new InvalidOperationException("the chain has no transaction");
    }

    /// <summary>The recorded node ran with --revertreason.</summary>
    private static bool HasRevertReasons(JsonElement receipts) =>
        receipts.EnumerateArray().Any(static receipt => receipt.TryGetProperty("revertReason", out _));

    private NodeSettings Imported(string network, string directory = "data", bool revertReason = false)
    {
        var settings = new NodeSettings
        {
            DataDirectory = _temp.File(directory),
            Profile = ProfileOf(network),
            RevertReason = revertReason,
            ListenAddress = "127.0.0.1",
            Port = FreePorts.One(),
            RaftPort = FreePorts.One(),
            IpcDisabled = true,
            Http = new RpcListener(true, "127.0.0.1", 0, "eth,debug,istanbul"),
        };
        _temp.Write($"{directory}/nodekey", Hex.ToHex(Keccak.Hash("an importer"u8).ToArray(), prefix: false));
        var id = Hex.ToHex(Secp256k1.PublicKey(Keccak.Hash("an importer"u8).ToArray()), prefix: false);
        _temp.Write($"{directory}/{StaticNodes.FileName}",
            $"""["enode://{id}@127.0.0.1:{settings.Port}?discport=0&raftport={settings.RaftPort}"]""");
        Assert.Equal(0, ChainFiles.Init(settings, Vectors.Path(network + "/genesis.json")));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(network + "/chain.rlp")));
        return settings;
    }

    private static string ProfileOf(string network) => Recordings.ProfileOf(network["goquorum/".Length..]);

    private async Task ReachedAsync(NodeComposition node, string head)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        JsonElement answer;
        while (!(answer = await AskAsync(node, "debug_privateStateRoot", head)).TryGetProperty("result", out _))
        {
            Assert.True(clock.Elapsed < Patience, answer.ToString());
            await Task.Delay(100);
        }
    }

    private async Task CheckRootsAsync(NodeComposition node, JsonElement roots)
    {
        var number = 0UL;
        foreach (var root in roots.EnumerateArray())
            Assert.Equal(root.GetString(),
                (await AskAsync(node, "debug_privateStateRoot", Hex.Quantity(number++))).GetProperty("result").GetString());
    }

    private async Task CheckReceiptsAsync(NodeComposition node, JsonElement receipts)
    {
        foreach (var expected in receipts.EnumerateArray())
        {
            var have = (await AskAsync(node, "eth_getTransactionReceipt", expected.GetProperty("transactionHash").GetString()!))
                .GetProperty("result");
            // GoQuorum 24 has types and no effective price; libraries that read the type ask for it.
            Assert.Empty(have.EnumerateObject().Select(p => p.Name).Except(expected.EnumerateObject().Select(p => p.Name))
                .Except(["effectiveGasPrice"]));
            foreach (var want in expected.EnumerateObject())
                Assert.True(have.TryGetProperty(want.Name, out var value) && JsonElement.DeepEquals(want.Value, value),
                    $"have {have}\nwant {expected}");
        }
    }

    private async Task CheckContractsAsync(NodeComposition node, JsonElement contracts)
    {
        foreach (var contract in contracts.EnumerateObject())
        {
            var (address, want) = (contract.Name, contract.Value);
            var root = await AskAsync(node, "eth_storageRoot", address, "latest");
            var text = root.TryGetProperty("result", out var result) ? result.GetString()
                : $"error: {root.GetProperty("error").GetProperty("message").GetString()}";
            Assert.Equal(want.GetProperty("storageRoot").GetString(), text);
            var code = (await AskAsync(node, "eth_getCode", address, "latest")).GetProperty("result").GetString()!;
            // Later recordings have each code once, and its length at the other nodes.
            if (want.TryGetProperty("code", out var recorded)) Assert.Equal(recorded.GetString(), code);
            else Assert.Equal(want.GetProperty("codeBytes").GetInt32(), (code.Length - 2) / 2);
            if (want.TryGetProperty("privacyMetadata", out var metadata)) await CheckMetadataAsync(node, address, metadata);
            Assert.Equal(want.GetProperty("transactionCount").GetString(),
                (await AskAsync(node, "eth_getTransactionCount", address, "latest")).GetProperty("result").GetString());
            Assert.Equal(want.GetProperty("balance").GetString(),
                (await AskAsync(node, "eth_getBalance", address, "latest")).GetProperty("result").GetString());
            foreach (var slot in want.GetProperty("storage").EnumerateObject())
                Assert.Equal(slot.Value.GetString(),
                    (await AskAsync(node, "eth_getStorageAt", address, slot.Name, "latest")).GetProperty("result").GetString());
        }
    }

    /// <summary>An object, or the text of an error. Whom a key belongs to is not in the recording.</summary>
    private async Task CheckMetadataAsync(NodeComposition node, string address, JsonElement want)
    {
        var have = await AskAsync(node, "eth_getContractPrivacyMetadata", address);
        if (want.ValueKind == JsonValueKind.String)
        {
            Assert.Equal(want.GetString(), "error: " + have.GetProperty("error").GetProperty("message").GetString());
            return;
        }
        Assert.Equal(want.EnumerateObject().Select(p => p.Name), have.GetProperty("result").EnumerateObject().Select(p => p.Name));
        foreach (var field in want.EnumerateObject().Where(p => p.Name != "mandatoryFor"))
            Assert.Equal(field.Value.ToString(), have.GetProperty("result").GetProperty(field.Name).ToString());
    }

    private async Task CheckDumpAsync(NodeComposition node, string head, string side, JsonElement want, bool isClassic)
    {
        var have = (await AskAsync(node, "debug_dumpBlock", head, side)).GetProperty("result");
        Assert.Equal(want.GetProperty("root").GetString(), have.GetProperty("root").GetString());
        var accounts = have.GetProperty("accounts");
        // From geth 1.9 on accounts whose address the node lacks are left out.
        var count = accounts.EnumerateObject().Count();
        Assert.InRange(want.GetProperty("accounts").EnumerateObject().Count(), isClassic ? count : 1, count);
        foreach (var account in want.GetProperty("accounts").EnumerateObject())
        {
            foreach (var field in (string[])["balance", "nonce", "root", "codeHash", "code"])
                Assert.Equal(Field(account.Value, field), Field(accounts.GetProperty(account.Name), field));
        }
    }

    /// <summary>Null where the form of that age leaves an empty one out.</summary>
    private static string? Field(JsonElement account, string name) => account.TryGetProperty(name, out var value) ? value.ToString() : null;

    private async Task<JsonElement> AskAsync(NodeComposition node, string method, params string[] parameters)
    {
        using var content = new StringContent(JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = parameters }),
            Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(node.HttpAddress, content);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    private static JsonElement Json(string network, string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Vectors.Path($"{network}/{file}")));
        return document.RootElement.Clone();
    }
}
