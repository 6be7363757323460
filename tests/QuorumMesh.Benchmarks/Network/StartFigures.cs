using System.Diagnostics;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;
using QuorumMesh.Outbound;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>
/// What starting costs and what is held in memory: each service of a participant alone, one after the other, then a network of three all at
/// once, idle and after a load. Builds take turns, and every run begins with new directories.
/// </summary>
/// <param name="goQuorum">Path of GoQuorum 2.5's geth, or null.</param>
/// <param name="before">Artifacts of another build of ours, or null.</param>
/// <param name="transactions">Calls of <c>set(x)</c> after which memory is read again; 0 for none.</param>
internal sealed class StartFigures(string? goQuorum, string? before, int runs, int transactions)
{
    private const int Portion = 20_000;

    /// <summary>What is put off until a service is ready is paid in this time.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);

    private readonly FigureTable _table = new();

    public async Task RunAsync()
    {
        var artifacts = Environment.GetEnvironmentVariable(Programs.Variable);
        try
        {
            for (var run = 0; run < runs; run++)
            {
                if (before is not null) await OursAsync("before", before).ConfigureAwait(false);
                await OursAsync("now", artifacts).ConfigureAwait(false);
                if (goQuorum is not null) await NetworkAsync("GoQuorum", new GoQuorumNetwork(goQuorum)).ConfigureAwait(false);
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable(Programs.Variable, artifacts);
        }
        string[] columns = [.. goQuorum is null ? Array.Empty<string>() : ["GoQuorum"],
            .. before is null ? Array.Empty<string>() : ["before"],
            "now"];
        _table.Print($"medians of {runs} runs", columns);
    }

    private async Task OursAsync(string build, string? artifacts)
    {
        Environment.SetEnvironmentVariable(Programs.Variable, artifacts);
        await AloneAsync(build).ConfigureAwait(false);
        await NetworkAsync(build, new OurNetwork()).ConfigureAwait(false);
    }

    private async Task AloneAsync(string build)
    {
        var directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
        var runner = new NetworkRunner(directory, NetworkCreator.Create(
            new NetworkRequest(directory, 1, NetworkRequest.Raft, "cancun", ChainId: null, Profile: null, PortOffset: 0)
            {
                DensePortsFrom = DemoCommand.FreePorts(),
            }));
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Local));
        try
        {
            foreach (var service in runner.Services)
            {
                var clock = Stopwatch.StartNew();
                runner.StartOne(service);
                await runner.WaitReadyAsync(http, service, CancellationToken.None).ConfigureAwait(false);
                Tell(build, $"{service.Kind} alone: ready, s", clock.Elapsed.TotalSeconds);
                Tell(build, $"{service.Kind} alone: CPU s until then", ProcessFigures.CpuSeconds(service.RunningPid!.Value));
            }
        }
        finally
        {
            await runner.StopAsync(static _ => { }).ConfigureAwait(false);
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task NetworkAsync(string build, MeasuredNetwork network)
    {
        await using var owned = network.ConfigureAwait(false);
        var clock = Stopwatch.StartNew();
        using var rpc = new RpcConnection(await network.StartAsync().ConfigureAwait(false));
        var seconds = clock.Elapsed.TotalSeconds;
        var cpu = network.CpuSeconds();
        foreach (var (service, used) in BySort(network, ProcessFigures.CpuSeconds))
            Tell(build, $"network of three: CPU s of the {service}s", used);
        Tell(build, "network of three: ready, s", seconds);
        Tell(build, "network of three: CPU s until then", cpu);
        await Task.Delay(Rest).ConfigureAwait(false);
        Tell(build, $"network of three: CPU s in the {Rest.TotalSeconds} s after it", network.CpuSeconds() - cpu);
        Resident(build, "idle", network);
        if (transactions == 0) return;
        await LoadAsync(network, rpc).ConfigureAwait(false);
        Resident(build, $"after {transactions} transactions", network);
    }

    /// <summary>In portions, so that a load is not signed and held whole.</summary>
    private async Task LoadAsync(MeasuredNetwork network, RpcConnection rpc)
    {
        var load = new SignedLoad(network.ChainId, NetworkComparison.Accounts);
        var contract = await NetworkComparison.DeployAsync(rpc, load).ConfigureAwait(false);
        for (var left = transactions; left > 0; left -= Portion)
            await new InFlightLoad(rpc, load.Sets(contract, Math.Min(left, Portion))).RunAsync().ConfigureAwait(false);
    }

    /// <summary>A participant's share: the mean of the three.</summary>
    private void Resident(string build, string when, MeasuredNetwork network)
    {
        var sum = 0.0;
        foreach (var (service, megabytes) in BySort(network, ProcessFigures.ResidentMegabytes))
        {
            sum += megabytes / OurNetwork.Participants;
            Tell(build, $"resident {when}: {service}, MB", megabytes / OurNetwork.Participants);
        }
        Tell(build, $"resident {when}: participant, MB", sum);
    }

    private static IEnumerable<(ServiceKind Service, double Figure)> BySort(MeasuredNetwork network, Func<int, double> figure) =>
        network.Processes().GroupBy(p => p.Service).OrderBy(g => g.Key).Select(g => (g.Key, g.Sum(p => figure(p.Pid))));

    private void Tell(string build, string row, double figure)
    {
        Console.WriteLine($"{build}: {row}: {figure:0.##}");
        _table.Add(build, row, figure);
    }
}
