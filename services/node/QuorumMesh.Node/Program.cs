using System.CommandLine;
using QuorumMesh.Node;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;

NativeHeap.Limit();
return await HostRunner.RunAsync("quorummesh-node", async () =>
{
    var settings = new NodeCommandLine();
    var root = new RootCommand("QuorumMesh node: EVM, public and private state, Raft, JSON-RPC. Takes geth's flags.");
    settings.AddTo(root);
    root.SetAction((result, cancel) => NodeHost.RunAsync(settings.Read(result), cancel));

    var genesis = new Argument<string>("GENESIS") { Description = "genesis file" };
    var init = new Command("init", "start a chain in the data directory") { genesis };
    settings.AddTo(init);
    init.SetAction(result => ChainFiles.Init(settings.Read(result), result.GetValue(genesis)!));
    root.Subcommands.Add(init);

    var file = new Argument<string>("FILE") { Description = "blocks as RLP, one after another; compressed when the name ends in .gz" };
    var import = new Command("import", "execute the blocks of a file") { file };
    settings.AddTo(import);
    import.SetAction((result, cancel) =>
        Task.Run(() => ChainFiles.Import(settings.Read(result), result.GetValue(file)!, cancel), CancellationToken.None));
    root.Subcommands.Add(import);

    var range = new Argument<ulong[]>("FIRST LAST")
    {
        Description = "blocks to append to the file; without them the whole chain is written to a new one",
        Arity = new ArgumentArity(0, 2)
    };
    var export = new Command("export", "write the chain to a file; .gz compresses it") { file, range };
    settings.AddTo(export);
    export.SetAction(result => result.GetValue(range) switch
    {
        null or [] => ChainFiles.Export(settings.Read(result), result.GetValue(file)!),
        [var first, var last] => ChainFiles.Export(settings.Read(result), result.GetValue(file)!, first, last),
        _ => throw new UsageException("export takes FILE, or FILE FIRST LAST (see quorummesh-node export --help)"),
    });
    root.Subcommands.Add(export);
    root.Subcommands.Add(AccountCommands.Create(settings));
    root.Subcommands.Add(RaftCommands.Create(settings));

    var parsed = root.Parse(args);
    if (parsed.Errors.Count > 0)
        throw new UsageException($"{parsed.Errors[0].Message} (see quorummesh-node --help)");
    return await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(20) })
        .ConfigureAwait(false);
}).ConfigureAwait(false);
