using System.CommandLine;
using QuorumMesh.Node;
using QuorumMesh.ServiceDefaults;

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

    var file = new Argument<string>("FILE") { Description = "blocks as RLP, one after another" };
    var import = new Command("import", "execute the blocks of a file") { file };
    settings.AddTo(import);
    import.SetAction(result => ChainFiles.Import(settings.Read(result), result.GetValue(file)!));
    root.Subcommands.Add(import);

    var export = new Command("export", "write the chain to a file") { file };
    settings.AddTo(export);
    export.SetAction(result => ChainFiles.Export(settings.Read(result), result.GetValue(file)!));
    root.Subcommands.Add(export);

    var parsed = root.Parse(args);
    if (parsed.Errors.Count > 0)
        throw new UsageException($"{parsed.Errors[0].Message} (see quorummesh-node --help)");
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(20) }).ConfigureAwait(false);
}).ConfigureAwait(false);
