using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>Where things are in the data directory. Files that geth keeps under <c>geth/</c> are found there too.</summary>
/// <param name="raftLogParent">Where the Raft log is, when it is not beside the chain.</param>
/// <param name="lists">Where the lists of nodes are, when they are not beside the chain.</param>
internal sealed class DataDirectory(string path, string? raftLogParent = null, string? lists = null)
{
    public string Path => path;
    public string ChainData => System.IO.Path.Combine(path, "chaindata");
    public string RaftLog => System.IO.Path.Combine(raftLogParent ?? path, "raftlog");
    public string Keystore => System.IO.Path.Combine(path, "keystore");
    public string DiscoveredNodes => System.IO.Path.Combine(path, "discovered-nodes.json");
    public string Ipc => System.IO.Path.Combine(path, "geth.ipc");
    public string NodeKey => Existing("nodekey") ?? System.IO.Path.Combine(path, "nodekey");

    /// <summary>The file in the data directory or in its <c>geth</c> folder; null when it is in neither.</summary>
    public string? Existing(string file) =>
        new[] { System.IO.Path.Combine(path, file), System.IO.Path.Combine(path, "geth", file) }.FirstOrDefault(File.Exists);

    /// <summary>
    /// Where a list of nodes is, or would be: in the directory of <c>--peers.lists</c>, which may be read-only and a mount that
    /// changes; without it here or in the <c>geth</c> folder.
    /// </summary>
    public string NodeList(string file) =>
        lists is null ? Existing(file) ?? System.IO.Path.Combine(path, file) : System.IO.Path.Combine(lists, file);

    /// <summary>
    /// Takes from other users what an earlier version or a copy left open to them. A directory that serves others too, such as a
    /// home, is left as it is, and what is ours in it is closed.
    /// </summary>
    /// <returns>A line for the log, or null when nothing was open.</returns>
    public string? CloseToOthers() =>
        OwnFiles.Close(OwnFiles.IsOwn(path) ? raftLogParent is null ? [path] : [path, RaftLog]
            : [ChainData, RaftLog, Keystore, System.IO.Path.Combine(path, "geth"), System.IO.Path.Combine(path, "nodekey")]);

    public static DataDirectory Open(string path, string? raftLogDirectory = null, string? lists = null) => new(
        OptionRules.WritableDirectory("--datadir", path),
        raftLogDirectory is null ? null : OptionRules.WritableDirectory("--raftlogdir", raftLogDirectory), lists);
}
