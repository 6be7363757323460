using System.CommandLine;

namespace QuorumMesh.Cli.Network;

/// <summary><c>qmesh network create|start|stop|status|run</c>.</summary>
internal static class NetworkCommands
{
    private static Option<string> Dir => new("--dir") { Description = "directory of the network", Required = true };
    private static Option<int?> Participants =>
        new("--participants") { Description = "number of participants (default: 3, under ibft and qbft 4, of which one may fail)" };
    private static Option<string> Consensus =>
        new("--consensus") { Description = "raft, ibft or qbft", DefaultValueFactory = _ => NetworkRequest.Raft };
    private static Option<string> Fork =>
        new("--fork") { Description = "byzantium … osaka: the fork that is active from block 0", DefaultValueFactory = _ => "cancun" };
    private static Option<ulong?> ChainId =>
        new("--chain-id") { Description = "EIP-155 chain id, also the network id (default: one is drawn between 1000000 and 2^31)" };
    private static Option<string?> Profile => new("--profile") { Description = "compatibility profile: 2.5, 2.6, 21 or 24" };
    private static Option<string?> PrivateGuard => new("--private-guard")
    {
        Description = "what every member does with a public transaction that was most likely meant to be private: warn, refuse or off "
            + "(default: warn)"
    };
    private static Option<int> PortOffset => new("--port-offset") { Description = "added to every port", DefaultValueFactory = _ => 0 };
    private static Option<bool> Insecure =>
        new("--insecure") { Description = "plain text between the members instead of TLS: for one machine alone, told at each start" };
    private static Option<bool> Q2tHttp =>
        new("--q2t-http")
        {
            Description =
        "offer Q2T over HTTP on loopback too, where any local user may read payloads; without it on the manager's Unix socket alone"
        };

    public static Command Create()
    {
        var command = new Command("network", "create and run a network on this machine");
        command.Subcommands.Add(CreateCommand());
        command.Subcommands.Add(StartCommand());
        command.Subcommands.Add(StopCommand());
        command.Subcommands.Add(StatusCommand());
        command.Subcommands.Add(RunCommand());
        return command;
    }

    private static Command CreateCommand()
    {
        var request = new RequestOptions();
        var command = request.AddTo(new Command("create", "write keys, genesis and configuration"));
        command.SetAction(result =>
        {
            var wanted = request.Read(result);
            var network = NetworkCreator.Create(wanted);
            WarnOfPorts(wanted);
            Console.WriteLine($"Created {network.Participants.Count} participants in {wanted.Directory}, chain id {network.ChainId}; "
                + $"start them with 'qmesh network start --dir {wanted.Directory}'");
            return 0;
        });
        return command;
    }

    private static Command StartCommand()
    {
        var dir = Dir;
        var command = new Command("start", "start every service; returns when all are ready") { dir };
        command.SetAction(async (result, cancel) =>
        {
            var (runner, network) = Open(result.GetValue(dir)!);
            await runner.StartAsync(Console.WriteLine, cancel).ConfigureAwait(false);
            PrintUrls(network);
            return 0;
        });
        return command;
    }

    private static Command StopCommand()
    {
        var dir = Dir;
        var command = new Command("stop", "end every process of the network") { dir };
        command.SetAction(async (result, _) =>
        {
            await Open(result.GetValue(dir)!).Runner.StopAsync(Console.WriteLine).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    private static Command StatusCommand()
    {
        var dir = Dir;
        var command = new Command("status", "what runs, and whether it is ready; exit code 1 when something is not") { dir };
        command.SetAction(async (result, cancel) => await NetworkStatus.PrintAsync(Open(result.GetValue(dir)!).Runner, cancel)
            .ConfigureAwait(false) ? 0 : 1);
        return command;
    }

    /// <summary>Creates the network unless it is there, starts it, and stops it again on Ctrl-C or SIGTERM.</summary>
    private static Command RunCommand()
    {
        var request = new RequestOptions();
        var command = request.AddTo(new Command("run", "create if need be, start, and stop everything on Ctrl-C"));
        command.SetAction(async (result, cancel) =>
        {
            var wanted = request.Read(result);
            if (!File.Exists(Path.Combine(wanted.Directory, NetworkDefinition.FileName)))
            {
                NetworkCreator.Create(wanted);
                WarnOfPorts(wanted);
            }
            var (runner, network) = Open(wanted.Directory);
            var started = await runner.StartAsync(Console.WriteLine, cancel).ConfigureAwait(false);
            try
            {
                PrintUrls(network);
                Console.WriteLine(started.Count == runner.Services.Count ? "Ctrl-C ends the network."
                    : $"Ctrl-C ends the {started.Count} services started now; the others ran before and go on ('qmesh network stop --dir "
                        + $"{wanted.Directory}' ends them).");
                await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                Console.WriteLine();
            }
            finally
            {
                await runner.EndAsync(started, Console.WriteLine).ConfigureAwait(false);
            }
            return 0;
        });
        return command;
    }

    private static void WarnOfPorts(NetworkRequest request)
    {
        if (ParticipantPorts.SafeOffset(request.Participants) is var safe && request.PortOffset > safe)
            Console.WriteLine($"Note: with --port-offset {request.PortOffset} some ports lie from {ParticipantPorts.FirstLocalPort} on, "
                + $"where Linux takes ports for outgoing connections, and a start may fail for that; up to {safe} none does");
    }

    private static (NetworkRunner Runner, NetworkDefinition Network) Open(string directory)
    {
        var network = NetworkDefinition.Load(directory);
        return (new NetworkRunner(directory, network), network);
    }

    private static void PrintUrls(NetworkDefinition network)
    {
        Console.WriteLine($"chain id {network.ChainId}");
        foreach (var p in network.Participants)
        {
            Console.WriteLine($"{p.Name}  JSON-RPC {p.Rpc}  WebSocket {p.Ws}");
            Console.WriteLine($"   account {p.Account}  transaction manager key {p.TxManagerKey}");
        }
    }

    private sealed class RequestOptions
    {
        private readonly Option<string> _dir = Dir;
        private readonly Option<int?> _participants = Participants;
        private readonly Option<string> _consensus = Consensus;
        private readonly Option<string> _fork = Fork;
        private readonly Option<ulong?> _chainId = ChainId;
        private readonly Option<string?> _profile = Profile;
        private readonly Option<int> _portOffset = PortOffset;
        private readonly Option<bool> _q2tHttp = Q2tHttp;
        private readonly Option<bool> _insecure = Insecure;
        private readonly Option<string?> _privateGuard = PrivateGuard;

        public Command AddTo(Command command)
        {
            foreach (var option in new Option[] { _dir, _participants, _consensus, _fork, _chainId, _profile, _portOffset, _q2tHttp,
                _privateGuard, _insecure })
                command.Options.Add(option);
            return command;
        }

        public NetworkRequest Read(ParseResult result) => new(
            result.GetValue(_dir)!, result.GetValue(_participants) ?? (result.GetValue(_consensus) == NetworkRequest.Raft ? 3 : 4),
            result.GetValue(_consensus)!, result.GetValue(_fork)!,
            result.GetValue(_chainId), result.GetValue(_profile), result.GetValue(_portOffset))
        {
            Q2tHttp = result.GetValue(_q2tHttp),
            PrivateGuard = result.GetValue(_privateGuard),
            Insecure = result.GetValue(_insecure),
        };
    }
}
