using System.CommandLine;
using QuorumMesh.Cli;

try
{
    return await CliCommands.Create().Parse(args)
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
