using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace QuorumMesh.ServiceDefaults.Metrics;

/// <summary>
/// Collects the instruments of our own meters and writes them in Prometheus' text form under exactly the instrument's name:
/// no unit and no <c>_total</c> is appended, so that geth's names come out as geth's dashboards want them.
/// </summary>
public sealed class PrometheusCollector : IDisposable
{
    private readonly ConcurrentDictionary<string, MetricFamily> _families = new();
    private readonly MeterListener _listener = new();
    private readonly string[] _meters;

    /// <param name="meters">Meters to show beside those whose name starts with QuorumMesh.</param>
    public PrometheusCollector(IEnumerable<string> meters)
    {
        _meters = [.. meters];
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Wanted(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument, FamilyOf(instrument));
        };
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record((double)value, tags, state));
        _listener.Start();
    }

    /// <summary>The whole exposition, with the usual process figures.</summary>
    public string Write()
    {
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException)
        {
            // An instrument whose callback fails keeps its last value; the others must still be shown.
        }

        var text = new StringBuilder();
        foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
            family.Write(text);
        ProcessMetrics.Write(text);
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private MetricFamily FamilyOf(Instrument instrument) =>
        _families.GetOrAdd(MetricFamily.Sanitise(instrument.Name), static (_, source) => new MetricFamily(source), instrument);

    private bool Wanted(string meter) =>
        meter.StartsWith("QuorumMesh", StringComparison.Ordinal) || _meters.Contains(meter);

    private static void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        ((MetricFamily)state!).Record(value, tags);
}
