using System.Diagnostics.Metrics;

namespace QuorumMesh.Listeners;

/// <summary>Shows every budget of the process.</summary>
internal static class ListenerMetrics
{
    private static readonly Meter Meter = new("QuorumMesh.Listeners");
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<ByteBudget>> Budgets = [];

    private static readonly Counter<long> Connections = Meter.CreateCounter<long>(
        "quorummesh_listener_connections_refused", description: "Connections beyond a listener's number");

    static ListenerMetrics()
    {
        Meter.CreateObservableGauge("quorummesh_listener_bytes", () => Read(b => b.Held),
            description: "Bytes of requests and answers under way");
        Meter.CreateObservableGauge("quorummesh_listener_bytes_limit", () => Read(b => b.Limit), description: "Most bytes under way");
        Meter.CreateObservableCounter("quorummesh_listener_refused", () => Read(b => b.Refused),
            description: "Messages that did not fit into a listener's budget");
    }

    public static void Add(ByteBudget budget)
    {
        lock (Gate)
        {
            Budgets.RemoveAll(r => !r.TryGetTarget(out _));
            Budgets.Add(new WeakReference<ByteBudget>(budget));
        }
    }

    public static void ConnectionRefused(string listener) => Connections.Add(1, new KeyValuePair<string, object?>("listener", listener));

    private static List<Measurement<long>> Read(Func<ByteBudget, long> value)
    {
        lock (Gate)
        {
            var read = new List<Measurement<long>>(Budgets.Count);
            foreach (var reference in Budgets)
                if (reference.TryGetTarget(out var budget))
                    read.Add(new Measurement<long>(value(budget), new KeyValuePair<string, object?>("listener", budget.Listener)));
            return read;
        }
    }
}
