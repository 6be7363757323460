using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>A node of ours behind a GoQuorum that is the one validator of an IBFT chain.</summary>
[Collection("network")]
public sealed class FollowerTests : IDisposable
{
    private const int Ports = 12;

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-follow-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly int _port = DemoCommand.FreePorts(Ports);
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(Hash256.Size);
    private readonly List<Process> _running = [];

    public void Dispose()
    {
        foreach (var process in _running)
        {
            if (!process.HasExited) process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>
    /// By istanbul/64 with 2.5, istanbul/99 with 21.1: what is there is fetched, what comes is heard of, a restart goes on.
    /// </summary>
    [GoQuorumFact]
    public async Task A_node_syncs_and_follows_an_ibft_chain_of_GoQuorum_and_goes_on_after_a_kill()
    {
        LocalNetwork.UseArtifacts();
        var theirs = StartTheirs();
        await HeadAsync(theirs, 12);
        var (ours, process) = StartOurs();
        await SameAsync(theirs, ours, 12);
        await SameAsync(theirs, ours, await HeadAsync(theirs) + 5);
        process.Kill();
        process.WaitForExit();
        await HeadAsync(theirs, await HeadAsync(theirs) + 5);
        (ours, _) = StartOurs();
        await SameAsync(theirs, ours, await HeadAsync(theirs) + 3);
        var peer = (await ours.CallAsync("admin_peers", CancellationToken.None))!.AsArray().Single()!;
        Assert.NotNull(peer["protocols"]!["istanbul"]);
        Assert.True((bool)(await ours.CallAsync("admin_configuredPeers", CancellationToken.None))!.AsArray().Single()!["connected"]!);
    }

    private static async Task<ulong> HeadAsync(JsonRpcClient node) =>
        Convert.ToUInt64((string)(await node.CallAsync("eth_blockNumber", CancellationToken.None))!, 16);

    private static Task HeadAsync(JsonRpcClient node, ulong height) => LocalNetwork.UntilAsync(async () =>
    {
        try
        {
            return await HeadAsync(node) >= height;
        }
        catch (CommandException)
        {
            return false; // it starts
        }
    }, $"block {height}");

    private static async Task SameAsync(JsonRpcClient theirs, JsonRpcClient ours, ulong height)
    {
        await HeadAsync(theirs, height);
        await HeadAsync(ours, height);
        Assert.Equal(await BlockAsync(theirs, height), await BlockAsync(ours, height));
    }

    private static async Task<(string Hash, string Root)> BlockAsync(JsonRpcClient node, ulong height)
    {
        var block = (await node.CallAsync("eth_getBlockByNumber", CancellationToken.None, JsonValue.Create($"0x{height:x}"), false))!;
        return ((string)block["hash"]!, (string)block["stateRoot"]!);
    }

    private string Genesis()
    {
        _key[0] &= 0x7f; // below the order of the curve
        var validator = Secp256k1.AddressOf(Secp256k1.PublicKey(_key));
        var extra = new IstanbulExtra(new byte[IstanbulExtra.VanitySize], [validator], [], []).Encode();
        var path = Path.Combine(_directory, "genesis.json");
        File.WriteAllText(path, $$"""
            { "alloc": { "{{validator}}": { "balance": "1000000000000000000000" } },
              "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
                          "constantinopleBlock": 0, "isQuorum": true, "istanbul": { "epoch": 30000, "policy": 0 } },
              "difficulty": "0x1", "gasLimit": "0xE0000000", "timestamp": "0x0", "nonce": "0x0",
              "mixHash": "{{IstanbulHeader.Digest}}", "extraData": "{{Hex.ToHex(extra)}}" }
            """);
        return path;
    }

    private JsonRpcClient StartTheirs()
    {
        var data = Path.Combine(_directory, "theirs");
        Directory.CreateDirectory(Path.Combine(data, "geth"));
        var genesis = Genesis();
        File.WriteAllText(Path.Combine(data, "geth", "nodekey"), Hex.ToHex(_key, prefix: false));
        GoQuorum.Run("--datadir", data, "init", genesis);
        Start(GoQuorum.Program, "theirs", [
            "--datadir", data, "--networkid", "10", "--port", $"{_port}", "--nodiscover", "--nousb", "--mine", "--minerthreads", "1",
            "--syncmode", "full", "--gcmode", "archive", "--istanbul.blockperiod", "1", "--rpc", "--rpcaddr", "127.0.0.1",
            "--rpcport", $"{_port + 1}", "--rpcapi", "admin,eth,net"]);
        return new JsonRpcClient(_http, $"http://127.0.0.1:{_port + 1}");
    }

    private (JsonRpcClient Rpc, Process Process) StartOurs()
    {
        var data = Directory.CreateDirectory(Path.Combine(_directory, "ours")).FullName;
        var enode = $"enode://{Hex.ToHex(Secp256k1.PublicKey(_key), prefix: false)}@127.0.0.1:{_port}?discport=0";
        File.WriteAllText(Path.Combine(data, "static-nodes.json"), JsonSerializer.Serialize(new[] { enode }));
        var process = Start(
            Path.Combine(Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS")!, "node", "quorummesh-node"), "ours", [
                "--datadir", data, "--networkid", "10", "--port", $"{_port + 2}", "--listen", "127.0.0.1",
                "--genesis", Path.Combine(_directory, "genesis.json"), "--cache", "128", "--http", "--http.port", $"{_port + 3}",
                "--http.api", "admin,eth,net"]);
        return (new JsonRpcClient(_http, $"http://127.0.0.1:{_port + 3}"), process);
    }

    private Process Start(string program, string name, string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >>\"$NODE_LOG\" 2>&1 </dev/null", program, .. arguments]);
        (start.Environment["NODE_LOG"], start.Environment["PRIVATE_CONFIG"]) = (Path.Combine(_directory, name + ".log"), "ignore");
        var process = Process.Start(start)!;
        _running.Add(process);
        return process;
    }
}
