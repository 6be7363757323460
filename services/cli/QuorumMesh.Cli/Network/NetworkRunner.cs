using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace QuorumMesh.Cli.Network;

/// <summary>Starts, stops and looks at the processes of a local network.</summary>
public sealed class NetworkRunner(string directory, NetworkDefinition network)
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly string _directory = Path.GetFullPath(directory);

    public IReadOnlyList<ServiceProcess> Services { get; } =
        [.. network.Participants.SelectMany(p => new[] { ServiceKind.Enclave, ServiceKind.TxManager, ServiceKind.Node }.Select(kind => new ServiceProcess(p, kind)))];

    /// <summary>Starts every service that is not running and waits until all are ready.</summary>
    public async Task StartAsync(Action<string> progress, CancellationToken cancel)
    {
        var stopped = Services.Where(s => s.RunningPid is null).ToList();
        foreach (var service in stopped)
            CheckPorts(service);
        var clock = Stopwatch.StartNew();
        foreach (var service in stopped)
            StartOne(service);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        await Task.WhenAll(Services.Select(async service =>
        {
            await WaitReadyAsync(http, service, cancel).ConfigureAwait(false);
            progress($"{service.Name} is ready after {clock.Elapsed.TotalSeconds:F1} s");
        })).ConfigureAwait(false);
    }

    /// <summary>Starts one service of the network; it must not be running.</summary>
    public void StartOne(ServiceProcess service)
    {
        var participant = service.Participant;
        switch (service.Kind)
        {
            case ServiceKind.Enclave:
                service.Start(Programs.Enclave, ["-configfile", Path.Combine(participant.Directory, "enclave", "enclave.json"), "--health-url", participant.Health.Enclave]);
                break;
            case ServiceKind.TxManager:
                service.Start(Programs.TxManager, ["-configfile", Path.Combine(participant.Directory, "tm", "tm.json")]);
                break;
            default:
                service.Start(Programs.Node, NodeArguments(participant));
                break;
        }
    }

    public async Task WaitReadyAsync(HttpClient http, ServiceProcess service, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        var reason = "no answer yet";
        while (true)
        {
            if (service.RunningPid is null)
                throw new CommandException($"{service.Name} ended while starting; the end of {service.LogFile}:\n{service.LastOutput()}");
            try
            {
                using var answer = await http.GetAsync(service.HealthUrl + "/readyz?verbose", cancel).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode) return;
                reason = (await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false)).Trim();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
            {
                reason = e.Message;
            }
            if (clock.Elapsed > ReadyTimeout)
                throw new CommandException($"{service.Name} is not ready after {ReadyTimeout.TotalSeconds} s ({reason}); see {service.LogFile}");
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Ends every process: asks first, kills what does not go, leaves no pid file and no socket.</summary>
    public async Task StopAsync(Action<string> progress)
    {
        var running = Services.Where(s => s.RunningPid is not null).ToList();
        foreach (var service in running.AsEnumerable().Reverse())
            service.Terminate();
        var clock = Stopwatch.StartNew();
        while (running.Any(s => s.RunningPid is not null) && clock.Elapsed < StopTimeout)
            await Task.Delay(50).ConfigureAwait(false);
        foreach (var service in running.Where(s => s.RunningPid is not null))
        {
            progress($"{service.Name} did not end within {StopTimeout.TotalSeconds} s: killed");
            service.Kill();
        }
        while (running.Any(s => s.RunningPid is not null))
            await Task.Delay(20).ConfigureAwait(false);
        foreach (var service in Services)
            service.Forget();
        progress($"{running.Count} processes ended");
    }

    private IEnumerable<string> NodeArguments(Participant participant)
    {
        var node = Path.Combine(participant.Directory, "node");
        var index = participant.RaftId - 1;
        var enode = new Uri(participant.Enode);
        var raftPort = System.Web.HttpUtility.ParseQueryString(enode.Query)["raftport"]!;
        return
        [
            "--datadir", node, "--genesis", Path.Combine(_directory, "genesis.json"), "--networkid", network.ChainId.ToString(),
            "--identity", participant.Name, "--nodiscover", "--listen", "127.0.0.1", "--port", enode.Port.ToString(),
            "--raft", "--raftport", raftPort,
            "--http", "--http.addr", "127.0.0.1", "--http.port", new Uri(participant.Rpc).Port.ToString(),
            "--http.api", "admin,eth,debug,net,personal,raft,rpc,txpool,web3",
            "--ws", "--ws.addr", "127.0.0.1", "--ws.port", new Uri(participant.Ws).Port.ToString(),
            "--ws.api", "admin,eth,debug,net,personal,raft,rpc,txpool,web3",
            "--ipcpath", participant.Ipc, "--health-url", participant.Health.Node,
            "--privacy", "unix:" + Path.Combine(participant.Directory, "tm", "tm-grpc.ipc"),
            "--unlock", participant.Account, "--password", Path.Combine(node, "password"), "--allow-insecure-unlock",
            .. network.Profile is { } profile ? ["--quorum.profile", profile] : Array.Empty<string>(),
        ];
    }

    /// <summary>Says before the start which port is taken; the service itself would say so too, but into its log.</summary>
    private static void CheckPorts(ServiceProcess service)
    {
        var participant = service.Participant;
        IEnumerable<string> urls = service.Kind switch
        {
            ServiceKind.Enclave => [participant.Health.Enclave],
            ServiceKind.TxManager => [participant.P2p, participant.ThirdParty, participant.Q2t, participant.Health.TxManager],
            _ => [participant.Rpc, participant.Ws, participant.Health.Node, participant.Enode],
        };
        foreach (var port in urls.Select(u => new Uri(u).Port))
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
            }
            catch (SocketException)
            {
                throw new CommandException($"port {port} of {service.Name} is in use: end the program that holds it ('ss -ltnp sport = :{port}' names it), or create the network with another --port-offset");
            }
        }
    }
}
