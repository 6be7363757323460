using System.Diagnostics.Metrics;

namespace QuorumMesh.TxManager.Rest.P2P;

internal static class PeerMetrics
{
    private static readonly Meter Meter = new("QuorumMesh.TxManager.Peers");

    private static readonly Histogram<double> Seconds = Meter.CreateHistogram<double>(
        "quorummesh_txmanager_peer_request_seconds", description: "Time of requests to other managers by kind and outcome.");

    public static void Record(string kind, string outcome, TimeSpan elapsed) => Seconds.Record(
        elapsed.TotalSeconds, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));
}
