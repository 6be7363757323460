using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Cli.Network;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>A process of a mixed IBFT network, on loopback.</summary>
internal sealed class MixedValidator : IDisposable
{
    private const string Namespaces = "admin,eth,net,istanbul,debug,personal";

    private readonly JsonRpcClient _rpc;
    private readonly string _directory;
    private readonly int _port;
    private readonly Participant? _manager;
    private readonly byte[] _key = NewKey();
    private OfflineWallet _wallet = new();
    private Process? _process;
    private string? _account;
    private int _starts;

    /// <param name="manager">Whose transaction manager the node is to use; null for none.</param>
    public MixedValidator(HttpClient http, string network, NodeKind kind, int port, Participant? manager = null)
    {
        (Kind, _port, _manager) = (kind, port, manager);
        _directory = Directory.CreateDirectory(Path.Combine(network, $"{kind}-{port}")).FullName;
        _rpc = new JsonRpcClient(http, $"http://127.0.0.1:{port + 1}");
        foreach (var file in new[] { "nodekey", "geth/nodekey" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_directory, file))!);
            File.WriteAllText(Path.Combine(_directory, file), Hex.ToHex(_key, prefix: false));
        }
    }

    public NodeKind Kind { get; }
    public Address Address => Secp256k1.AddressOf(Secp256k1.PublicKey(_key));
    public string Enode => $"enode://{Hex.ToHex(Secp256k1.PublicKey(_key), prefix: false)}@127.0.0.1:{_port}?discport=0";

    /// <summary>For discovery.</summary>
    public string DiscoveryEnode => Enode[..Enode.IndexOf('?', StringComparison.Ordinal)];

    /// <summary>When not null, discovery is on, with this node to ask first, or none.</summary>
    public string? Bootnode { get; set; }

    public string ManagerKey => _manager!.TxManagerKey;
    public bool IsRunning => _process is { HasExited: false };
    private string Log => Path.Combine(_directory, $"log.{_starts}");

    /// <summary>Starts it on what its directory holds.</summary>
    public void Launch(string genesis, IEnumerable<string> peers)
    {
        if (_starts++ == 0 && Kind == NodeKind.Theirs) GoQuorum.Run("--datadir", _directory, "init", genesis);
        File.WriteAllText(Path.Combine(_directory, "static-nodes.json"), JsonSerializer.Serialize(peers.Where(p => p != Enode)));
        var program = Kind == NodeKind.Ours
            ? Path.Combine(Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS")!, "node", "quorummesh-node") : GoQuorum.Program;
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec \"$0\" \"$@\" >\"$NODE_LOG\" 2>&1 </dev/null", program, .. Arguments(genesis)]);
        (start.Environment["NODE_LOG"], start.Environment["PRIVATE_CONFIG"]) =
            (Log, Kind == NodeKind.Theirs && _manager is not null ? _manager.Q2tSocket : "ignore");
        _process?.Dispose();
        _process = Process.Start(start)!;
    }

    public Task ReadyAsync() => LocalNetwork.UntilAsync(async () =>
    {
        Assert.True(IsRunning, $"{this} ended: {LastOutput()}");
        return await CallAsync("eth_blockNumber") is not null;
    }, $"{this} answers");

    public void Kill()
    {
        _process?.Kill();
        _process?.WaitForExit();
    }

    /// <summary>Everything but the key is gone.</summary>
    public void Empty()
    {
        foreach (var directory in new[] { "chaindata", "geth/chaindata", "geth/lightchaindata" })
            if (Directory.Exists(Path.Combine(_directory, directory)))
                Directory.Delete(Path.Combine(_directory, directory), recursive: true);
        _starts = 0;
    }

    public string LastOutput() => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(25)) : "";

    public Task<JsonNode?> CallAsync(string method, params JsonNode?[] parameters) =>
        _rpc.CallAsync(method, CancellationToken.None, parameters);

    public async Task<ulong> HeadAsync() => Convert.ToUInt64((string)(await CallAsync("eth_blockNumber"))!, 16);

    /// <summary>A public transaction of an account that this node alone sends for; gives its hash.</summary>
    public async Task<string> SendAsync()
    {
        try
        {
            return (string)(await CallAsync("eth_sendRawTransaction", _wallet.Sign(Address.Zero.ToString(), "0x", MixedCluster.ChainId)))!;
        }
        catch
        {
            _wallet = new OfflineWallet(); // whether its nonce is used is not known
            throw;
        }
    }

    /// <summary>A private transaction of an account of the node itself; gives its hash.</summary>
    /// <param name="to">Null creates a contract.</param>
    public async Task<string> SendPrivateAsync(string? to, string data, IEnumerable<MixedValidator> privateFor)
    {
        _account ??= (string)(await CallAsync("personal_newAccount", ""))!;
        var transaction = new JsonObject
        {
            ["from"] = _account,
            ["gas"] = "0x47b760",
            ["gasPrice"] = "0x0",
            ["data"] = data,
            ["privateFor"] = new JsonArray([.. privateFor.Select(p => (JsonNode)p.ManagerKey)]),
        };
        if (to is not null) transaction["to"] = to;
        return (string)(await CallAsync("personal_sendTransaction", transaction, ""))!;
    }

    /// <summary>What a call of the contract gives here.</summary>
    public async Task<string> ReadAsync(string contract, string data) =>
        (string)(await CallAsync("eth_call", new JsonObject { ["to"] = contract, ["data"] = data }, "latest"))!;

    public override string ToString() => $"{(Kind == NodeKind.Ours ? "our validator" : "GoQuorum's validator")} {Address}";

    public void Dispose()
    {
        if (IsRunning) Kill();
        _process?.Dispose();
    }

    /// <summary>GoQuorum as an archive: a killed one goes back to the last state on disk otherwise, which is mostly the genesis.</summary>
    private IEnumerable<string> Arguments(string genesis)
    {
        string[] common = ["--datadir", _directory, "--networkid", $"{MixedCluster.ChainId}", "--port", $"{_port}",
            "--istanbul.blockperiod", "1", "--istanbul.requesttimeout", "4000", "--mine", "--minerthreads", "1", "--syncmode", "full"];
        string[] rpc = Kind == NodeKind.Ours
            ? ["--http", "--http.port", $"{_port + 1}", "--http.api", Namespaces]
            : ["--rpc", "--rpcaddr", "127.0.0.1", "--rpcport", $"{_port + 1}", "--rpcapi", Namespaces];
        string[] kind = Kind == NodeKind.Ours
            ? ["--genesis", genesis, "--listen", "127.0.0.1", "--cache", "128"] : ["--nousb", "--lightkdf", "--gcmode", "archive"];
        return [.. common, .. rpc, .. kind, .. Discovery(), .. Manager()];
    }

    private string[] Discovery() => (Kind, Bootnode) switch
    {
        (NodeKind.Ours, null) => [],
        (NodeKind.Ours, { } bootnode) => ["--discovery", "--bootnodes", bootnode],
        (_, null) => ["--nodiscover"],
        // Of none it ends with an error, and without the flag it asks the public network's.
        (_, { } bootnode) => ["--nat", "none", "--bootnodes", bootnode.Length > 0 ? bootnode : DiscoveryEnode],
    };

    private string[] Manager() => Kind == NodeKind.Ours && _manager is not null
        ? ["--privacy", "unix:" + Path.Combine(_manager.Directory, "tm", "tm-grpc.ipc")] : [];

    private static byte[] NewKey()
    {
        var key = RandomNumberGenerator.GetBytes(Hash256.Size);
        key[0] &= 0x7f; // below the order of the curve
        return key;
    }
}
