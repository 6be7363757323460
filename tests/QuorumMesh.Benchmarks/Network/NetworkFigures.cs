using System.Diagnostics;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>Start-up and idle figures of a network of three, then the load.</summary>
internal static class NetworkFigures
{
    public static Task RunAsync(int seconds, int bursts, int burstSize) =>
        RunAsync(network => new NetworkBench(network, seconds).RunAsync(bursts, burstSize));

    /// <summary>Bursts alone.</summary>
    /// <returns>How many of them left transactions that were not mined.</returns>
    public static async Task<int> RunBurstsAsync(int bursts, int burstSize)
    {
        var stranded = 0;
        await RunAsync(async network =>
            stranded = await new NetworkBench(network, 0).RunBurstsAsync(bursts, burstSize).ConfigureAwait(false)).ConfigureAwait(false);
        return stranded;
    }

    private static async Task RunAsync(Func<NetworkDefinition, Task> load)
    {
        var directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
        var network = NetworkCreator.Create(
            new NetworkRequest(directory, 3, "raft", "cancun", ChainId: null, Profile: null,
            PortOffset: 0)
            { DensePortsFrom = DemoCommand.FreePorts(), Insecure = Environment.GetEnvironmentVariable("BENCH_INSECURE") == "1" });
        var runner = new NetworkRunner(directory, network);
        try
        {
            var clock = Stopwatch.StartNew();
            await runner.StartAsync(line => Console.WriteLine("  " + line), CancellationToken.None).ConfigureAwait(false);
            Console.WriteLine($"network of three ready in {clock.Elapsed.TotalSeconds:F1} s");
            await Task.Delay(TimeSpan.FromSeconds(10)).ConfigureAwait(false);
            Memory("idle", runner);
            await load(network).ConfigureAwait(false);
            Memory("after the load", runner);
        }
        finally
        {
            await runner.StopAsync(_ => { }).ConfigureAwait(false);
            if (Environment.GetEnvironmentVariable("BENCH_KEEP") is null) Directory.Delete(directory, recursive: true);
            else Console.WriteLine($"kept in {directory}");
        }
    }

    private static void Memory(string when, NetworkRunner runner)
    {
        foreach (var kind in Enum.GetValues<ServiceKind>())
        {
            var sizes = runner.Services.Where(s => s.Kind == kind && s.RunningPid is not null)
                .Select(s => ProcessFigures.ResidentMegabytes(s.RunningPid!.Value)).Order().ToList();
            if (sizes.Count > 0) Console.WriteLine($"resident {when}, {kind}: {string.Join(", ", sizes.Select(s => $"{s:F0}"))} MB");
        }
    }
}
