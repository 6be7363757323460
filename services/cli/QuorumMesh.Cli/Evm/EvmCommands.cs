using System.CommandLine;

namespace QuorumMesh.Cli.Evm;

/// <summary><c>qmesh evm</c>.</summary>
internal static class EvmCommands
{
    public static Command Create()
    {
        var command = new Command("evm", "Run byte code and public state tests, encode calls");
        command.Subcommands.Add(EvmRunCommand.Create());
        command.Subcommands.Add(EvmStateTestCommand.Create());
        command.Subcommands.Add(EvmEncodeCommand.Create());
        return command;
    }
}
