using System.CommandLine;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The commands of <c>quorummesh-node</c>; without one it runs the node.</summary>
internal static class NodeCommands
{
    public static RootCommand Create()
    {
        var settings = new NodeCommandLine();
        var root = new RootCommand("QuorumMesh node: EVM, public and private state, Raft, JSON-RPC. Takes geth's flags.");
        settings.AddTo(root);
        root.SetAction((result, cancel) => NodeHost.RunAsync(settings.Read(result), cancel));
        root.Subcommands.Add(Init(settings));
        root.Subcommands.Add(Import(settings));
        root.Subcommands.Add(Export(settings));
        root.Subcommands.Add(AccountCommands.Create(settings));
        root.Subcommands.Add(RaftCommands.Create(settings));
        return root;
    }

    private static Command Init(NodeCommandLine settings)
    {
        var genesis = new Argument<string>("GENESIS") { Description = "genesis file" };
        var init = new Command("init", "start a chain in the data directory") { genesis };
        settings.AddTo(init);
        init.SetAction(result => ChainFiles.Init(settings.Read(result), result.GetValue(genesis)!));
        return init;
    }

    private static Command Import(NodeCommandLine settings)
    {
        var file = BlockFile();
        var import = new Command("import", "execute the blocks of a file") { file };
        settings.AddTo(import);
        import.SetAction((result, cancel) =>
            Task.Run(() => ChainFiles.Import(settings.Read(result), result.GetValue(file)!, cancel), CancellationToken.None));
        return import;
    }

    private static Command Export(NodeCommandLine settings)
    {
        var file = BlockFile();
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
        return export;
    }

    private static Argument<string> BlockFile() =>
        new("FILE") { Description = "blocks as RLP, one after another; compressed when the name ends in .gz" };
}
