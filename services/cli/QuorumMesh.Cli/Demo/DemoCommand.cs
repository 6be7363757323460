using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using QuorumMesh.Cli.Network;
using Spectre.Console;

namespace QuorumMesh.Cli.Demo;

/// <summary><c>qmesh demo</c>: the three private-contract cases on a network of its own, or on a running one.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var dir = new Option<string?>("--dir")
        { Description = "a running network of at least three participants; without it one is created, started and removed" };
        var consensus = new Option<string>("--consensus")
        { Description = "of its own network: raft, ibft or qbft", DefaultValueFactory = _ => NetworkRequest.Raft };
        var parties = new Option<string?>("--parties")
        {
            Description = "a JSON file of three participants of any network that runs: [{\"name\", \"rpc\", \"account\", \"txManagerKey\", "
                + "\"tokenFile\"}, …]; their accounts must be unlocked"
        };
        var command = new Command("demo", "deploy and call private contracts between A, B and C") { dir, consensus, parties };
        command.SetAction(async (result, cancel) => (result.GetValue(parties), result.GetValue(dir)) switch
        {
            ({ }, { }) => throw new CommandException("--dir and --parties each name a network: give one of them"),
            ({ } file, null) => await WalkAsync([.. DemoAccess.Load(file).Select(access => new DemoParty(access))], cancel)
                .ConfigureAwait(false),
            (null, { } given) => await WalkAsync(NetworkDefinition.Load(given), cancel).ConfigureAwait(false),
            _ => await OnOwnNetworkAsync(result.GetValue(consensus)!, cancel).ConfigureAwait(false),
        });
        return command;
    }

    private static async Task<int> OnOwnNetworkAsync(string consensus, CancellationToken cancel)
    {
        var directory = Directory.CreateTempSubdirectory("qmesh-demo-").FullName;
        try
        {
            // Of four validators one may fail; of three, none.
            var participants = consensus == NetworkRequest.Raft ? 3 : 4;
            var network = NetworkCreator.Create(
                new NetworkRequest(directory, participants, consensus, "cancun", ChainId: null, Profile: null, PortOffset: 0)
                { DensePortsFrom = FreePorts(participants) });
            var runner = new NetworkRunner(directory, network);
            await runner.StartAsync(Console.WriteLine, cancel).ConfigureAwait(false);
            try
            {
                return await WalkAsync(network, cancel).ConfigureAwait(false);
            }
            finally
            {
                await runner.StopAsync(Console.WriteLine).ConfigureAwait(false);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Task<int> WalkAsync(NetworkDefinition network, CancellationToken cancel) =>
        WalkAsync([.. network.Participants.Select(p => new DemoParty(p))], cancel);

    private static async Task<int> WalkAsync(IReadOnlyList<DemoParty> parties, CancellationToken cancel)
    {
        if (parties.Count < 3)
            throw new CommandException($"the demo needs three participants, this network has {parties.Count}");
        var rows = await new PrivateContractCases([.. parties.Take(3)]).RunAsync(cancel).ConfigureAwait(false);
        var table = new Table().AddColumns("case", "A", "B", "C", "expected", "");
        foreach (var row in rows)
            table.AddRow(Markup.Escape(row.Title), Text(row.Seen[0]), Text(row.Seen[1]), Text(row.Seen[2]), string.Join(", ", row.Expected),
                row.Passed ? "ok" : "WRONG");
        AnsiConsole.Write(table);
        Console.WriteLine("Case 3 means: C was left out of the last transaction, so its copy of the contract stays at 42; no block and no "
            + "receipt says so, only comparing eth_storageRoot does.");
        return rows.All(r => r.Passed) ? 0 : 1;
    }

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The start of a row of ports for a network that lives for a moment.</summary>
    internal static int FreePorts(int participants = 3) => ParticipantPorts.FindDense(participants, IsFree);

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
