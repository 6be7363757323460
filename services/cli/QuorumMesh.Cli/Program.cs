using System.CommandLine;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Evm;

var root = new RootCommand("QuorumMesh: networks, keys and EVM tools");
root.Subcommands.Add(EvmCommands.Create());
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
}
catch (CommandException e)
{
    Console.Error.WriteLine("qmesh: " + e.Message);
    return 1;
}
