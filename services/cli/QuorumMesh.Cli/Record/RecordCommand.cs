using System.CommandLine;

namespace QuorumMesh.Cli.Record;

/// <summary><c>qmesh record</c>: what a dApp's library sends and is answered, to be sent to somebody who helps.</summary>
internal static class RecordCommand
{
    public static Command Create()
    {
        var node = new Option<string>("--node") { Description = "JSON-RPC of the node over HTTP", Required = true };
        var port = new Option<int>("--port") { Description = "port on 127.0.0.1 that the dApp talks to", DefaultValueFactory = _ => 8599 };
        var file = new Option<string>("--file") { Description = "new file, one exchange a line", Required = true };
        var whole = new Option<bool>("--with-private-data") { Description = "keep the data of private sends, and of what reads it back" };
        var command = new Command("record", "stand between a dApp and a node, and write down what they say without secrets")
        {
            node, port, file, whole
        };
        command.SetAction(async (result, cancel) =>
        {
            if (!Uri.TryCreate(result.GetValue(node), UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                throw new CommandException($"--node {result.GetValue(node)} is no URL: use for example http://127.0.0.1:8545");
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.Read,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            await using var writer = new StreamWriter(result.GetValue(file)!, options);
            Console.WriteLine($"Point your dApp at http://127.0.0.1:{result.GetValue(port)}; Ctrl-C ends the recording.");
            await new RecordingProxy(url, writer, result.GetValue(whole)).RunAsync(result.GetValue(port), cancel).ConfigureAwait(false);
            return 0;
        });
        return command;
    }
}
