using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>What operators see.</summary>
internal sealed class HealthFlags(FlagList flags, NodeSettings defaults)
{
    public Option<string> HealthUrl { get; } = flags.Text("--health-url", "listener of /livez, /readyz and /metrics: http://host:port");

    public Option<string> PrivateWait { get; } = flags.Text("--health.private-wait",
        "how long the private head may stand still behind the public one before the node is not ready", "10s");

    public Option<string> PendingWait { get; } = flags.Text("--health.pending-wait",
        "how long executable transactions may wait for a block before the node is not ready", "30s");

    public Option<bool> LogJson { get; } = flags.Flag("--log-json", "one JSON object per log line");

    public Option<int> Verbosity { get; } =
        flags.Number("--verbosity", "0 silent, 1 error, 2 warn, 3 info, 4 debug, 5 trace", defaults.Verbosity);
}
