using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>Three Raft nodes of GoQuorum 2.5 without a transaction manager, with its own defaults.</summary>
/// <param name="geth">The program.</param>
internal sealed class GoQuorumNetwork(string geth) : MeasuredNetwork
{
    private const int Members = 3;
    private const int PortsEach = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly int _firstPort = DemoCommand.FreePorts(Members);
    private readonly List<Process> _processes = [];

    public override ulong ChainId => 10;

    public override async Task<string> StartAsync()
    {
        var genesis = Path.Combine(Directory, "genesis.json");
        var request = new NetworkRequest(Directory, 1, NetworkRequest.Raft, "constantinople", ChainId, "2.5", PortOffset: 0);
        await File.WriteAllTextAsync(genesis, GenesisTemplate.Create(request, ChainId, [], [])).ConfigureAwait(false);
        var keys = Enumerable.Range(0, Members).Select(NewKey).ToList();
        var enodes = keys.Select((key, i) => $"enode://{key}@127.0.0.1:{Port(i)}?discport=0&raftport={Port(i) + 2}").ToList();
        for (var i = 0; i < Members; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(DataOf(i), "static-nodes.json"), JsonSerializer.Serialize(enodes))
                .ConfigureAwait(false);
            using var init = Launch(i, "init", genesis);
            await init.WaitForExitAsync().ConfigureAwait(false);
            if (init.ExitCode != 0) throw new InvalidOperationException($"{geth} init: see {LogOf(i)}");
        }
        for (var i = 0; i < Members; i++) _processes.Add(Launch(i, [.. Arguments(i)]));
        return await LeaderAsync(keys).ConfigureAwait(false);
    }

    public override IEnumerable<(ServiceKind Service, int Pid)> Processes() =>
        _processes.Where(p => !p.HasExited).Select(p => (ServiceKind.Node, p.Id));

    protected override async Task EndAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync().ConfigureAwait(false);
            process.Dispose();
        }
    }

    private int Port(int member) => _firstPort + (PortsEach * member);

    private string DataOf(int member) => Path.Combine(Directory, $"node{member}");

    private string LogOf(int member) => Path.Combine(Directory, $"node{member}.log");

    /// <returns>The public key.</returns>
    private string NewKey(int member)
    {
        var key = RandomNumberGenerator.GetBytes(Hash256.Size);
        key[0] &= 0x7f; // below the order of the curve
        System.IO.Directory.CreateDirectory(Path.Combine(DataOf(member), "geth"));
        File.WriteAllText(Path.Combine(DataOf(member), "geth", "nodekey"), Hex.ToHex(key, prefix: false));
        return Hex.ToHex(Secp256k1.PublicKey(key), prefix: false);
    }

    private IEnumerable<string> Arguments(int member) =>
    [
        "--networkid", $"{ChainId}", "--port", $"{Port(member)}", "--raft", "--raftport", $"{Port(member) + 2}", "--nodiscover",
        "--nousb", "--rpc", "--rpcaddr", "127.0.0.1", "--rpcport", $"{Port(member) + 1}", "--rpcapi", "eth,net,raft",
    ];

    private Process Launch(int member, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec \"$0\" \"$@\" >>\"$NODE_LOG\" 2>&1 </dev/null", geth, "--datadir", DataOf(member), .. arguments]);
        (start.Environment["NODE_LOG"], start.Environment["PRIVATE_CONFIG"]) = (LogOf(member), "ignore");
        return Process.Start(start)!;
    }

    /// <summary>By raft_leader: raft_role takes a lock twice, and can stop the node for good (2.5:raft/handler.go).</summary>
    private async Task<string> LeaderAsync(IReadOnlyList<string> keys)
    {
        var clock = Stopwatch.StartNew();
        using var rpc = new RpcConnection($"http://127.0.0.1:{Port(0) + 1}");
        while (clock.Elapsed < Patience)
        {
            try
            {
                var leader = (await rpc.CallAsync("raft_leader", static _ => { }).ConfigureAwait(false)).GetString();
                for (var i = 0; i < Members; i++)
                    if (keys[i] == leader) return $"http://127.0.0.1:{Port(i) + 1}";
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException)
            {
                // Not up yet, or nobody leads.
            }
            await Task.Delay(20).ConfigureAwait(false);
        }
        throw new InvalidOperationException($"no GoQuorum leads within {Patience.TotalSeconds} s: see {LogOf(0)}");
    }
}
