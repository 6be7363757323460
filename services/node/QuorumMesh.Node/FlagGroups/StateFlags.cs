using System.CommandLine;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>What is kept, in memory and on the disk, and how code runs.</summary>
internal sealed class StateFlags(FlagList flags, NodeSettings defaults)
{
    public Option<string> GcMode { get; } =
        flags.Text("--gcmode", "full drops public states older than --history.state, archive keeps all", "full");

    public Option<ulong?> HistoryState { get; } = flags.Add(new Option<ulong?>("--history.state")
    {
        Description = "blocks behind the head whose public state stays readable; 0 keeps all (default: "
            + $"{NodeCoreSetup.DefaultKeptPublicBlocks})",
        DefaultValueFactory =
            FlagList.FromEnvironment<ulong?>("--history.state", text => FlagList.Parse<ulong>("--history.state", text), null),
    });

    public Option<int> Cache { get; } =
        flags.Number("--cache", "megabytes for the caches of database and state; a busy node takes about 250 MB more",
            defaults.Cache.Megabytes);

    public Option<int> CacheDatabase { get; } =
        flags.Number("--cache.database", "percentage of --cache for the database's blocks and write buffers",
            defaults.Cache.DatabasePercent);

    public Option<int> CacheTrie { get; } =
        flags.Number("--cache.trie", "percentage of --cache for trie nodes", defaults.Cache.TriePercent);

    public Option<int> CacheSnapshot { get; } =
        flags.Number("--cache.snapshot", "percentage of --cache for accounts and storage slots", defaults.Cache.SnapshotPercent);

    public Option<bool> EvmCompiled { get; } = flags.Add(new Option<bool>("--evm.compiled")
    {
        Description = "compile hot contracts to machine code; false interprets everything",
        DefaultValueFactory =
            FlagList.FromEnvironment("--evm.compiled", text => FlagList.ParseFlag("--evm.compiled", text), defaults.EvmCompiled),
    });

    public Option<bool> RevertReason { get; } =
        flags.Flag("--revertreason", "keep what reverted transactions returned, and answer it in their receipts as revertReason");
}
