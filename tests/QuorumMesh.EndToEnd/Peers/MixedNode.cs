using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Primitives;

namespace QuorumMesh.EndToEnd.Peers;

public enum NodeKind { Ours, Theirs }

/// <summary>A process of a mixed Raft cluster, on loopback, without a transaction manager.</summary>
internal sealed class MixedNode : IDisposable
{
    private readonly MixedCluster _cluster;
    private readonly int _port;
    private readonly JsonRpcClient _rpc;
    private readonly OfflineWallet _wallet = new();
    private Process? _process;
    private int _starts;

    public MixedNode(MixedCluster cluster, NodeKind kind, ulong raftId, int port)
    {
        (_cluster, Kind, RaftId, _port) = (cluster, kind, raftId, port);
        Directory = System.IO.Directory.CreateDirectory(Path.Combine(cluster.Directory, $"{kind}-{port}")).FullName;
        _rpc = new JsonRpcClient(cluster.Http, $"http://127.0.0.1:{port + 1}");
        var key = RandomNumberGenerator.GetBytes(Hash256.Size);
        key[0] &= 0x7f; // below the order of the curve
        PublicKey = Hex.ToHex(Secp256k1.PublicKey(key), prefix: false);
        foreach (var file in new[] { "nodekey", "geth/nodekey" })
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Directory, file))!);
            File.WriteAllText(Path.Combine(Directory, file), Hex.ToHex(key, prefix: false));
        }
        if (kind == NodeKind.Theirs) GoQuorum.Run("--datadir", Directory, "init", cluster.Genesis);
    }

    public NodeKind Kind { get; }
    public ulong RaftId { get; set; }
    public string Directory { get; }
    public string PublicKey { get; }
    public string Enode => $"enode://{PublicKey}@127.0.0.1:{_port}?discport=0&raftport={_port + 2}";
    public bool IsRunning => _process is { HasExited: false };
    public int ExitCode => _process!.ExitCode;
    private string Log => Path.Combine(Directory, $"log.{_starts}");

    /// <param name="members">What static-nodes.json is to hold.</param>
    public void Launch(IEnumerable<string> members, bool joins)
    {
        File.WriteAllText(Path.Combine(Directory, "static-nodes.json"), JsonSerializer.Serialize(members));
        _starts++;
        var program = Kind == NodeKind.Ours
            ? Path.Combine(Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS")!, "node", "quorummesh-node") : GoQuorum.Program;
        string[] joining = joins ? ["--raftjoinexisting", RaftId.ToString(CultureInfo.InvariantCulture)] : [];
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec \"$0\" \"$@\" >\"$NODE_LOG\" 2>&1 </dev/null", program, .. Arguments(), .. joining]);
        (start.Environment["NODE_LOG"], start.Environment["PRIVATE_CONFIG"]) = (Log, "ignore");
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

    /// <summary>As for a member that joins: key, account and members stay.</summary>
    public void Empty()
    {
        foreach (var directory in new[] { "chaindata", "raftlog", "geth/chaindata", "raft-wal", "raft-snap", "quorum-raft-state" })
            if (System.IO.Directory.Exists(Path.Combine(Directory, directory)))
                System.IO.Directory.Delete(Path.Combine(Directory, directory), recursive: true);
    }

    public void WaitForExit() => Assert.True(_process!.WaitForExit(LocalNetwork.Patience), $"{this} does not end");

    public string LastOutput() => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(20)) : "";

    public Task<JsonNode?> CallAsync(string method, params JsonNode?[] parameters) =>
        _rpc.CallAsync(method, CancellationToken.None, parameters);

    public async Task<ulong> HeadAsync() => Convert.ToUInt64((string)(await CallAsync("eth_blockNumber"))!, 16);

    /// <summary>By raft_leader: in GoQuorum raft_role and raft_cluster take a lock twice, and stop the node for good when an
    /// entry is applied
    /// between (raft/handler.go, NodeInfo).</summary>
    public async Task<bool> LeadsAsync()
    {
        try
        {
            return (string?)await CallAsync("raft_leader") == PublicKey;
        }
        catch (CommandException e) when (e.Message.Contains("no leader", StringComparison.Ordinal))
        {
            return false;
        }
    }

    /// <summary>Raft id and role of each member as this node sees them.</summary>
    public async Task<string> MembersAsync()
    {
        var members = (await CallAsync("raft_cluster"))!.AsArray().Select(m => ((ulong)m!["raftId"]!, (string)m["role"]! == "learner"));
        return string.Join(' ', members.Order().Select(m => m.Item2 ? $"{m.Item1}(learner)" : $"{m.Item1}"));
    }

    /// <summary>A public transaction of an account that this node alone sends for; gives its hash.</summary>
    public async Task<string> SendAsync() =>
        (string)(await CallAsync("eth_sendRawTransaction", _wallet.Sign(Address.Zero.ToString(), "0x", MixedCluster.ChainId)))!;

    public override string ToString() => $"{(Kind == NodeKind.Ours ? "our node" : "GoQuorum")} {RaftId}";

    public void Dispose()
    {
        if (IsRunning) Kill();
        _process?.Dispose();
    }

    /// <summary>GoQuorum as an archive: a killed one goes back to the last state on disk otherwise, and stays there when its
    /// newest Raft entry is a
    /// snapshot, whose block it has (raft/snapshot.go, applyRaftSnapshot).</summary>
    private IEnumerable<string> Arguments()
    {
        string[] common = ["--datadir", Directory, "--networkid", $"{MixedCluster.ChainId}", "--port", $"{_port}", "--raft", "--raftport",
            $"{_port + 2}", "--raftblocktime", "10"];
        const string namespaces = "admin,eth,net,raft";
        return Kind == NodeKind.Ours
            ? [.. common, "--genesis", _cluster.Genesis, "--listen", "127.0.0.1", "--cache", "128", "--http", "--http.port", $"{_port + 1}",
                "--http.api", namespaces]
            : [.. common, "--nodiscover", "--nousb", "--gcmode", "archive", "--rpc", "--rpcaddr", "127.0.0.1", "--rpcport", $"{_port + 1}",
                "--rpcapi", namespaces];
    }
}
