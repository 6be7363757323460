using System.CommandLine;
using System.Diagnostics;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.Cli.Raft;

/// <summary><c>qmesh raft</c>: what is done to a stopped node's part of a Raft cluster. The node's own program does it.</summary>
internal static class RaftCommands
{
    public static Command Create()
    {
        var recover = new Command("recover", "Make a new configuration of a cluster that has lost most of its members for good, from a "
            + "stopped node's log; `quorummesh-node raft recover --help` lists the options");
        // The node's options are its own: they pass through as they are.
        recover.TreatUnmatchedTokensAsErrors = false;
        recover.SetAction(result => Run(Programs.Node, ["raft", "recover", .. result.UnmatchedTokens]));
        var command = new Command("raft", "A stopped node's part of a Raft cluster");
        command.Subcommands.Add(recover);
        return command;
    }

    internal static int Run(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new CommandException($"{program} could not be started");
        process.WaitForExit();
        return process.ExitCode;
    }
}
