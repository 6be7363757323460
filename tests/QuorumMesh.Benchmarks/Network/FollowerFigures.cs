using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// What a transaction costs between three Raft nodes: CPU of the leader's node and of a follower's, bytes of Raft and of devp2p, while one
/// load goes to the leader, to a follower, or is spread. Builds take turns, each run with a network of its own and a load before those that
/// count.
/// </summary>
/// <param name="before">Artifacts of another build of ours, or null.</param>
internal sealed class FollowerFigures(string? before, int runs, int transactions)
{
    private const int Accounts = 20;
    private const int WarmUp = 10_000;
    private const int OneByOne = 100;

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(50);

    private readonly FigureTable _table = new();

    public async Task RunAsync()
    {
        List<(string Name, string? Artifacts)> builds = [("now", null)];
        if (before is not null) builds.Insert(0, ("before", before));
        for (var run = 1; run <= runs; run++)
        {
            foreach (var (name, artifacts) in builds) await MeasureAsync(name, artifacts).ConfigureAwait(false);
            _table.Print($"after {run} of {runs} runs, medians", [.. builds.OrderBy(b => b.Artifacts is null).Select(b => b.Name)]);
            builds.Reverse();
        }
    }

    private async Task MeasureAsync(string build, string? artifacts)
    {
        var network = new OurNetwork(artifacts);
        await using var owned = network.ConfigureAwait(false);
        var leader = await network.StartAsync().ConfigureAwait(false);
        var follower = network.Members.First(member => member.Rpc != leader).Rpc;
        await LoadAsync(network, [leader], WarmUp).ConfigureAwait(false);
        await LoadAsync(network, [follower], WarmUp).ConfigureAwait(false);
        List<string> all = [.. network.Members.Select(member => member.Rpc)];
        (string, List<string>)[] cases = [("leader", [leader]), ("follower", [follower]), ("all three", all)];
        foreach (var (name, targets) in cases)
        {
            var (began, since) = (await FiguresAsync(network, leader).ConfigureAwait(false), Stopwatch.StartNew());
            await LoadAsync(network, targets, transactions).ConfigureAwait(false);
            var (ended, seconds) = (await FiguresAsync(network, leader).ConfigureAwait(false), since.Elapsed.TotalSeconds);
            _table.Add(build, $"to {name}: tx/s", transactions / seconds);
            foreach (var (figure, value) in ended) _table.Add(build, $"to {name}: {figure}", (value - began[figure]) / transactions);
        }
        await LatencyAsync(build, "leader", network, leader).ConfigureAwait(false);
        await LatencyAsync(build, "follower", network, follower).ConfigureAwait(false);
    }

    private static async Task LoadAsync(OurNetwork network, List<string> targets, int count)
    {
        await Task.WhenAll(targets.Select(async target =>
        {
            using var rpc = new RpcConnection(target);
            var load = new SignedLoad(network.ChainId, Accounts);
            var contract = await NetworkBench.DeployAsync(rpc, load).ConfigureAwait(false);
            var raw = load.Sets(contract, count / targets.Count);
            await new OwnLoad(rpc, load, raw).RunAsync().ConfigureAwait(false);
        })).ConfigureAwait(false);
    }

    private async Task LatencyAsync(string build, string name, OurNetwork network, string target)
    {
        using var rpc = new RpcConnection(target);
        var load = new SignedLoad(network.ChainId, 1);
        var raw = load.Sets(await NetworkBench.DeployAsync(rpc, load).ConfigureAwait(false), OneByOne);
        var times = new List<double>();
        foreach (var tx in raw)
        {
            var clock = Stopwatch.StartNew();
            var hash = (await rpc.CallAsync("eth_sendRawTransaction", w => w.WriteStringValue(tx)).ConfigureAwait(false)).GetString()!;
            while ((await rpc.CallAsync("eth_getTransactionReceipt", w => w.WriteStringValue(hash)).ConfigureAwait(false)).ValueKind
                == JsonValueKind.Null)
                await Task.Delay(1).ConfigureAwait(false);
            times.Add(clock.Elapsed.TotalMilliseconds);
            if (Between - clock.Elapsed is var rest && rest > TimeSpan.Zero) await Task.Delay(rest).ConfigureAwait(false);
        }
        _table.Add(build, $"to {name}, 20 a second: submit to receipt, p50, ms", FigureTable.Median([.. times]));
    }

    /// <summary>Sums so far; of each follower one half.</summary>
    private static async Task<Dictionary<string, double>> FiguresAsync(OurNetwork network, string leader)
    {
        double Cpu(Participant member) => ProcessFigures.CpuSeconds(new ServiceProcess(member, ServiceKind.Node).RunningPid ?? 0) * 1_000;
        var followers = network.Members.Where(member => member.Rpc != leader).ToList();
        return new Dictionary<string, double>
        {
            ["leader's node, CPU s per 1,000"] = Cpu(network.Members.First(member => member.Rpc == leader)),
            ["a follower's node, CPU s per 1,000"] = followers.Average(Cpu),
            ["Raft, bytes"] = await WireBytes.OfAsync(network.Members.Select(member => member.RaftPort)).ConfigureAwait(false),
            ["devp2p, bytes"] = await WireBytes.OfAsync(network.Members.Select(member => new Uri(member.Enode).Port)).ConfigureAwait(false),
        };
    }
}
