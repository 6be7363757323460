using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace QuorumMesh.ServiceDefaults.Metrics;

/// <summary>All series of one instrument name.</summary>
internal sealed class MetricFamily
{
    /// <summary>Above this many label sets further ones are dropped, so that no label can fill the memory.</summary>
    public const int MaxSeries = 1000;

    private static readonly double[] DefaultBounds =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ConcurrentDictionary<string, MetricSeries> _series = new();
    private readonly double[]? _bounds;
    private readonly Kind _kind;
    private readonly string _help;

    public MetricFamily(Instrument instrument)
    {
        Name = Sanitise(instrument.Name);
        _help = instrument.Description ?? "";
        _kind = KindOf(instrument);
        if (_kind == Kind.Histogram)
            _bounds = BoundsOf(instrument);
    }

    private enum Kind
    {
        Counter,
        ObservedCounter,
        UpDown,
        Gauge,
        Histogram,
    }

    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = tags.IsEmpty ? "" : Labels(tags);
        if (!_series.TryGetValue(labels, out var series))
        {
            if (_series.Count >= MaxSeries)
                return;
            series = _series.GetOrAdd(labels, static (key, bounds) => new MetricSeries(key, bounds), _bounds);
        }

        switch (_kind)
        {
            case Kind.Histogram:
                series.Observe(value);
                break;
            case Kind.Counter or Kind.UpDown:
                series.Add(value);
                break;
            default:
                series.Set(value);
                break;
        }
    }

    public void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
            return;
        if (_help.Length > 0)
            text.Append("# HELP ").Append(Name).Append(' ').Append(_help.Replace("\\", "\\\\").ReplaceLineEndings("\\n")).Append('\n');
        text.Append("# TYPE ").Append(Name).Append(_kind switch
        {
            Kind.Counter or Kind.ObservedCounter => " counter\n",
            Kind.Histogram => " histogram\n",
            _ => " gauge\n",
        });
        foreach (var pair in _series.OrderBy(p => p.Key, StringComparer.Ordinal))
            pair.Value.Write(text, Name);
    }

    public static string Sanitise(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var c in name)
            text.Append(char.IsAsciiLetterOrDigit(c) || c is '_' or ':' ? c : '_');
        if (text.Length > 0 && char.IsAsciiDigit(text[0]))
            text.Insert(0, '_');
        return text.ToString();
    }

    private static Kind KindOf(Instrument instrument)
    {
        var generic = instrument.GetType().Name;
        return generic switch
        {
            _ when generic.StartsWith("Counter", StringComparison.Ordinal) => Kind.Counter,
            _ when generic.StartsWith("ObservableCounter", StringComparison.Ordinal) => Kind.ObservedCounter,
            _ when generic.StartsWith("UpDownCounter", StringComparison.Ordinal) => Kind.UpDown,
            _ when generic.StartsWith("Histogram", StringComparison.Ordinal) => Kind.Histogram,
            _ => Kind.Gauge,
        };
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        IReadOnlyList<double>? advised = instrument switch
        {
            Histogram<double> h => h.Advice?.HistogramBucketBoundaries,
            Histogram<float> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
            Histogram<long> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
            Histogram<int> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
            _ => null,
        };
        return advised is null ? DefaultBounds : [.. advised.Order()];
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var tag in tags)
        {
            if (text.Length > 0)
                text.Append(',');
            var value = Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";
            text.Append(Sanitise(tag.Key)).Append("=\"")
                .Append(value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")).Append('"');
        }

        return text.ToString();
    }
}
