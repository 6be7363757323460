using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using QuorumMesh.Outbound;

namespace QuorumMesh.Cli.Network;

/// <summary>Starts, stops and looks at the processes of a local network.</summary>
/// <param name="artifacts">The directory with the programs of another build; null for those of this one.</param>
public sealed class NetworkRunner(string directory, NetworkDefinition network, string? artifacts = null)
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly string _directory = Path.GetFullPath(directory);

    public IReadOnlyList<ServiceProcess> Services { get; } =
        [.. network.Participants.SelectMany(
            p => new[] { ServiceKind.Enclave, ServiceKind.TxManager, ServiceKind.Node }.Select(kind => new ServiceProcess(p, kind)))];

    /// <summary>
    /// Starts every service that is not running and waits until all are ready. When that fails it ends those that it started, and
    /// no other.
    /// </summary>
    /// <returns>The services that it started.</returns>
    public async Task<IReadOnlyList<ServiceProcess>> StartAsync(Action<string> progress, CancellationToken cancel)
    {
        Prepare(progress);
        var stopped = Services.Where(s => s.RunningPid is null).ToList();
        foreach (var service in stopped)
            CheckPorts(service);
        var started = new List<ServiceProcess>();
        try
        {
            foreach (var service in stopped)
            {
                StartOne(service);
                started.Add(service);
            }
            await WaitAllReadyAsync(progress, cancel).ConfigureAwait(false);
            return started;
        }
        catch
        {
            await EndAsync(started, _ => { }).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends with the first that fails.</summary>
    private async Task WaitAllReadyAsync(Action<string> progress, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Local)) { Timeout = TimeSpan.FromSeconds(5) };
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await Task.WhenAll(Services.Select(async service =>
        {
            try
            {
                await WaitReadyAsync(http, service, failed.Token).ConfigureAwait(false);
                progress($"{service.Name} is ready after {clock.Elapsed.TotalSeconds:F1} s");
            }
            catch (CommandException)
            {
                await failed.CancelAsync().ConfigureAwait(false);
                throw;
            }
        })).ConfigureAwait(false);
    }

    /// <summary>Files of a network that was moved, or made by a version that left them open to other users, are put right.</summary>
    private void Prepare(Action<string> progress)
    {
        if (MovedNetwork.Adopt(_directory, network) is { } before)
            progress($"The network was in {before}: its files name {_directory} now");
        if (network.Participants.Sum(p => PrivateFiles.Close(p.Directory)) is > 0 and var closed)
            progress($"{closed} files and directories of the network were open to other users of this machine and no longer are");
        if (network.Tls is null)
            progress("Note: the members of this network talk in plain text (--insecure, or it is of an earlier version): for one machine "
                + "alone");
        else if (NetworkCertificates.Renew(_directory, network, DateTimeOffset.UtcNow) is > 0 and var renewed)
            progress($"{renewed} certificates of the network would have ended soon and were issued anew");
    }

    /// <summary>Starts one service of the network; it must not be running.</summary>
    public void StartOne(ServiceProcess service)
    {
        var participant = service.Participant;
        var program = Programs.Of(service.Kind, artifacts);
        switch (service.Kind)
        {
            case ServiceKind.Enclave:
                service.Start(program,
                    ["-configfile", Path.Combine(participant.Directory, "enclave", "enclave.json"), "--health-url",
                    participant.Health.Enclave]);
                break;
            case ServiceKind.TxManager:
                service.Start(program, ["-configfile", Path.Combine(participant.Directory, "tm", "tm.json")]);
                break;
            default:
                service.Start(program, NodeArguments(participant));
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
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Another service has failed: that is what is to be told, not that this one does not answer yet.
                cancel.ThrowIfCancellationRequested();
                reason = e.Message;
            }
            if (clock.Elapsed > ReadyTimeout)
                throw new CommandException(
                    $"{service.Name} is not ready after {ReadyTimeout.TotalSeconds} s ({reason}); see {service.LogFile}");
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Ends every process: asks first, kills what does not go, leaves no pid file and no socket.</summary>
    public Task StopAsync(Action<string> progress) => EndAsync(Services, progress);

    /// <summary>Ends these processes, as <see cref="StopAsync"/> does with all.</summary>
    /// <exception cref="CommandException">A process does not end even when killed, as one of another user.</exception>
    public async Task EndAsync(IReadOnlyList<ServiceProcess> services, Action<string> progress)
    {
        var running = services.Where(s => s.RunningPid is not null).ToList();
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
        clock.Restart();
        while (running.Find(s => s.RunningPid is not null) is { } left)
        {
            if (clock.Elapsed > StopTimeout)
                throw new CommandException($"{left.Name}, process {left.RunningPid}, cannot be ended: is it another user's?");
            await Task.Delay(20).ConfigureAwait(false);
        }
        foreach (var service in services)
            service.Forget();
        progress($"{running.Count} processes ended");
    }

    private IEnumerable<string> NodeArguments(Participant participant)
    {
        var node = Path.Combine(participant.Directory, "node");
        var ofEngine = network.Consensus == NetworkRequest.Raft ? "raft" : "istanbul";
        var apis = $"admin,eth,debug,net,personal,quorumExtension,{ofEngine},rpc,txpool,web3";
        var enode = new Uri(participant.Enode);
        return
        [
            "--datadir", node, "--genesis", Path.Combine(_directory, "genesis.json"), "--networkid", network.ChainId.ToString(),
            "--identity", participant.Name, "--nodiscover", "--listen", enode.Host, "--port", enode.Port.ToString(),
            .. network.Consensus == NetworkRequest.Raft ? ["--raft", "--raftport", participant.RaftPort.ToString()] : Array.Empty<string>(),
            .. network is { Tls: { } tls, Consensus: NetworkRequest.Raft } ? ["--raft.tls", tls] : Array.Empty<string>(),
            "--http", "--http.addr", "127.0.0.1", "--http.port", new Uri(participant.Rpc).Port.ToString(),
            "--http.api", apis,
            "--ws", "--ws.addr", "127.0.0.1", "--ws.port", new Uri(participant.Ws).Port.ToString(),
            "--ws.api", apis,
            "--ipcpath", participant.Ipc, "--health-url", participant.Health.Node,
            "--privacy", "unix:" + Path.Combine(participant.Directory, "tm", "tm-grpc.ipc"),
            "--unlock", participant.Account, "--password", Path.Combine(node, "password"), "--allow-insecure-unlock",
            .. network.PrivateGuard is { } guard ? ["--private-guard", guard] : Array.Empty<string>(),
            .. network.Profile is { } profile ? ["--quorum.profile", profile] : Array.Empty<string>(),
        ];
    }

    /// <summary>Says before the start which port is taken, and by whom; the service itself would say so too, but into its log.</summary>
    private static void CheckPorts(ServiceProcess service)
    {
        foreach (var port in service.Participant.Ports(service.Kind))
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
            }
            catch (SocketException)
            {
                var holder = PortHolder.Describe(port) is { } known ? $"held by {known}"
                    : $"in use ('ss -tnp sport = :{port}' may name the program)";
                throw new CommandException(
                    $"port {port} of {service.Name} is {holder}: end that, or create this network with another --port-offset");
            }
        }
    }
}
