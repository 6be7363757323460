using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>Which chain, and where it is kept.</summary>
internal sealed class ChainFlags(FlagList flags, NodeSettings defaults)
{
    public Option<string> DataDir { get; } = flags.Text("--datadir", "directory of the chain, keys and logs", defaults.DataDirectory);

    public Option<string> Genesis { get; } =
        flags.Text("--genesis", "genesis file to start a new chain from; an existing chain must have the same genesis");

    public Option<ulong?> NetworkId { get; } = flags.Add(new Option<ulong?>("--networkid")
    {
        Description = "network id of the peers (default: the chain id)",
        DefaultValueFactory = FlagList.FromEnvironment<ulong?>("--networkid", text => FlagList.Parse<ulong>("--networkid", text), null),
    });

    public Option<string> Profile { get; } = flags.Text("--quorum.profile", "compatibility profile of a new chain: 2.5, 2.6, 21 or 24");

    public Option<string> SyncMode { get; } =
        flags.Text("--syncmode", "only full exists: private state comes from executing blocks", "full");
}
