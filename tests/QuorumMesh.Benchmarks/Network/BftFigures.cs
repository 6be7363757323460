using System.Globalization;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Four validators with a period of 1 s, in turns with GoQuorum's where BENCH_GOQUORUM names its geth, and with those of another build
/// where BENCH_BEFORE names its artifacts; then a restart of all, and seven of which one is dead.
/// </summary>
internal sealed class BftFigures(string consensus, int rounds, int count, int inFlight)
{
    private const int LatencySamples = 200;

    /// <summary>GoQuorum 24.4.1 speaks QBFT and cannot always be had: what it did on such a machine, for comparison.</summary>
    private const string RecordedQbft = "GoQuorum 24.4.1, recorded on such a machine: 364-571 tx/s, 3.05-3.48 s per 1,000, p50 1,530 ms";

    public async Task RunAsync()
    {
        await SpeedAsync().ConfigureAwait(false);
        await RestartAsync().ConfigureAwait(false);
        await SevenAsync().ConfigureAwait(false);
    }

    /// <summary>Rounds in turns on networks that stay up: the first is a cold start for both, the others are not.</summary>
    private async Task SpeedAsync()
    {
        var programs = new List<(string Name, string Program)>();
        // 2.5.0 to 21.1.0, which speak IBFT alone.
        if (consensus == NetworkRequest.Ibft && Setting("BENCH_GOQUORUM") is { } geth) programs.Add(("GoQuorum", geth));
        if (Setting("BENCH_BEFORE") is { } before) programs.Add(("before", NodeIn(before)));
        programs.Add(("QuorumMesh", Ours));
        var networks = new List<ValidatorNetwork>();
        try
        {
            foreach (var (name, program) in programs)
            {
                networks.Add(new ValidatorNetwork(name, consensus, 4, program));
                // Before the next one's ports are looked for.
                await networks[^1].StartAsync().ConfigureAwait(false);
            }
            await CompareAsync(networks).ConfigureAwait(false);
        }
        finally
        {
            foreach (var network in networks) network.Dispose();
        }
    }

    private async Task CompareAsync(IReadOnlyList<ValidatorNetwork> networks)
    {
        var results = networks.ToDictionary(n => n.Name, _ => new List<(LoadResult Load, IReadOnlyList<double> Times)>());
        Console.WriteLine($"{consensus}, 4 validators, 1 s, {count:N0} set(x), at most {inFlight:N0} in flight; then {LatencySamples} at "
            + "20 a second");
        for (var round = 1; round <= rounds; round++)
            foreach (var network in networks)
            {
                var load = new ValidatorLoad(network);
                var result = await load.RunAsync(count, inFlight).ConfigureAwait(false);
                var times = await load.LatencyAsync(LatencySamples).ConfigureAwait(false);
                results[network.Name].Add((result, times));
                Console.WriteLine(Line($"round {round}", network.Name, result, At(times, 0.5), At(times, 0.95)));
            }
        var medians = networks.Select(n => Median(results[n.Name])).ToList();
        for (var i = 0; i < networks.Count; i++)
            Console.WriteLine(Line("median", networks[i].Name, medians[i].Load, medians[i].P50, medians[i].P95));
        if (consensus == NetworkRequest.Qbft) Console.WriteLine(RecordedQbft);
        var ours = medians[^1];
        foreach (var (network, t) in networks.Zip(medians).SkipLast(1))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio to {network.Name}: "
                + $"tx/s {ours.Load.Rate / t.Load.Rate:F2}, CPU {ours.Load.CpuPerThousand / t.Load.CpuPerThousand:F3}, "
                + $"p50 {ours.P50 / t.P50:F2}, p95 {ours.P95 / t.P95:F2}"));
    }

    /// <summary>All are killed under load and started again.</summary>
    private async Task RestartAsync()
    {
        using var network = new ValidatorNetwork("QuorumMesh", consensus, 4, Ours);
        await network.StartAsync().ConfigureAwait(false);
        for (var kill = 1; kill <= rounds; kill++)
        {
            await new ValidatorLoad(network).RunAsync(count / 10, inFlight).ConfigureAwait(false);
            foreach (var validator in network.Validators) validator.Kill();
            Console.WriteLine($"all four killed, restart {kill}: first block {await network.StartAsync().ConfigureAwait(false):F1} s "
                + "after the start of the processes");
        }
    }

    private async Task SevenAsync()
    {
        using var network = new ValidatorNetwork("QuorumMesh", consensus, 7, Ours);
        await network.StartAsync().ConfigureAwait(false);
        network.Validators[^1].Kill();
        var load = new ValidatorLoad(network).RunAsync(count, inFlight);
        var gaps = new List<double>();
        var (clock, last) = (System.Diagnostics.Stopwatch.StartNew(), await network.Validators[1].HeadAsync().ConfigureAwait(false));
        while (!load.IsCompleted)
        {
            if (await network.Validators[1].HeadAsync().ConfigureAwait(false) is var head && head > last)
            {
                gaps.Add(clock.Elapsed.TotalSeconds);
                clock.Restart();
                last = head;
            }
            await Task.Delay(5).ConfigureAwait(false);
        }
        var result = await load.ConfigureAwait(false);
        gaps = [.. gaps.Skip(1).Order()];
        Console.WriteLine($"7 validators, one dead, under load: {result.Rate:F0} tx/s; seconds between blocks: p50 {At(gaps, 0.5):F2}, "
            + $"max {At(gaps, 1):F2}");
    }

    private static string Ours => NodeIn(Setting("QUORUMMESH_ARTIFACTS") ?? "artifacts");

    private static string NodeIn(string artifacts) => Path.GetFullPath(Path.Combine(artifacts, "node", "quorummesh-node"));

    private static string? Setting(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    private static (LoadResult Load, double P50, double P95) Median(List<(LoadResult Load, IReadOnlyList<double> Times)> of) =>
        (new LoadResult(Middle(of.Select(r => r.Load.Rate)), Middle(of.Select(r => r.Load.CpuPerThousand)),
            Middle(of.Select(r => r.Load.Block))), Middle(of.Select(r => At(r.Times, 0.5))), Middle(of.Select(r => At(r.Times, 0.95))));

    private static double Middle(IEnumerable<double> values) => At([.. values.Order()], 0.5);

    private static double At(IReadOnlyList<double> sorted, double share) =>
        sorted.Count == 0 ? double.NaN : sorted[(int)(share * (sorted.Count - 1))];

    private static string Line(string round, string name, LoadResult load, double p50, double p95) => string.Create(
        CultureInfo.InvariantCulture, $"{round,-8} {name,-10}: {load.Rate,6:F0} tx/s, CPU {load.CpuPerThousand:F2} s per 1,000, a block "
        + $"{load.Block:F2} s; submit to receipt p50 {p50:F0} ms, p95 {p95:F0} ms");
}
