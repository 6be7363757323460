using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>Who this node is to its peers, and which it takes.</summary>
internal sealed class PeerFlags(FlagList flags, NodeSettings defaults)
{
    public Option<string> Identity { get; } = flags.Text("--identity", "name shown to peers");

    public Option<string> Listen { get; } = flags.Text("--listen", "address that the p2p and Raft ports bind to", defaults.ListenAddress);

    public Option<int> Port { get; } = flags.Number("--port", "devp2p port", defaults.Port);

    public Option<int> MaxPeers { get; } = flags.Number("--maxpeers", "most p2p peers", defaults.MaxPeers);

    public Option<string> NodeKey { get; } =
        flags.Text("--nodekey", "file with the node key in hex (default: nodekey in the data directory)");

    public Option<bool> Discovery { get; } =
        flags.Flag("--discovery", "look for nodes by discovery v4, on the UDP port of the same number as --port");

    public Option<string> Bootnodes { get; } = flags.Text("--bootnodes",
        "with --discovery: enode URLs of the nodes to ask first, separated by commas", null, "--bootnodesv4");

    public Option<string> NetRestrict { get; } = flags.Text("--netrestrict",
        "networks beyond which no peer is talked to, as 10.0.0.0/8, separated by commas");

    public Option<bool> Permissioned { get; } =
        flags.Flag("--permissioned", "only nodes of permissioned-nodes.json in the data directory may connect");

    public Option<string> Lists { get; } = flags.Text("--peers.lists",
        "directory of static-nodes.json, trusted-, permissioned- and disallowed-nodes.json (default: the data directory); is only read");
}
