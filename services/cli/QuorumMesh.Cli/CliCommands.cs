using System.CommandLine;
using QuorumMesh.Cli.Database;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Evm;
using QuorumMesh.Cli.Keys;
using QuorumMesh.Cli.Network;
using QuorumMesh.Cli.Private;
using QuorumMesh.Cli.Raft;
using QuorumMesh.Cli.Record;
using QuorumMesh.Cli.Tls;

namespace QuorumMesh.Cli;

/// <summary>The commands of <c>qmesh</c>.</summary>
internal static class CliCommands
{
    public static RootCommand Create()
    {
        var root = new RootCommand("QuorumMesh: networks, keys and EVM tools");
        root.Subcommands.Add(NetworkCommands.Create());
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(KeysCommands.Create());
        root.Subcommands.Add(EvmCommands.Create());
        root.Subcommands.Add(DatabaseCommands.Create());
        root.Subcommands.Add(PrivateCommands.Create());
        root.Subcommands.Add(RaftCommands.Create());
        root.Subcommands.Add(RecordCommand.Create());
        root.Subcommands.Add(TlsCommands.Create());
        return root;
    }
}
