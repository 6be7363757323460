using System.Diagnostics.Metrics;

namespace QuorumMesh.TxManager.Rest;

internal static class RestMetrics
{
    private static readonly Meter Meter = new("QuorumMesh.TxManager.Rest");

    private static readonly Histogram<double> Seconds = Meter.CreateHistogram<double>(
        "quorummesh_txmanager_request_seconds", description: "Time to answer REST requests by application, route and status.");

    public static void Record(string app, string route, int status, TimeSpan elapsed) => Seconds.Record(
        elapsed.TotalSeconds,
        new KeyValuePair<string, object?>("app", app),
        new KeyValuePair<string, object?>("route", route),
        new KeyValuePair<string, object?>("status", status));
}
