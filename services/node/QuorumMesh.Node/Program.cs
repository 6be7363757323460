using System.CommandLine;
using QuorumMesh.Node;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;

NativeHeap.Limit();
return await HostRunner.RunAsync("quorummesh-node", async () =>
{
    var parsed = NodeCommands.Create().Parse(args);
    if (parsed.Errors.Count > 0)
        throw new UsageException($"{parsed.Errors[0].Message} (see quorummesh-node --help)");
    return await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(20) })
        .ConfigureAwait(false);
}).ConfigureAwait(false);
