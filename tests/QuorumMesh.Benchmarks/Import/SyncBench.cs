using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Benchmarks.Network;
using QuorumMesh.Cli.Demo;

namespace QuorumMesh.Benchmarks.Import;

/// <summary>
/// How fast an empty node fetches and executes an IBFT chain from one peer: ours from ours, and, with a geth of GoQuorum, each kind from
/// each. One at a time; the peer has the chain from a file, which takes no part in the time.
/// </summary>
/// <param name="geth">Null without one.</param>
/// <param name="file">Made when it is not there, and kept then; null for one that goes away.</param>
internal sealed class SyncBench(string? geth, int blocks, int transactions, string? file)
{
    private const int Reports = 4;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
    private readonly int _firstPort = DemoCommand.FreePorts(1);

    public async Task RunAsync()
    {
        try
        {
            var chain = file ?? Path.Combine(_directory, "chain.rlp");
            if (!File.Exists(chain)) ImportBench.MakeElsewhere(chain, blocks, transactions, "sync-make");
            Console.WriteLine(Text($"{blocks:N0} IBFT blocks of {transactions} transactions from one peer on loopback"));
            var kinds = new List<(string Name, string Program)> { ("QuorumMesh", Ours) };
            if (geth is not null) kinds.Insert(0, ("GoQuorum", geth));
            foreach (var server in kinds) await ServeAsync(server, kinds, chain).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private async Task ServeAsync((string Name, string Program) server, IReadOnlyList<(string Name, string Program)> kinds, string chain)
    {
        var genesis = ImportBench.GenesisOf(chain);
        var parent = Path.Combine(_directory, server.Name);
        using var peer = new ValidatorProcess(parent, server.Program, _firstPort, ChainMaker.ChainId, validates: false);
        peer.Import(genesis, chain);
        peer.Launch(genesis, []);
        await peer.ReadyAsync().ConfigureAwait(false);
        var rates = new List<double>();
        foreach (var (name, program) in kinds)
        {
            using var node = new ValidatorProcess(Path.Combine(parent, name), program, _firstPort + ValidatorProcess.Ports,
                ChainMaker.ChainId, validates: false);
            Console.WriteLine($"{name} from {server.Name}:");
            var served = peer.CpuSeconds();
            node.Launch(genesis, [peer.Enode]);
            await node.ReadyAsync().ConfigureAwait(false);
            rates.Add(await FollowAsync(node).ConfigureAwait(false));
            Console.WriteLine(Text($"  the peer used {peer.CpuSeconds() - served:F1} s of CPU"));
        }
        if (rates.Count == 2) Console.WriteLine(Text($"from {server.Name}: QuorumMesh {rates[1] / rates[0]:F2} times as fast as GoQuorum"));
    }

    /// <returns>Blocks a second, from the first block to the last.</returns>
    private async Task<double> FollowAsync(ValidatorProcess node)
    {
        ulong head;
        while ((head = await node.HeadAsync().ConfigureAwait(false)) == 0) await Task.Delay(Look).ConfigureAwait(false);
        var (clock, first, cpu) = (Stopwatch.StartNew(), head, node.CpuSeconds());
        for (var report = 1; report <= Reports; report++)
        {
            var wanted = (ulong)blocks * (ulong)report / Reports;
            while ((head = await node.HeadAsync().ConfigureAwait(false)) < wanted) await Task.Delay(Look).ConfigureAwait(false);
            Console.WriteLine(Text($"  block {head,7:N0} after {clock.Elapsed.TotalSeconds,6:F1} s: ")
                + Text($"{(head - first) / clock.Elapsed.TotalSeconds,6:N0} blocks/s, {node.CpuSeconds() - cpu,6:F1} s of CPU, ")
                + Text($"{node.ResidentBytes() >> 20,6:N0} MB resident"));
        }
        return (head - first) / clock.Elapsed.TotalSeconds;
    }

    private static string Ours => Path.GetFullPath(
        Path.Combine(Environment.GetEnvironmentVariable("QUORUMMESH_ARTIFACTS") ?? "artifacts", "node", "quorummesh-node"));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
