using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>A network of three Raft nodes under measurement, on a directory of its own; ends with every process gone.</summary>
internal abstract class MeasuredNetwork : IAsyncDisposable
{
    public abstract ulong ChainId { get; }

    protected string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("qmesh-bench-").FullName;

    /// <summary>Starts every process and waits until one node leads.</summary>
    /// <returns>The JSON-RPC URL of the one that leads.</returns>
    public abstract Task<string> StartAsync();

    /// <summary>CPU seconds of all its processes so far.</summary>
    public double CpuSeconds() => Processes().Sum(p => ProcessFigures.CpuSeconds(p.Pid));

    /// <summary>Those that run.</summary>
    public abstract IEnumerable<(ServiceKind Service, int Pid)> Processes();

    public async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    protected abstract Task EndAsync();
}

/// <summary>Ours: three participants with node, manager and enclave each, from the published binaries.</summary>
internal sealed class OurNetwork : MeasuredNetwork
{
    public const int Participants = 3;

    private readonly NetworkDefinition _network;
    private readonly NetworkRunner _runner;

    /// <param name="artifacts">Those of another build; null for this one's.</param>
    public OurNetwork(string? artifacts = null)
    {
        _network = NetworkCreator.Create(new NetworkRequest(Directory, Participants, "raft", "cancun", ChainId: null, Profile: null,
            PortOffset: 0)
        {
            DensePortsFrom = DemoCommand.FreePorts(),
        });
        _runner = new NetworkRunner(Directory, _network, artifacts);
    }

    public IReadOnlyList<Participant> Members => _network.Participants;

    public override ulong ChainId => _network.ChainId;

    /// <summary>Process id of the node that led after the start.</summary>
    public int LeaderPid { get; private set; }

    /// <summary>CPU seconds so far of all services of each kind.</summary>
    public Dictionary<ServiceKind, double> CpuByKind() => Processes()
        .GroupBy(p => p.Service).ToDictionary(kind => kind.Key, kind => kind.Sum(p => ProcessFigures.CpuSeconds(p.Pid)));

    public override async Task<string> StartAsync()
    {
        await _runner.StartAsync(static _ => { }, CancellationToken.None).ConfigureAwait(false);
        foreach (var participant in _network.Participants)
        {
            using var rpc = new RpcConnection(participant.Rpc);
            if ((await rpc.CallAsync("raft_role", static _ => { }).ConfigureAwait(false)).GetString() != "minter") continue;
            LeaderPid = new ServiceProcess(participant, ServiceKind.Node).RunningPid ?? 0;
            return participant.Rpc;
        }
        throw new InvalidOperationException("no participant is the minter");
    }

    public override IEnumerable<(ServiceKind Service, int Pid)> Processes()
    {
        foreach (var service in _runner.Services)
            if (service.RunningPid is { } pid) yield return (service.Kind, pid);
    }

    protected override Task EndAsync() => _runner.StopAsync(static _ => { });
}
