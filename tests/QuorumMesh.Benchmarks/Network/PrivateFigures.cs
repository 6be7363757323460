using System.Globalization;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Private transactions between A and B of three Raft nodes: rates, CPU by kind of service, time from sending to the block, and what was
/// refused. In alternating runs with another build of ours where BENCH_BEFORE names its artifacts; each run has a network of its own, and
/// a load before those that count.
/// </summary>
internal sealed class PrivateFigures(int runs, int seconds)
{
    private static readonly PrivateCase[] Cases =
    [
        new("A to B, 16 senders", 16, BothWays: false),
        new("A to B, 48 senders", 48, BothWays: false),
        new("both ways, 8 senders each", 8, BothWays: true),
        new("both ways, 16 senders each", 16, BothWays: true),
    ];

    /// <summary>They cannot be had everywhere: what they did on two quiet cores, with warm JVMs and H2, services alone.</summary>
    private const string Recorded = """
        GoQuorum 24.4.1 with Tessera 21.1.1, recorded on such a machine, quiet: A to B 52/s with 16 senders and 50/s with 48, 36 s per 1,000
        (27 of them Tessera's), p50 333 to 960 ms; both ways at once 44/s
        """;

    private readonly Dictionary<(string Build, string Case), List<PrivateResult>> _results = [];

    public async Task RunAsync()
    {
        List<(string Name, string? Artifacts)> builds = [("now", null)];
        if (Environment.GetEnvironmentVariable("BENCH_BEFORE") is { Length: > 0 } before) builds.Insert(0, ("before", before));
        for (var run = 1; run <= runs; run++)
        {
            foreach (var (name, artifacts) in builds) await MeasureAsync(run, name, artifacts).ConfigureAwait(false);
            builds.Reverse();
        }
        Console.WriteLine($"\nmedians of {runs} runs of {seconds} s each; CPU seconds of all services per 1,000 transactions");
        foreach (var load in Cases)
        {
            foreach (var (name, _) in builds.OrderBy(b => b.Artifacts is null)) Print("", name, load, Median(_results[(name, load.Name)]));
            if (builds.Count > 1) PrintRatio(load);
        }
        Console.WriteLine(Recorded);
    }

    private async Task MeasureAsync(int run, string name, string? artifacts)
    {
        var network = new OurNetwork(artifacts);
        await using var owned = network.ConfigureAwait(false);
        await LeadAsync(network, await network.StartAsync().ConfigureAwait(false)).ConfigureAwait(false);
        using var load = new PrivateLoad(network);
        await load.DeployAsync().ConfigureAwait(false);
        // What is measured is not .NET compiling.
        await load.RunAsync(Cases[^1], TimeSpan.FromSeconds(seconds)).ConfigureAwait(false);
        foreach (var one in Cases)
        {
            var result = await load.RunAsync(one, TimeSpan.FromSeconds(seconds)).ConfigureAwait(false);
            if (!_results.TryGetValue((name, one.Name), out var results)) _results[(name, one.Name)] = results = [];
            results.Add(result);
            Print($"run {run} ", name, one, result);
        }
    }

    /// <summary>A leads in each run: it makes a difference whether the sender's node also makes the blocks.</summary>
    private static async Task LeadAsync(OurNetwork network, string leader)
    {
        if (leader == network.Members[0].Rpc) return;
        using var rpc = new RpcConnection(leader);
        await rpc.CallAsync("raft_transferLeadership", w => w.WriteNumberValue(network.Members[0].RaftId)).ConfigureAwait(false);
    }

    private void PrintRatio(PrivateCase load)
    {
        var (now, before) = (Median(_results[("now", load.Name)]), Median(_results[("before", load.Name)]));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  now / before: rate {now.Rate / before.Rate:F2}, "
            + $"CPU {now.Cpu.Values.Sum() / before.Cpu.Values.Sum():F2}, "
            + $"p50 {At(now.Times, 0.5) / At(before.Times, 0.5):F2}, p95 {At(now.Times, 0.95) / At(before.Times, 0.95):F2}"));
    }

    private static void Print(string run, string name, PrivateCase load, PrivateResult result)
    {
        var cpu = string.Join(", ", result.Cpu.OrderByDescending(c => c.Key)
            .Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {c.Value:F2}")));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{run}{name,-6} {load.Name,-26}: {result.Rate,5:F0}/s, "
            + $"CPU {result.Cpu.Values.Sum():F2} ({cpu}), send to block p50 {At(result.Times, 0.5):F0} ms, "
            + $"p95 {At(result.Times, 0.95):F0} ms, refused {result.Refused.Values.Sum()}"));
        foreach (var (reason, count) in result.Refused) Console.WriteLine($"  refused {count}: {reason}");
    }

    /// <summary>Each figure's own; refused are those of all runs.</summary>
    private static PrivateResult Median(List<PrivateResult> of) => new(
        Middle(of.Select(r => r.Rate)),
        of[0].Cpu.Keys.ToDictionary(kind => kind, kind => Middle(of.Select(r => r.Cpu[kind]))),
        [.. of.SelectMany(r => r.Times).Order()],
        of.SelectMany(r => r.Refused).GroupBy(r => r.Key, r => r.Value).ToDictionary(g => g.Key, g => g.Sum()));

    private static double Middle(IEnumerable<double> values) => At([.. values.Order()], 0.5);

    private static double At(IReadOnlyList<double> sorted, double share) =>
        sorted.Count == 0 ? double.NaN : sorted[(int)(share * (sorted.Count - 1))];
}
