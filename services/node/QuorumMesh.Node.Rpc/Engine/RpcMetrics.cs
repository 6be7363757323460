using System.Diagnostics;
using System.Diagnostics.Metrics;
using QuorumMesh.Node.Rpc.Calls;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>Counters under geth's names, and a histogram of our own.</summary>
internal static class RpcMetrics
{
    private static readonly Meter Meter = new("QuorumMesh.Node.Rpc");
    private static readonly Counter<long> Requests = Meter.CreateCounter<long>("rpc_requests", description: "JSON-RPC calls");
    private static readonly Counter<long> Successes = Meter.CreateCounter<long>("rpc_success",
        description: "JSON-RPC calls answered with a result");
    private static readonly Counter<long> Failures = Meter.CreateCounter<long>("rpc_failure",
        description: "JSON-RPC calls answered with an error");

    private static readonly Histogram<double> Duration =
        Meter.CreateHistogram<double>("quorummesh_rpc_duration_seconds", description: "Time in a JSON-RPC method, by method and outcome");

    private static readonly Counter<long> Guard = Meter.CreateCounter<long>("quorummesh_rpc_private_guard",
        description: "Public transactions that were most likely meant to be private, by cause and outcome");

    /// <summary>Counts what the private guard found.</summary>
    public static void Guarded(PrivateGuardFinding finding, PrivateGuardMode mode) => Guard.Add(1,
        new KeyValuePair<string, object?>("cause", finding == PrivateGuardFinding.PrivateContract ? "contract" : "creator"),
        new KeyValuePair<string, object?>("outcome", mode == PrivateGuardMode.Refuse ? "refused" : "taken"));

    /// <param name="method">Null for names that are no method: they must not become labels.</param>
    public static void Record(string? method, bool success, TimeSpan elapsed)
    {
        Requests.Add(1);
        (success ? Successes : Failures).Add(1);
        if (!Duration.Enabled) return;
        var tags = new TagList { { "method", method ?? "unknown" }, { "outcome", success ? "success" : "failure" } };
        Duration.Record(elapsed.TotalSeconds, tags);
    }
}
