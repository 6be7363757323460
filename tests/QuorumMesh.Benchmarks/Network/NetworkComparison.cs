using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// Our network and GoQuorum's, started anew for each of some alternating runs, under the same load: calls of <c>set(x)</c>, at most 1,000
/// sent and not mined, right after the start and once more. CPU seconds are those of all processes of a network, ours with managers and
/// enclaves.
/// </summary>
internal sealed class NetworkComparison(string? geth, int pairs, int transactions)
{
    public const int Accounts = 20;
    private const int SingleTransactions = 100;
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(50);

    private readonly List<Figures> _ours = [];
    private readonly List<Figures> _theirs = [];

    private sealed record Figures(double Ready, double StartCpu, Load Cold, Load Warm, double P50, double P95);

    private sealed record Load(double Rate, double CpuPerThousand, int Stranded)
    {
        public override string ToString() => $"{Rate:F0} tx/s, {CpuPerThousand:F2} CPU s per 1,000, {Stranded} not mined";
    }

    public async Task RunAsync()
    {
        for (var pair = 0; pair < pairs; pair++)
        {
            if (pair % 2 == 0) await OursAsync().ConfigureAwait(false);
            if (geth is not null) await TheirsAsync(geth).ConfigureAwait(false);
            if (pair % 2 != 0) await OursAsync().ConfigureAwait(false);
        }
        Table();
    }

    private async Task OursAsync() => _ours.Add(await MeasureAsync("ours", new OurNetwork()).ConfigureAwait(false));

    private async Task TheirsAsync(string program) =>
        _theirs.Add(await MeasureAsync("GoQuorum", new GoQuorumNetwork(program)).ConfigureAwait(false));

    private async Task<Figures> MeasureAsync(string name, MeasuredNetwork network)
    {
        await using var owned = network.ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        using var rpc = new RpcConnection(await network.StartAsync().ConfigureAwait(false));
        var (ready, startCpu) = (clock.Elapsed.TotalSeconds, network.CpuSeconds());
        var cold = await LoadAsync(network, rpc).ConfigureAwait(false);
        var warm = await LoadAsync(network, rpc).ConfigureAwait(false);
        var times = await SinglesAsync(network, rpc).ConfigureAwait(false);
        var figures = new Figures(ready, startCpu, cold, warm, At(times, 0.5), At(times, 0.95));
        Console.WriteLine($"{name}: ready {ready:F1} s, {startCpu:F1} CPU s; cold {cold}; warm {warm}; p50 {figures.P50:F1} ms, "
            + $"p95 {figures.P95:F1} ms");
        return figures;
    }

    private async Task<Load> LoadAsync(MeasuredNetwork network, RpcConnection rpc)
    {
        var load = new SignedLoad(network.ChainId, Accounts);
        var contract = await DeployAsync(rpc, load).ConfigureAwait(false);
        var run = new InFlightLoad(rpc, load.Sets(contract, transactions));
        var cpu = network.CpuSeconds();
        var (seconds, mined) = await run.RunAsync().ConfigureAwait(false);
        return new Load(mined / seconds, (network.CpuSeconds() - cpu) / Math.Max(1, mined) * 1000, transactions - mined);
    }

    /// <summary>Submit to receipt of single transactions, 20 a second, in milliseconds, sorted.</summary>
    private static async Task<List<double>> SinglesAsync(MeasuredNetwork network, RpcConnection rpc)
    {
        var load = new SignedLoad(network.ChainId, 1);
        var contract = await DeployAsync(rpc, load).ConfigureAwait(false);
        var times = new List<double>();
        foreach (var raw in load.Sets(contract, SingleTransactions))
        {
            var clock = Stopwatch.StartNew();
            await MinedAsync(rpc, raw, TimeSpan.FromMilliseconds(1)).ConfigureAwait(false);
            times.Add(clock.Elapsed.TotalMilliseconds);
            if (Apart - clock.Elapsed is var rest && rest > TimeSpan.Zero) await Task.Delay(rest).ConfigureAwait(false);
        }
        times.Sort();
        return times;
    }

    public static async Task<Address> DeployAsync(RpcConnection rpc, SignedLoad load)
    {
        var (raw, contract) = load.Deploy(SimpleStorage.Create(1));
        await MinedAsync(rpc, raw, TimeSpan.FromMilliseconds(5)).ConfigureAwait(false);
        return contract;
    }

    private static async Task MinedAsync(RpcConnection rpc, string raw, TimeSpan pause)
    {
        var clock = Stopwatch.StartNew();
        var hash = (await rpc.CallAsync("eth_sendRawTransaction", w => w.WriteStringValue(raw)).ConfigureAwait(false)).GetString()!;
        while ((await rpc.CallAsync("eth_getTransactionReceipt", w => w.WriteStringValue(hash)).ConfigureAwait(false)).ValueKind
            == JsonValueKind.Null)
        {
            if (clock.Elapsed > InFlightLoad.NoProgress)
                throw new InvalidOperationException($"{hash} is not mined after {InFlightLoad.NoProgress.TotalSeconds} s");
            await Task.Delay(pause).ConfigureAwait(false);
        }
    }

    private static double At(List<double> sorted, double share) => sorted[(int)(share * (sorted.Count - 1))];

    private void Table()
    {
        Console.WriteLine();
        Console.WriteLine($"medians of {pairs} alternating runs | ours | GoQuorum | ratio");
        Row($"{transactions} right after a cold start, tx/s", f => f.Cold.Rate);
        Row("once more, warm, tx/s", f => f.Warm.Rate);
        Row("CPU s of all processes per 1,000, cold", f => f.Cold.CpuPerThousand);
        Row("CPU s of all processes per 1,000, warm", f => f.Warm.CpuPerThousand);
        Row("submit to receipt at 20 a second, p50, ms", f => f.P50);
        Row("the same, p95, ms", f => f.P95);
        Row("from nothing to ready, s", f => f.Ready);
        Row("the same, CPU s", f => f.StartCpu);
        Row("not mined, of all", f => f.Cold.Stranded + f.Warm.Stranded);
    }

    private void Row(string what, Func<Figures, double> of)
    {
        var ours = FigureTable.Median([.. _ours.Select(of)]);
        var theirs = _theirs.Count > 0 ? FigureTable.Median([.. _theirs.Select(of)]) : double.NaN;
        Console.WriteLine($"{what} | {ours:0.###} | {theirs:0.###} | {ours / theirs:0.00}");
    }
}
