using System.CommandLine;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Database;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Evm;
using QuorumMesh.Cli.Keys;
using QuorumMesh.Cli.Network;
using QuorumMesh.Cli.Private;
using QuorumMesh.Cli.Raft;
using QuorumMesh.Cli.Record;
using QuorumMesh.Cli.Tls;

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
try
{
    return await root.Parse(args)
        .InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(40)
        }).ConfigureAwait(false);
}
catch (CommandException e)
{
    Console.Error.WriteLine("qmesh: " + e.Message);
    return 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine("qmesh: " + e.Message.ReplaceLineEndings(" "));
    return 1;
}
catch (OperationCanceledException)
{
    return 130;
}
